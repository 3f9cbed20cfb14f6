"""What came over the wire, JSON or a form, as an order; bytes, parts and pixels are bounded before they are read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import BadRequest, short_text
from ..server.problems import Problem
from ..server.references import picture_of
from ..server.wishes import read_wishes
from .admission import Extras, admitted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.requests import Request
    from starlette.types import Message, Receive

    from ..pictures import Picture
    from .admission import Limits
    from .order import Facts, Order

__all__ = ["Asked", "read_order"]

_MOST_JSON_BYTES = 2**20
_MOST_FORM_BYTES = 64 * 2**20
_MOST_FIELD_BYTES = 256 * 1024
_MOST_PARTS = 64
_IMAGES = ("image", "image[]")
_OWN = frozenset({"lora", "guidance_scale", "upscale", "response_format"})
_FORMS = ("b64_json", "file", "raw")
_TENANT = "X-Breakeven-Tenant"


@dataclass(frozen=True)
class Asked:
    """An order, how its answer is wanted, and fields that have no meaning here."""

    order: Order
    stream: bool
    as_file: bool
    ignored: tuple[str, ...]


async def read_order(request: Request, *, facts: Facts, limits: Limits, fine_tunes: Collection[str],
                     names: Collection[str] = ()) -> Asked:
    """Read and check a request; `names` are more names of the model.

    Raises:
        BadRequest: it cannot be read, or asks for what is not done here.
        Problem: 404 for another model, 413 for a body that is too large.
    """
    is_edit = request.url.path.endswith("/edits")
    fields, pictures, mask = await (_form(request, facts) if is_edit else _document(request))
    _check_model(fields.get("model"), facts, names)
    operation: Literal["generate", "edit"] = "edit" if is_edit else "generate"
    plain = {name: value for name, value in fields.items() if name not in _OWN}
    wishes = read_wishes(plain | _routing(fields), tenant=None, operation=operation, references=pictures, mask=mask)
    tenant = request.headers.get(_TENANT, "") or wishes.request.safety_identifier
    extras = Extras(_number("guidance_scale", fields.get("guidance_scale")), _upscale(fields.get("upscale")),
                    tenant[:200], _request_id(request))
    order = admitted(wishes.request, extras, facts=facts, limits=limits, fine_tunes=fine_tunes)
    answer = fields.get("response_format") or "b64_json"
    if answer not in _FORMS:
        raise BadRequest(f"response_format = {short_text(answer)}: give one of {', '.join(_FORMS)}; addresses are not "
                         "served here", param="response_format", code="invalid_value")
    as_file = answer != "b64_json"
    if as_file and (order.n > 1 or wishes.stream):
        raise BadRequest(f"response_format = {short_text(answer)}: one picture only, and not as a stream",
                         param="response_format", code="invalid_value")
    return Asked(order, wishes.stream, as_file, tuple(name for name in wishes.ignored if name != "routing"))


async def _document(request: Request) -> tuple[dict[str, Any], tuple[Picture, ...], None]:
    _check_type(request, "application/json")
    body = bytearray()
    receive = _bounded(request, _MOST_JSON_BYTES)
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body", False):
            break
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON; send one JSON object", param="body", code="invalid_json") from None
    if not isinstance(document, dict):
        raise BadRequest("the body is no JSON object; send one", param="body", code="invalid_json")
    return document, (), None


async def _form(request: Request, facts: Facts) -> tuple[dict[str, Any], tuple[Picture, ...], Picture | None]:
    from starlette.formparsers import MultiPartException, MultiPartParser  # noqa: PLC0415 (of the extra `worker`)
    from starlette.requests import Request as Counted  # noqa: PLC0415 (as above)

    _check_type(request, "multipart/form-data")
    counted = Counted(request.scope, _bounded(request, _MOST_FORM_BYTES))
    parser = MultiPartParser(counted.headers, counted.stream(), max_files=facts.max_references + 1,
                             max_fields=_MOST_PARTS, max_part_size=_MOST_FIELD_BYTES)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        told = error.message if isinstance(error, MultiPartException) else "the form cannot be read"
        raise BadRequest(f"body: {short_text(told)}; send a whole multipart form", param="body",
                         code="invalid_form") from None
    fields: dict[str, Any] = {}
    pictures: list[Picture] = []
    mask = None
    try:
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields[name] = value
            elif name in _IMAGES:
                pictures.append(picture_of(await value.read(), name))
            elif name == "mask":
                mask = picture_of(await value.read(), name)
    finally:
        await form.close()
    return fields, tuple(pictures), mask


def _check_type(request: Request, wanted: str) -> None:
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != wanted:
        raise BadRequest(f"content-type = {short_text(given)}: send {wanted}", param="content-type",
                         code="unsupported_media_type")


def _bounded(request: Request, most: int) -> Receive:
    """`receive` that refuses a body above `most` bytes, stated or sent."""
    taken, stated = 0, request.headers.get("content-length", "")
    too_large = Problem(413, f"the body is above {most:,} bytes; send less", code="too_large", param="body")

    async def receive() -> Message:
        nonlocal taken
        if stated.isdecimal() and int(stated) > most:
            raise too_large
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise too_large
        return message

    return receive


def _check_model(name: object, facts: Facts, names: Collection[str]) -> None:
    known = (None, "", "auto", facts.loaded_as, facts.loaded_as.rpartition("/")[2], facts.model, *names)
    if name not in known:
        raise Problem(404, f"model = {short_text(name)}: here is {facts.loaded_as}", code="model_not_found",
                      param="model")


def _routing(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fine-tune where the reader of the Images API looks for it; a path beside the name is not taken."""
    lora = fields.get("lora")
    if lora in (None, ""):
        return {"routing": {}}
    if isinstance(lora, str) and lora.lstrip().startswith("{"):
        try:
            lora = json.loads(lora)
        except (ValueError, RecursionError):
            raise BadRequest("lora: is no JSON; give a registered name", param="lora", code="invalid_type") from None
    if isinstance(lora, dict) and lora.get("path", lora.get("name")) != lora.get("name"):
        raise BadRequest("lora.path: a path is not taken; give the registered name alone", param="lora",
                         code="lora_not_found")
    if isinstance(lora, dict):
        lora = {key: value for key, value in lora.items() if key != "path"}
    return {"routing": {"lora": lora}}


def _number(name: str, value: object) -> float | None:
    if value in (None, ""):
        return None
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadRequest(f"{name} = {short_text(value)}: give a number", param=name, code="invalid_type")
    return number


def _upscale(value: object) -> Literal[1, 2]:
    if value in (None, "", 1, "1"):
        return 1
    if value in (2, "2"):
        return 2
    raise BadRequest(f"upscale = {short_text(value)}: give 1 or 2", param="upscale", code="invalid_value")


def _request_id(request: Request) -> str:
    given = request.headers.get("Idempotency-Key", "") or request.headers.get("X-Client-Request-Id", "")
    return given if given.isprintable() and len(given) <= 200 else ""  # noqa: PLR2004 (no id is longer)
