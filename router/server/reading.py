"""Bodies: JSON or multipart, within limits, into an image request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import BodyPartReader, MultipartReader, web

from ..errors import BadRequest
from ..request import MOST_REFERENCES
from .references import MOST_REFERENCE_BYTES, picture_of, pictures_of_document
from .wishes import Wishes, read_wishes

if TYPE_CHECKING:
    from ..pictures import Picture
    from ..settings import Settings, Tenant

__all__ = ["read_document", "read_edit", "read_generation"]

_MOST_FIELD_BYTES = 256 * 1024
_MOST_PARTS = 64


async def read_generation(request: web.Request, tenant: Tenant | None) -> Wishes:
    """A generation that came as JSON.

    Raises:
        BadRequest: it cannot be read.
    """
    return read_wishes(await read_document(request), tenant=tenant, operation="generate")


async def read_edit(request: web.Request, settings: Settings, tenant: Tenant | None,
                    operation: Literal["generate", "edit"] = "edit") -> Wishes:
    """An edit that came as multipart or as JSON.

    Raises:
        BadRequest: it cannot be read.
    """
    if request.content_type == "multipart/form-data":
        fields, references, mask = await _read_form(request)
    else:
        fields = await read_document(request)
        references, mask = await pictures_of_document(fields, hosts=settings.server.image_hosts)
    return read_wishes(fields, tenant=tenant, operation=operation, references=references, mask=mask)


async def read_document(request: web.Request) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadRequest: another content type, too large, or no JSON object.
    """
    if request.content_type != "application/json":
        raise BadRequest(f"content-type = {request.content_type[:80]!r}: send application/json", param="content-type",
                         code="unsupported_media_type")
    try:
        document = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON; send one JSON object", param="body", code="invalid_json") from None
    except web.HTTPRequestEntityTooLarge:
        raise BadRequest("the body is too large", param="body", code="too_large") from None
    if not isinstance(document, dict):
        raise BadRequest("the body is no JSON object; send one", param="body", code="invalid_json")
    return document


async def _read_form(request: web.Request) -> tuple[dict[str, Any], tuple[Picture, ...], Picture | None]:
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
            if name in ("image", "image[]") or name.startswith("image["):
                references.append(picture_of(await _read_part(part, MOST_REFERENCE_BYTES, "image"), "image"))
                if len(references) > MOST_REFERENCES:
                    raise BadRequest(f"image: more than {MOST_REFERENCES} images; send fewer", param="image",
                                     code="too_many_images")
            elif name == "mask":
                mask = picture_of(await _read_part(part, MOST_REFERENCE_BYTES, "mask"), "mask")
            else:
                fields[name] = (await _read_part(part, _MOST_FIELD_BYTES, name[:40])).decode()
    except (ValueError, AssertionError, LookupError):
        raise BadRequest("the body is no multipart form", param="body", code="invalid_form") from None
    raise BadRequest(f"the form has more than {_MOST_PARTS} parts, or parts in parts", param="body",
                     code="invalid_form")


async def _read_part(part: BodyPartReader, most: int, param: str) -> bytes:
    read = bytearray()
    while chunk := await part.read_chunk(65_536):
        read += chunk
        if len(read) > most:
            raise BadRequest(f"{param}: above {most:,} bytes; send less", param=param, code="too_large")
    return bytes(read)
