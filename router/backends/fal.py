"""fal's queue: submit, ask the address it names, read the answer at another, fetch the pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..attempts import Kind
from .answers import NotJson, as_text, data_uri, read_object
from .holds import Hold, TooLarge, picture_bytes
from .jobs import fetch_pictures, poll
from .protocol import Diagnosis, Reply, Trouble
from .replies import after_submission, bad_answer, delivered, error_code, from_status, lost, refused, word
from .transport import NoAnswer, Transport, settled

if TYPE_CHECKING:
    from .protocol import Job, Watcher
    from .transport import Answer
    from .wiring import Wiring

__all__ = ["FalBackend"]

_OK, _BAD_REQUEST, _UNPROCESSABLE = 200, 400, 422
_HOSTS = (".fal.run", ".fal.ai", ".fal.media")
_FIXED = ("flux-2-pro", "flux-2-max")
"""These take neither steps nor a number of images."""
_ONE_IMAGE = (*_FIXED, "flux-2-flex")
_NOT_BEGUN = "request_timeout"  # it waited for a runner too long
_NOBODY = "requests/00000000-0000-0000-0000-000000000000/status"


class FalBackend:
    """One fal account. A `provider_job` is the request's id, the address of its state and that of its answer."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._vendor = wiring, wiring.settings.vendor
        self._transport = Transport(wiring, hosts=_HOSTS)

    @property
    def name(self) -> str:
        """The name it has in the settings."""
        return self._wiring.settings.name

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Submit, tell the watcher the request, and wait; fal is told not to run it twice by itself."""
        if job.n > 1 and _is_one_of(_ONE_IMAGE, job):
            return Reply(Kind.NOT_STARTED, trouble=Trouble.OUR_REQUEST, code="n_not_supported")
        return replace(await settled(self._make(job, watcher), self._wiring), ignored=_ignored(job))

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """Go on asking about a request."""
        _, _, addresses = provider_job.partition(" ")
        state, _, answer = addresses.partition(" ")
        if not answer:
            return lost("not_collectable", sent=True, vendor=self._vendor)
        reply = await settled(self._wait(state, answer, job), self._wiring)
        return after_submission(reply, provider_job, vendor=self._vendor)

    async def diagnose(self) -> Diagnosis:
        """Ask for the state of a request that nobody made: a key that works is told so, any other is turned away."""
        try:
            address = f"{self._wiring.settings.base_url}/fal-ai/flux-2/{_NOBODY}"
            answer = await self._transport.ask("GET", address, headers=self._key())
        except (NoAnswer, TooLarge) as error:
            return Diagnosis(works=False, problem=str(error))
        works = answer.status in (_OK, 404, _UNPROCESSABLE)
        return Diagnosis(works=works, problem="" if works else f"HTTP {answer.status}")

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Key {self._wiring.settings.key.value}"}

    async def _make(self, job: Job, watcher: Watcher) -> Reply:
        path = job.wire_model
        if job.request.operation == "edit" and "edit" not in path.split("/"):
            path = f"{path}/edit"
        answer = await self._transport.ask("POST", f"{self._wiring.settings.base_url}/{path}", json=_input(job),
                                           headers=self._key() | {"x-fal-no-retry": "1"})
        if answer.status != _OK:
            return self._declined(answer)
        task = read_object(answer.body)
        state, where = as_text(task.get("status_url")), as_text(task.get("response_url"))
        if not state or not where:
            return bad_answer("no_job", vendor=self._vendor)
        provider_job = f"{word(task.get('request_id'))} {state} {where}"
        await watcher.submitted(provider_job, None)
        return await self.collect(provider_job, job)

    async def _wait(self, state: str, where: str, job: Job) -> Reply:
        answer, document = await poll(lambda: self._transport.ask("GET", state, headers=self._key()),
                                      over=lambda answer, document: (answer.status >= _BAD_REQUEST
                                                                     or document.get("status") == "COMPLETED"),
                                      sleep=self._wiring.sleep)
        if answer.status >= _BAD_REQUEST:
            return self._declined(answer)
        with Hold(self._wiring.gate) as hold:
            await hold.enter(picture_bytes(job))
            answer = await self._transport.ask("GET", where, headers=self._key(), hold=hold, most=picture_bytes(job))
            if answer.status != _OK:
                return self._declined(answer, told=error_code(document))
            made = read_object(answer.body)
            if not made.get("images") and document.get("error"):
                return self._by_code(error_code(document), lost("failed", sent=True, vendor=self._vendor))
            reply = await self._read(made, job, hold)
            return replace(reply, held_bytes=hold.hand_over() if reply.pictures else 0)

    async def _read(self, made: dict[str, Any], job: Job, hold: Hold) -> Reply:
        images = made.get("images")
        places = [image.get("url") if isinstance(image, dict) else None for image in images] if isinstance(
            images, list) else []
        flagged = made.get("has_nsfw_concepts")
        if isinstance(flagged, list) and True in flagged:
            places = [place for place, flag in zip(places, flagged, strict=False) if flag is not True]
            pictures, _ = await fetch_pictures(self._transport, places, job=job, hold=hold, sleep=self._wiring.sleep)
            return replace(refused("has_nsfw_concepts", stage="output", vendor=self._vendor), pictures=pictures,
                           possibly_billed=True)
        pictures, bad = await fetch_pictures(self._transport, places, job=job, hold=hold, sleep=self._wiring.sleep)
        return delivered(job, pictures, bad=bad, vendor=self._vendor)

    def _declined(self, answer: Answer, told: str = "") -> Reply:
        """By the type that a header, the document or the request's state (`told`) names, then by status."""
        try:
            code = word(answer.headers.get("x-fal-error-type")) or error_code(read_object(answer.body)) or told
        except NotJson:
            code = told
        reply = from_status(answer.status, code=code, headers=answer.headers, vendor=self._vendor)
        reply = replace(reply, request_id=word(answer.headers.get("x-fal-request-id")))
        if answer.status == _UNPROCESSABLE:
            reply = replace(reply, possibly_billed=True)  # a runner may have worked before it refused
        if answer.headers.get("x-fal-retryable") == "true" and reply.trouble is Trouble.OUR_REQUEST:
            reply = replace(reply, trouble=Trouble.OUTAGE)
        return self._by_code(code, reply)

    def _by_code(self, code: str, reply: Reply) -> Reply:
        if code == _NOT_BEGUN:
            return replace(reply, trouble=Trouble.BUSY, possibly_billed=False)
        if code == "content_policy_violation":
            return replace(refused(code, stage="prompt", vendor=self._vendor), possibly_billed=True)
        return replace(reply, code=code or reply.code)


def _is_one_of(names: tuple[str, ...], job: Job) -> bool:
    return any(name in job.wire_model.split("/") for name in names)


def _ignored(job: Job) -> tuple[str, ...]:
    request = job.request
    wishes = {"mask": request.mask is not None, "lora": request.lora is not None,
              "steps": request.steps is not None and _is_one_of(_FIXED, job),
              "background": request.background == "transparent",
              "output_format": request.output_format not in ("png", "jpeg"),
              "output_compression": request.output_compression is not None,
              "partial_images": request.partial_images > 0}
    return tuple(name for name, wished in wishes.items() if wished)


def _input(job: Job) -> dict[str, Any]:
    request = job.request
    made: dict[str, Any] = {
        "prompt": request.prompt, "image_size": {"width": job.size.width, "height": job.size.height},
        "output_format": "jpeg" if request.output_format == "jpeg" else "png"}
    if job.n > 1:
        made["num_images"] = job.n
    if job.quality:
        made["quality"] = job.quality
    if request.seed is not None:
        made["seed"] = request.seed
    if request.steps is not None and not _is_one_of(_FIXED, job):
        made["num_inference_steps"] = request.steps
    if request.references:
        made["image_urls"] = [data_uri(picture) for picture in request.references]
    return made
