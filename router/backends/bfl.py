"""Black Forest Labs: submit, ask the address it names until the picture is ready, fetch it within ten minutes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..attempts import Kind
from ..quantities import usd_from_cents
from .answers import NotJson, as_text, read_object
from .holds import Hold, TooLarge
from .jobs import fetch_pictures, poll
from .protocol import Diagnosis, Reply, Trouble
from .replies import after_submission, bad_answer, delivered, error_code, from_status, lost, refused, word
from .transport import NoAnswer, Transport, settled

if TYPE_CHECKING:
    from .protocol import Job, Watcher
    from .transport import Answer
    from .wiring import Wiring

__all__ = ["BflBackend"]

_OK = 200
_HOSTS = (".bfl.ai",)
_MOST_REFERENCES = 8
_REFUSED = {"request_moderated": "prompt", "content_moderated": "output"}
_OVER = frozenset({"ready", "error", "failed", "task_not_found", *_REFUSED})


class BflBackend:
    """One BFL account in one region, an image per job.

    A `provider_job` is the job's id and the address to ask, with a blank between them. The address is never built: it
    may be another region's.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._vendor = wiring, wiring.settings.vendor
        self._transport = Transport(wiring, hosts=_HOSTS)

    @property
    def name(self) -> str:
        """The name it has in the settings."""
        return self._wiring.settings.name

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Submit, tell the watcher the job and its charge, and wait."""
        if len(job.request.references) > _MOST_REFERENCES:
            return Reply(Kind.NOT_STARTED, trouble=Trouble.OUR_REQUEST, code="too_many_references")
        return replace(await settled(self._make(job, watcher), self._wiring), ignored=_ignored(job))

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """Go on asking about a job; its result is kept for ten minutes."""
        _, _, address = provider_job.partition(" ")
        if not address:
            return lost("not_collectable", sent=True, vendor=self._vendor)
        reply = await settled(self._wait(address, job), self._wiring)
        return after_submission(reply, provider_job, vendor=self._vendor)

    async def diagnose(self) -> Diagnosis:
        """Read the balance."""
        try:
            answer = await self._transport.ask("GET", self._address("credits"), headers=self._key())
            left = read_object(answer.body).get("credits")
        except (NoAnswer, TooLarge) as error:
            return Diagnosis(works=False, problem=str(error))
        except NotJson:
            return Diagnosis(works=False, problem="no balance")
        if answer.status != _OK:
            return Diagnosis(works=False, problem=f"HTTP {answer.status}")
        return Diagnosis(works=True, facts={"credits": str(left)[:20]})

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()

    def _address(self, path: str) -> str:
        return f"{self._wiring.settings.base_url}/v1/{path}"

    def _key(self) -> dict[str, str]:
        return {"x-key": self._wiring.settings.key.value}

    async def _make(self, job: Job, watcher: Watcher) -> Reply:
        answer = await self._transport.ask("POST", self._address(job.wire_model), headers=self._key(),
                                           json=_input(job))
        if answer.status != _OK:
            return self._declined(answer)
        task = read_object(answer.body)
        cost, address = _cost(task.get("cost")), as_text(task.get("polling_url"))
        if not address:
            return replace(bad_answer("no_job", vendor=self._vendor), cost_usd=cost)
        provider_job = f"{word(task.get('id'))} {address}"
        await watcher.submitted(provider_job, cost)
        reply = await self.collect(provider_job, job)
        return replace(reply, cost_usd=cost if reply.possibly_billed else None)

    async def _wait(self, address: str, job: Job) -> Reply:
        answer, document = await poll(lambda: self._transport.ask("GET", address, headers=self._key()),
                                      over=lambda answer, document: answer.status != _OK or _state(document) in _OVER,
                                      sleep=self._wiring.sleep)
        state = _state(document)
        if state in _REFUSED:
            return refused(state, stage=_REFUSED[state], vendor=self._vendor)
        if state == "ready":
            return await self._fetch(document, job)
        if state in _OVER:
            free = state != "task_not_found" and self._vendor.failures_free
            return Reply(Kind.FAILED, code=state, possibly_billed=not free,
                         trouble=Trouble.NONE if state == "task_not_found" else Trouble.OUTAGE)
        return self._declined(answer)

    async def _fetch(self, document: dict[str, Any], job: Job) -> Reply:
        result = document.get("result")
        sample = as_text(result.get("sample")) if isinstance(result, dict) else ""
        if not sample:
            return bad_answer("no_picture", vendor=self._vendor)
        with Hold(self._wiring.gate) as hold:
            pictures, bad = await fetch_pictures(self._transport, (sample,), job=job, hold=hold,
                                                 sleep=self._wiring.sleep)
            reply = delivered(job, pictures, bad=bad, vendor=self._vendor)
            return replace(reply, held_bytes=hold.hand_over())

    def _declined(self, answer: Answer) -> Reply:
        try:
            code = error_code(read_object(answer.body))
        except NotJson:
            code = ""
        return from_status(answer.status, code=code, headers=answer.headers, vendor=self._vendor)


def _state(document: dict[str, Any]) -> str:
    return word(document.get("status") or document.get("state")).lower()


def _cost(credit: object) -> Decimal | None:
    """US dollars of a charge in credits, which are cents."""
    if isinstance(credit, int | float) and not isinstance(credit, bool) and 0 <= credit < 1e6:  # noqa: PLR2004 (sense)
        return usd_from_cents(Decimal(str(credit)))
    return None


def _is_flex(job: Job) -> bool:
    return "flex" in job.wire_model


def _ignored(job: Job) -> tuple[str, ...]:
    request = job.request
    wishes = {"mask": request.mask is not None, "lora": request.lora is not None,
              "steps": request.steps is not None and not _is_flex(job),
              "background": request.background == "transparent",
              "output_format": request.output_format not in ("png", "jpeg"),
              "output_compression": request.output_compression is not None,
              "partial_images": request.partial_images > 0}
    return tuple(name for name, wished in wishes.items() if wished)


def _input(job: Job) -> dict[str, Any]:
    request = job.request
    made: dict[str, Any] = {
        "prompt": request.prompt, "width": job.size.width, "height": job.size.height,
        "output_format": "jpeg" if request.output_format == "jpeg" else "png"}
    if request.seed is not None:
        made["seed"] = request.seed
    if request.steps is not None and _is_flex(job):
        made["steps"] = request.steps
    for at, picture in enumerate(request.references, 1):
        made["input_image" if at == 1 else f"input_image_{at}"] = bytes(picture.as_base64()).decode("ascii")
    return made
