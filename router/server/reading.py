"""Bodies: JSON or multipart, within limits, into an image request."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, MultipartReader
from aiohttp.http_exceptions import HttpProcessingError

from ..errors import BadRequest
from ..pictures import Picture
from ..quantities import Size
from ..request import MOST_REFERENCES
from .problems import Problem
from .references import MOST_REFERENCE_BYTES, picture_of, pictures_of_document
from .wishes import Wishes, read_wishes

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiohttp import web

    from ..settings import Tenant
    from .room import Intake

__all__ = ["read_body", "read_document", "read_edit", "read_fields", "read_generation", "read_question"]

_MOST_FIELD_BYTES = 256 * 1024
_MOST_PARTS = 64
_READ_S = 120.0


async def read_generation(request: web.Request, intake: Intake, *, tenant: Tenant | None) -> Wishes:
    """A generation that came as JSON.

    Raises:
        BadRequest: it cannot be read.
    """
    return read_wishes(await read_document(request, intake), tenant=tenant, operation="generate")


async def read_edit(request: web.Request, intake: Intake, *, tenant: Tenant | None, hosts: tuple[str, ...]) -> Wishes:
    """An edit that came as multipart or as JSON.

    Args:
        request: with its body unread.
        intake: counts the bytes.
        tenant: whose it is.
        hosts: those that pictures may be fetched from; empty for any on the open internet.

    Raises:
        BadRequest: it cannot be read.
    """
    if request.content_type == "multipart/form-data":
        intake.expect(request.content_length)
        fields, references, mask = await _in_time(_read_form(request, intake))
    else:
        fields = await read_document(request, intake)
        references, mask = await pictures_of_document(fields, intake, hosts=hosts)
    return read_wishes(fields, tenant=tenant, operation="edit", references=references, mask=mask)


async def read_question(request: web.Request, intake: Intake, *, tenant: Tenant | None) -> Wishes:
    """A request that is only to be decided; sizes stand for the images of an edit.

    Raises:
        BadRequest: it cannot be read.
    """
    return read_fields(await read_document(request, intake), tenant=tenant)


def read_fields(fields: dict[str, Any], *, tenant: Tenant | None) -> Wishes:
    """As `read_question`, of a document that has been read.

    Raises:
        BadRequest: it cannot be read.
    """
    stated = fields.get("references", [])
    if not isinstance(stated, list) or len(stated) > MOST_REFERENCES:
        raise BadRequest(f'references: give up to {MOST_REFERENCES} sizes, as in ["1024x1024"]', param="references",
                         code="invalid_type")
    references = tuple(_stand_in(size) for size in stated)
    mask = references[0] if references and fields.get("mask") is True else None
    return read_wishes(fields, tenant=tenant, operation="edit" if references else "generate", references=references,
                       mask=mask)


async def read_document(request: web.Request, intake: Intake) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadRequest: another content type, too large, or no JSON object.
        Problem: 408, it did not come in time.
    """
    if request.content_type != "application/json":
        raise BadRequest(f"content-type = {request.content_type[:80]!r}: send application/json", param="content-type",
                         code="unsupported_media_type")
    intake.expect(request.content_length)
    try:
        document = json.loads(await _in_time(_read_body(request, intake)))
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON; send one JSON object", param="body", code="invalid_json") from None
    if not isinstance(document, dict):
        raise BadRequest("the body is no JSON object; send one", param="body", code="invalid_json")
    return document


async def read_body(request: web.Request, intake: Intake, *, most: int) -> bytes:
    """A whole body of at most `most` bytes.

    Raises:
        BadRequest: it is larger.
    """
    body = await _in_time(_read_body(request, intake, most))
    return bytes(body)


async def _in_time(reading: Awaitable[Any]) -> Any:
    """A body that trickles holds its place only so long."""
    try:
        async with asyncio.timeout(_READ_S):
            return await reading
    except TimeoutError:
        raise Problem(408, f"the body did not come within {_READ_S:.0f} s; send it again", code="timeout",
                      retry_after_s=1.0) from None


async def _read_body(request: web.Request, intake: Intake, most: int | None = None) -> bytearray:
    body = bytearray()
    async for chunk in request.content.iter_any():
        intake.take(len(chunk))
        body += chunk
        if most is not None and len(body) > most:
            raise BadRequest(f"the body is above {most:,} bytes; send less", param="body", code="too_large")
    return body


def _stand_in(size: object) -> Picture:
    try:
        return Picture(b"", is_base64=False, format="png", size=Size.parse(str(size)))
    except ValueError:
        raise BadRequest('references: give sizes, as in ["1024x1024"]', param="references",
                         code="invalid_size") from None


async def _read_form(request: web.Request, intake: Intake) -> (
        tuple[dict[str, Any], tuple[Picture, ...], Picture | None]):
    fields: dict[str, Any] = {}
    references: list[Picture] = []
    mask: Picture | None = None
    try:
        reader = await request.multipart()
        for _ in range(_MOST_PARTS):
            part = await reader.next()
            if part is None:
                return fields, tuple(references), mask
            if isinstance(part, MultipartReader):
                break
            name = part.name or ""
            if name == "image" or name.startswith("image["):
                references.append(await _read_picture(part, intake, "image"))
                if len(references) > MOST_REFERENCES:
                    raise BadRequest(f"image: more than {MOST_REFERENCES} images; send fewer", param="image",
                                     code="too_many_images")
            elif name == "mask":
                mask = await _read_picture(part, intake, "mask")
            else:
                fields[name] = (await _read_part(part, intake, _MOST_FIELD_BYTES, param=name[:40])).decode()
    except (ValueError, AssertionError, LookupError, HttpProcessingError):
        raise BadRequest("the body is no multipart form", param="body", code="invalid_form") from None
    raise BadRequest(f"the form has more than {_MOST_PARTS} parts, or parts in parts", param="body",
                     code="invalid_form")


async def _read_picture(part: BodyPartReader, intake: Intake, param: str) -> Picture:
    return picture_of(await _read_part(part, intake, MOST_REFERENCE_BYTES, param=param), param)


async def _read_part(part: BodyPartReader, intake: Intake, most: int, *, param: str) -> bytes:
    read = bytearray()
    while chunk := await part.read_chunk(65_536):
        intake.take(len(chunk))
        read += chunk
        if len(read) > most:
            raise BadRequest(f"{param}: above {most:,} bytes; send less", param=param, code="too_large")
    return bytes(read)
