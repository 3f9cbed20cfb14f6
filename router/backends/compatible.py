"""Servers that speak OpenAI's Images API more or less: Together, DeepInfra, vLLM-Omni, SGLang, our own worker."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from ..pictures import read_picture
from .answers import NotJson, as_base64, data_uri, picture_texts, read_object, read_usage
from .holds import Hold, TooLarge, picture_bytes
from .jobs import fetch_pictures
from .protocol import Diagnosis
from .replies import delivered, delivered_texts, error_code, from_status, lost
from .transport import NoAnswer, Transport, settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..pictures import Picture
    from .dialects import Dialect
    from .protocol import Job, Reply, Watcher
    from .transport import Answer
    from .wiring import Wiring

__all__ = ["CompatibleBackend"]

_OK = 200
_AFTER_THE_WORK_BEGAN = 500


class CompatibleBackend:
    """One such server; its differences are its row in `backends/dialects.csv`."""

    def __init__(self, wiring: Wiring) -> None:
        if wiring.dialect is None:
            raise ValueError(f"backend {wiring.settings.name}: no dialect")
        self._wiring, self._vendor, self._dialect = wiring, wiring.settings.vendor, wiring.dialect
        self._transport = Transport(wiring, hosts=wiring.dialect.fetch_hosts)

    @property
    def name(self) -> str:
        """The name it has in the settings."""
        return self._wiring.settings.name

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Ask for the pictures and wait for them."""
        del watcher
        return replace(await settled(self._make(job), self._wiring), ignored=_ignored(job, self._dialect))

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """These servers have no name for work that runs."""
        del provider_job, job
        return lost("not_collectable", sent=True, vendor=self._vendor)

    async def diagnose(self) -> Diagnosis:
        """Ask for the server's health, or the list of its models."""
        path = self._dialect.health
        address = str(URL(self._address("")).origin()) + path if path.startswith("/") else self._address(path)
        try:
            answer = await self._transport.ask("GET", address, headers=self._key())
        except (NoAnswer, TooLarge) as error:
            return Diagnosis(works=False, problem=str(error))
        works = answer.status == _OK and answer.content_type != "text/html"
        return Diagnosis(works=works, problem="" if works else f"HTTP {answer.status} {answer.content_type}".strip())

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.close()

    def _address(self, path: str) -> str:
        return f"{self._wiring.settings.base_url}/{path}"

    def _key(self) -> dict[str, str]:
        key, header = self._wiring.settings.key.value, self._vendor.key_header
        if not key:
            return {}
        return {header: key} if header else {"Authorization": f"Bearer {key}"}

    async def _make(self, job: Job) -> Reply:
        fields, is_form = _fields(job, self._dialect), bool(self._dialect.edit_path) and bool(job.request.references)
        content: dict[str, Any] = {"data": _form(job, fields, self._dialect)} if is_form else {"json": fields}
        path = self._dialect.edit_path if is_form else self._dialect.path_of(job.wire_model)
        headers = self._key() | {"X-Client-Request-Id": job.attempt_id}
        if self._dialect.tenant_header and job.request.tenant:
            headers[self._dialect.tenant_header] = job.request.tenant
        with Hold(self._wiring.gate) as hold:
            answer = await self._transport.ask("POST", self._address(path), headers=headers, hold=hold,
                                               most=picture_bytes(job), **content)
            if answer.status != _OK:
                return self._declined(answer)
            reply = await self._read(answer, job, hold)
            return replace(reply, held_bytes=hold.hand_over() if reply.pictures else 0)

    async def _read(self, answer: Answer, job: Job, hold: Hold) -> Reply:
        hold.keep(len(answer.body))
        if answer.content_type.startswith("image/"):
            picture = read_picture(memoryview(answer.body), is_base64=False)
            return delivered(job, (picture,), bad=0, vendor=self._vendor)
        document = read_object(answer.body)
        if document.get("error"):
            return from_status(_AFTER_THE_WORK_BEGAN, code=error_code(document), headers={}, vendor=self._vendor)
        texts = picture_texts(document)
        if any(bytes(as_base64(text)[:4]) == b"http" for text in texts):
            hold.keep(0)
            pictures, bad = await fetch_pictures(self._transport, texts, job=job, hold=hold,
                                                 sleep=self._wiring.sleep)
            return delivered(job, pictures, bad=bad, vendor=self._vendor)
        return replace(delivered_texts(job, texts, vendor=self._vendor), usage=read_usage(document))

    def _declined(self, answer: Answer) -> Reply:
        try:
            code = error_code(read_object(answer.body))
        except NotJson:
            code = ""
        return from_status(answer.status, code=code, headers=answer.headers, vendor=self._vendor)


def _fields(job: Job, dialect: Dialect) -> dict[str, Any]:
    """What both a generation and an edit say; a wish the dialect has no field for is left out."""
    request, short = job.request, dialect.is_short(job.wire_model)
    steps = request.steps if request.steps is not None else dialect.short_steps if short else None
    named = {
        dialect.n_field: job.n, dialect.steps_field: steps, dialect.format_field: request.output_format,
        dialect.guidance_field: dialect.short_guidance if short else None, dialect.seed_field: request.seed,
        "response_format": dialect.one_format if job.n == 1 else dialect.more_formats,
        **({"size": str(job.size)} if dialect.size_as == "size"
           else {"width": job.size.width, "height": job.size.height}),
        **_lora(job, dialect)}
    if request.references and not dialect.edit_path:
        named |= _references(request.references, dialect)
    fields = {"model": job.wire_model, "prompt": request.prompt, **dialect.extra_fields}
    return fields | {name: value for name, value in named.items() if name and value not in (None, "")}


def _references(pictures: tuple[Picture, ...], dialect: Dialect) -> Mapping[str, Any]:
    if dialect.references_as != "numbered":
        return {dialect.references_as: [data_uri(picture) for picture in pictures]}
    return {"input_image" if at == 1 else f"input_image_{at}": bytes(picture.as_base64()).decode("ascii")
            for at, picture in enumerate(pictures, 1)}


def _lora(job: Job, dialect: Dialect) -> Mapping[str, Any]:
    lora = job.request.lora
    if lora is None or not dialect.lora_as:
        return {}
    if dialect.lora_as == "list":
        return {"image_loras": [{"path": lora.name, "scale": lora.scale}]}
    return {"lora": {"name": lora.name, "path": lora.name, "scale": lora.scale}}


def _form(job: Job, fields: Mapping[str, Any], dialect: Dialect) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value if isinstance(value, str) else json.dumps(value))
    parts = [("image[]", picture) for picture in job.request.references]
    if job.request.mask is not None and dialect.mask_field:
        parts.append((dialect.mask_field, job.request.mask))
    for name, picture in parts:
        form.add_field(name, picture.as_bytes(), filename=f"image.{picture.format}",
                       content_type=f"image/{picture.format}")
    return form


def _ignored(job: Job, dialect: Dialect) -> tuple[str, ...]:
    request = job.request
    wishes = {
        "references": bool(request.references) and not dialect.references_as,
        "mask": request.mask is not None and not (dialect.mask_field and dialect.edit_path),
        "lora": request.lora is not None and not dialect.lora_as,
        "seed": request.seed is not None and not dialect.seed_field,
        "steps": request.steps is not None and not dialect.steps_field,
        "background": request.background == "transparent",
        "output_format": request.output_format != "png" and not dialect.format_field,
        "output_compression": request.output_compression is not None,
        "partial_images": request.partial_images > 0}
    return tuple(name for name, wished in wishes.items() if wished)
