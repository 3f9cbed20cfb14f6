"""From the fields a client sends to an image request. Legacy and unknown fields are passed over, and named."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ..errors import BadRequest, short_text
from ..quantities import Size
from ..request import MOST_IMAGES, ImageRequest, Lora

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..pictures import Picture
    from ..settings import Tenant

__all__ = ["ROUTING", "Wishes", "read_wishes"]

Answers = Literal["b64_json", "url"]
_LEGACY_QUALITIES = {"standard": "auto", "hd": "high", "": "auto"}
ROUTING = ("data_class", "deadline_s", "max_usd", "lora", "segment", "text", "tags", "residency", "project", "brand",
           "campaign", "cost_center", "urgency", "webhook_url")
_READ = frozenset({
    "prompt", "model", "n", "size", "quality", "output_format", "output_compression", "background", "moderation",
    "stream", "partial_images", "response_format", "user", "safety_identifier", "seed", "steps", "num_inference_steps",
    "routing"})
_PICTURES = frozenset({"image", "images", "image[]", "mask", "references"})
_LONE = re.compile("[\ud800-\udfff]")
_MOST_COUNTED = 2**63 - 1
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")
_MOST_TAGS, _LONGEST_TAG = 16, 100


@dataclass(frozen=True)
class Wishes:
    """A request, how its answer is wanted, and the fields that have no meaning here."""

    request: ImageRequest
    stream: bool
    answers: Answers
    ignored: tuple[str, ...]
    webhook_url: str = ""


def read_wishes(fields: Mapping[str, Any], *, tenant: Tenant | None, operation: Literal["generate", "edit"],
                references: tuple[Picture, ...] = (), mask: Picture | None = None) -> Wishes:
    """The request that a client's fields mean; numbers and flags may come as text, as in a form.

    Raises:
        BadRequest: a field that is known and cannot be read.
    """
    read = _Fields(fields)
    routing, stream = read.routing(), read.flag("stream")
    lora, previews = routing.get("lora"), read.count("partial_images", 0) or 0
    request = ImageRequest(
        read.text("prompt"), operation=operation, model=read.text("model", "auto") or "auto", size=read.size(),
        n=read.images(), quality=read.quality(),
        output_format=read.word("output_format", "png", words=("png", "jpeg", "webp")),
        output_compression=read.count("output_compression"),
        background=read.word("background", "auto", words=("auto", "opaque", "transparent")),
        moderation=read.word("moderation", "auto", words=("auto", "low")), seed=read.count("seed"),
        steps=read.count("steps", read.count("num_inference_steps")),
        partial_images=previews if stream else 0, references=references, mask=mask,
        lora=_lora(lora) if lora is not None else None, tenant=tenant.name if tenant else "",
        safety_identifier=read.text("safety_identifier") or read.text("user"), **_routed(routing))
    default: Answers = tenant.answers if tenant else "b64_json"
    answers = read.word("response_format", default, words=("b64_json", "url"))
    return Wishes(request, stream, answers, _ignored(fields, request, previews=previews, streamed_url=(
        stream and answers == "url" and "response_format" in fields)),
        _plain("webhook_url", routing.get("webhook_url") or ""))


def _ignored(fields: Mapping[str, Any], request: ImageRequest, *, previews: int, streamed_url: bool) -> (
        tuple[str, ...]):
    """Fields without a meaning here: unknown ones, pictures of a generation, previews of an answer that is whole."""
    known = _READ | _PICTURES if request.operation == "edit" else _READ
    unmet = {"partial_images": previews != request.partial_images, "response_format": streamed_url}
    return tuple(sorted(name for name in fields if name not in known or unmet.get(name, False)))


class _Fields:
    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str, default: str = "") -> str:
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise BadRequest(f"{name}: give a text", param=name, code="invalid_type")
        if "\0" in value or _LONE.search(value):
            raise BadRequest(f"{name}: holds a character that is no text (NUL, or half of a pair)", param=name,
                             code="invalid_value")
        return value

    def word(self, name: str, default: Any, *, words: Sequence[str]) -> Any:
        value = self._fields.get(name)
        if value in (None, ""):
            return default
        if value not in words:
            raise _wrong(name, value, f"one of {', '.join(words)}")
        return value

    def count(self, name: str, default: int | None = None) -> int | None:
        value = self._fields.get(name)
        if value in (None, ""):
            return default
        if isinstance(value, bool):
            raise _wrong(name, value, "a whole number")
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, int) and abs(value) <= _MOST_COUNTED:
            return value
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        raise _wrong(name, value, "a whole number")

    def images(self) -> int:
        wanted = self.count("n")
        if wanted is not None and not 1 <= wanted <= MOST_IMAGES:
            raise BadRequest(f"n = {wanted}: give 1 to {MOST_IMAGES}", param="n", code="invalid_value")
        return 1 if wanted is None else wanted

    def flag(self, name: str) -> bool:
        value = self._fields.get(name)
        if value in (None, "", False, "false", "False", "0"):
            return False
        if value in (True, "true", "True", "1"):
            return True
        raise _wrong(name, value, "true or false")

    def size(self) -> Size | None:
        text = self.text("size", "auto").strip().lower()
        if text in ("", "auto"):
            return None
        try:
            return Size.parse(text)
        except ValueError:
            raise BadRequest(f"size = {short_text(text)}: give WIDTHxHEIGHT, as in 1024x1024, or auto", param="size",
                             code="invalid_size") from None

    def quality(self) -> str:
        text = self.text("quality", "auto").strip().lower()
        return _LEGACY_QUALITIES.get(text, text)

    def routing(self) -> Mapping[str, Any]:
        value = self._fields.get("routing")
        if isinstance(value, str) and value:
            try:
                value = json.loads(value)
            except ValueError:
                raise _wrong("routing", value, "a JSON object") from None
        if value in (None, ""):
            return {}
        if not isinstance(value, dict):
            raise _wrong("routing", value, "an object")
        for name in value:
            if name not in ROUTING:
                raise BadRequest(f"routing.{short_text(name)}: unknown; use only {', '.join(ROUTING)}",
                                 param="routing", code="unknown_parameter")
        return value


def _routed(routing: Mapping[str, Any]) -> dict[str, Any]:
    readers: dict[str, Callable[[str, Any], Any]] = {
        "data_class": _one_of("public", "confidential", "restricted"), "text": _one_of("auto", "exact", "none"),
        "deadline_s": _seconds, "max_usd": _usd, "tags": _tags, "urgency": _one_of("now", "can_wait")}
    return {name: readers[name](name, value) if name in readers else _plain(name, value)
            for name, value in routing.items() if name not in ("lora", "webhook_url") and value is not None}


def _one_of(*words: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in words:
            raise _wrong(f"routing.{name}", value, f"one of {', '.join(words)}")
        return str(value)
    return read


def _plain(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(f"routing.{name}", value, "a text")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(f"routing.{name}", value, "seconds")
    return float(value)


def _usd(name: str, value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise _wrong(f"routing.{name}", value, "US dollars, as in 0.05") from None
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise _wrong(f"routing.{name}", value, "US dollars, as in 0.05")
    return amount


def _tags(name: str, value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > _MOST_TAGS or not all(
            isinstance(item, str) and len(item) <= _LONGEST_TAG and item.isprintable() for pair in value.items()
            for item in pair):
        raise _wrong(f"routing.{name}", value, f"up to {_MOST_TAGS} short texts by name")
    return MappingProxyType(dict(value))


def _lora(value: Any) -> Lora:
    if isinstance(value, str) and value:
        return Lora(value)
    if isinstance(value, dict) and isinstance(value.get("name"), str) and set(value) <= {"name", "scale"}:
        scale = value.get("scale", 1.0)
        if isinstance(scale, int | float) and not isinstance(scale, bool) and -4 <= scale <= 4:  # noqa: PLR2004
            return Lora(value["name"], float(scale))
    raise _wrong("routing.lora", value, 'a name, or {"name": ..., "scale": 1.0}')


def _wrong(name: str, value: object, wanted: str) -> BadRequest:
    return BadRequest(f"{name} = {short_text(value)}: give {wanted}", param=name, code="invalid_type")
