"""Replicate: submit a prediction, ask the address it names until it is over, fetch its files within the hour."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..attempts import Kind
from .answers import NotJson, as_text, data_uri, read_object
from .holds import Hold, TooLarge
from .jobs import fetch_pictures, poll
from .protocol import Diagnosis, Reply, Trouble
from .replies import after_submission, bad_answer, delivered, error_code, from_status, lost, refused, word
from .transport import NoAnswer, Transport, settled

if TYPE_CHECKING:
    from .protocol import Job, Watcher
    from .transport import Answer
    from .wiring import Wiring

__all__ = ["ReplicateBackend"]

_OK, _CREATED, _ACCEPTED, _BAD_REQUEST = 200, 201, 202, 400
_HOSTS = (".replicate.com", ".replicate.delivery")
_NEVER_RAN = "aborted"
"""Over before it could start, and not charged: https://replicate.com/docs/topics/predictions/lifecycle (2026)."""
_OVER = frozenset({"succeeded", "failed", "canceled", _NEVER_RAN})
_FAST = "+go_fast"
"""Ends the name of an offer that is priced with `go_fast` on; Replicate knows it as a field."""
_CODE = re.compile(r"\b(E[0-9]{3,4})\b")
_SENSITIVE = "E005"
_NUDE = re.compile(r"\bNSFW\b")
"""A refusal has no type and no status here. Models of Replicate name a code in their sentence, or this word."""
_RESETS = re.compile(r"(?:resets|available) in ~?([0-9]{1,5})(?:\.[0-9]+)? ?s")


class ReplicateBackend:
    """One Replicate account, an image per prediction.

    A `provider_job` is the prediction's id and the address to ask, with a blank between them. `Prefer: wait` is not
    sent: it would keep the id from us for up to a minute, and what runs without a known id is lost in a crash.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._vendor = wiring, wiring.settings.vendor
        self._transport = Transport(wiring, hosts=_HOSTS)

    @property
    def name(self) -> str:
        """The name it has in the settings."""
        return self._wiring.settings.name

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Submit, tell the watcher the prediction, and wait."""
        if job.request.references and _slug(job) == "flux-2-dev":
            # Its width and height hold for text alone: what size an edit comes back in is not published.
            return Reply(Kind.NOT_STARTED, trouble=Trouble.OUR_REQUEST, code="edit_without_size")
        return replace(await settled(self._make(job, watcher), self._wiring), ignored=_ignored(job))

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """Go on asking about a prediction; its files are deleted after an hour."""
        _, _, address = provider_job.partition(" ")
        if not address:
            return lost("not_collectable", sent=True, vendor=self._vendor)
        reply = await settled(self._wait(address, job), self._wiring)
        return after_submission(reply, provider_job, vendor=self._vendor)

    async def diagnose(self) -> Diagnosis:
        """Ask whose key it is."""
        try:
            answer = await self._transport.ask("GET", f"{self._wiring.settings.base_url}/account", headers=self._key())
            told = read_object(answer.body) if answer.status == _OK else {}
        except (NoAnswer, TooLarge) as error:
            return Diagnosis(works=False, problem=str(error))
        except NotJson:
            return Diagnosis(works=False, problem="no account")
        if answer.status != _OK:
            return Diagnosis(works=False, problem=f"HTTP {answer.status}")
        return Diagnosis(works=True, facts={"account": word(told.get("username")) or "unnamed"})

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._wiring.settings.key.value}"}

    async def _make(self, job: Job, watcher: Watcher) -> Reply:
        model = job.wire_model.removesuffix(_FAST)
        answer = await self._transport.ask("POST", f"{self._wiring.settings.base_url}/models/{model}/predictions",
                                           headers=self._key(), json={"input": _input(job)})
        if answer.status not in (_OK, _CREATED, _ACCEPTED):
            return self._declined(answer)
        task = read_object(answer.body)
        urls = task.get("urls")
        address = as_text(urls.get("get")) if isinstance(urls, dict) else ""
        if not address:
            return bad_answer("no_job", vendor=self._vendor)
        provider_job = f"{word(task.get('id'))} {address}"
        await watcher.submitted(provider_job, None)
        if task.get("status") in _OVER:
            reply = await settled(self._read(task, job), self._wiring)
            return after_submission(reply, provider_job, vendor=self._vendor)
        return await self.collect(provider_job, job)

    async def _wait(self, address: str, job: Job) -> Reply:
        answer, document = await poll(lambda: self._transport.ask("GET", address, headers=self._key()),
                                      over=lambda answer, document: (answer.status >= _BAD_REQUEST
                                                                     or document.get("status") in _OVER),
                                      sleep=self._wiring.sleep)
        return await self._read(document, job) if answer.status < _BAD_REQUEST else self._declined(answer)

    async def _read(self, task: dict[str, Any], job: Job) -> Reply:
        if task.get("status") != "succeeded":
            return self._failed(task)
        output = task.get("output")
        places = [place for place in (output if isinstance(output, list) else [output]) if place]
        if not places:
            return bad_answer("no_picture", vendor=self._vendor)
        with Hold(self._wiring.gate) as hold:
            pictures, bad = await fetch_pictures(self._transport, places, job=job, hold=hold, sleep=self._wiring.sleep)
            reply = delivered(job, pictures, bad=bad, vendor=self._vendor)
            return replace(reply, held_bytes=hold.hand_over())

    def _failed(self, task: dict[str, Any]) -> Reply:
        told = as_text(task.get("error"))
        code = found[1] if (found := _CODE.search(told)) else ""
        if code == _SENSITIVE or (not code and _NUDE.search(told)):
            return refused(code or "nsfw", stage="", vendor=self._vendor)
        free = self._vendor.failures_free or task.get("status") == _NEVER_RAN
        return Reply(Kind.FAILED, code=code or word(task.get("status")), trouble=Trouble.OUTAGE,
                     possibly_billed=not free)

    def _declined(self, answer: Answer) -> Reply:
        try:
            told = read_object(answer.body)
        except NotJson:
            told = {}
        reply = from_status(answer.status, code=error_code(told), headers=answer.headers, vendor=self._vendor)
        if reply.trouble is Trouble.BUSY and reply.retry_after_s is None:
            reply = replace(reply, retry_after_s=_seconds_told(told))
        return reply


