"""Cloudflare Workers AI: a form in, the picture's base64 out, inside an envelope whose errors are numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from ..attempts import Kind
from ..pictures import read_picture
from .answers import NotJson, read_object
from .holds import Hold, TooLarge, picture_bytes
from .protocol import Diagnosis, Reply, Trouble
from .replies import delivered, delivered_texts, from_status, lost, refused
from .transport import NoAnswer, Transport, settled

if TYPE_CHECKING:
    from .protocol import Job, Watcher
    from .transport import Answer
    from .wiring import Wiring

__all__ = ["CloudflareBackend"]

_OK, _AFTER_THE_WORK_BEGAN, _TOO_MANY = 200, 500, 429
_MOST_REFERENCES = 4
_DEV_STEPS = 25
"""Always sent: the price counts steps, and the server's own number is not published. As in the examples of the page."""
_FLAGGED = frozenset({3030})
"""Prompt or picture flagged; not in the table of errors, seen by integrators."""
_SPENT, _BLOCKED = frozenset({3036, 4006}), frozenset({3023, 3041, 5016, 5018, 5035})
"""The day's free allocation is used up; the account may not use the model. From the table of errors, but for 4006 and
5035 (a model of the paid plan), seen by integrators."""


class CloudflareBackend:
    """One Cloudflare account, an image per call; the account's id is part of the base address."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._vendor = wiring, wiring.settings.vendor
        self._transport = Transport(wiring, hosts=())

    @property
    def name(self) -> str:
        """The name it has in the settings."""
        return self._wiring.settings.name

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Ask for the picture and wait for it."""
        del watcher
        if len(job.request.references) > _MOST_REFERENCES:
            return Reply(Kind.NOT_STARTED, trouble=Trouble.OUR_REQUEST, code="too_many_references")
        return replace(await settled(self._make(job), self._wiring), ignored=_ignored(job))

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """It has no name for work that runs."""
        del provider_job, job
        return lost("not_collectable", sent=True, vendor=self._vendor)

    async def diagnose(self) -> Diagnosis:
        """Search the account's models, which costs nothing and needs the same permission."""
        address = f"{self._wiring.settings.base_url.removesuffix('/run')}/models/search?search=flux-2"
        try:
            answer = await self._transport.ask("GET", address, headers=self._key())
            works = answer.status == _OK and read_object(answer.body).get("success") is True
        except (NoAnswer, TooLarge) as error:
            return Diagnosis(works=False, problem=str(error))
        except NotJson:
            return Diagnosis(works=False, problem="no list of models")
        return Diagnosis(works=works, problem="" if works else f"HTTP {answer.status}")

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._wiring.settings.key.value}"}

    async def _make(self, job: Job) -> Reply:
        address = f"{self._wiring.settings.base_url}/{job.wire_model}"
        with Hold(self._wiring.gate) as hold:
            answer = await self._transport.ask("POST", address, headers=self._key(), hold=hold, most=picture_bytes(job),
                                               data=_form(job))
            if answer.status != _OK:
                return self._declined(answer)
            hold.keep(len(answer.body))
            reply = self._read(answer, job)
            return replace(reply, held_bytes=hold.hand_over() if reply.pictures else 0)

    def _read(self, answer: Answer, job: Job) -> Reply:
        if answer.content_type.startswith("image/"):
            return delivered(job, (read_picture(memoryview(answer.body), is_base64=False),), bad=0, vendor=self._vendor)
        document = read_object(answer.body)
        if document.get("success") is False:
            return self._by_code(document, from_status(_AFTER_THE_WORK_BEGAN, code="", headers=answer.headers,
                                                       vendor=self._vendor))
        made = document.get("result")
        image = (made if isinstance(made, dict) else document).get("image")
        return delivered_texts(job, [image] if image else [], vendor=self._vendor)

    def _declined(self, answer: Answer) -> Reply:
        reply = from_status(answer.status, code="", headers=answer.headers, vendor=self._vendor)
        try:
            return self._by_code(read_object(answer.body), reply)
        except NotJson:
            return reply

    def _by_code(self, document: dict[str, Any], reply: Reply) -> Reply:
        """An error by its number, which says more than its status: 429 is both a full house and an empty purse."""
        errors = document.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        number = first.get("code")
        if not isinstance(number, int):
            return reply
        if number in _FLAGGED:
            return refused(str(number), stage="", vendor=self._vendor)
        if number in _SPENT:
            return replace(reply, kind=Kind.NOT_STARTED, trouble=Trouble.MONEY, code=str(number), possibly_billed=False)
        if number in _BLOCKED:
            return replace(reply, kind=Kind.NOT_STARTED, trouble=Trouble.ACCOUNT, code=str(number),
                           possibly_billed=False)
        return replace(reply, code=str(number))


def _is_dev(job: Job) -> bool:
    return job.wire_model.endswith("flux-2-dev")


def _ignored(job: Job) -> tuple[str, ...]:
    request = job.request
    wishes = {"mask": request.mask is not None, "lora": request.lora is not None,
              "steps": request.steps is not None and not _is_dev(job),
              "background": request.background == "transparent", "output_format": request.output_format != "png",
              "output_compression": request.output_compression is not None,
              "partial_images": request.partial_images > 0}
    return tuple(name for name, wished in wishes.items() if wished)


def _form(job: Job) -> aiohttp.FormData:
    request = job.request
    form = aiohttp.FormData(default_to_multipart=True)
    fields = {"prompt": request.prompt, "width": job.size.width, "height": job.size.height, "seed": request.seed,
              "steps": (request.steps or _DEV_STEPS) if _is_dev(job) else None}
    for name, value in fields.items():
        if value is not None:
            form.add_field(name, str(value))
    for at, picture in enumerate(request.references):
        form.add_field(f"input_image_{at}", picture.as_bytes(), filename=f"image.{picture.format}",
                       content_type=f"image/{picture.format}")
    return form