def _seconds_told(document: dict[str, Any]) -> float | None:
    """Seconds until a limit resets, which a throttled answer says in its body and not always in a header."""
    told = document.get("retry_after")
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < 1e5:  # noqa: PLR2004 (sense)
        return float(told)
    found = _RESETS.search(as_text(document.get("detail")))
    return float(found[1]) if found else None


def _slug(job: Job) -> str:
    return job.wire_model.removesuffix(_FAST).rpartition("/")[2]


def _ignored(job: Job) -> tuple[str, ...]:
    request = job.request
    wishes = {"mask": request.mask is not None, "lora": request.lora is not None,
              "steps": request.steps is not None and _slug(job) != "flux-2-flex",
              "background": request.background == "transparent",
              "output_compression": request.output_compression is not None and request.output_format == "png",
              "partial_images": request.partial_images > 0}
    return tuple(name for name, wished in wishes.items() if wished)


def _input(job: Job) -> dict[str, Any]:
    request, slug = job.request, _slug(job)
    made: dict[str, Any] = {
        "prompt": request.prompt, "aspect_ratio": "custom", "width": job.size.width, "height": job.size.height,
        "output_format": "jpg" if request.output_format == "jpeg" else request.output_format}
    if request.output_compression is not None and request.output_format != "png":
        made["output_quality"] = request.output_compression
    if request.seed is not None:
        made["seed"] = request.seed
    if slug == "flux-2-dev":
        made["go_fast"] = job.wire_model.endswith(_FAST)
    if slug == "flux-2-flex":
        made["prompt_upsampling"] = False  # on by default, and it would rewrite the prompt
        if request.steps is not None:
            made["steps"] = request.steps
    if request.references:
        made["input_images"] = [data_uri(picture) for picture in request.references]
    return made
