"""What a caller asks for: one image request, its hints and its hard constraints. Frozen, and passed everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from .brief import Brief, read_brief
from .errors import BadRequest, short_text
from .pictures import Picture, PictureFormat
from .quantities import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_IMAGES", "MOST_PROMPT_CHARS", "MOST_REFERENCES", "DataClass", "ImageRequest", "Lora"]

DataClass = Literal["public", "confidential", "restricted"]
MOST_IMAGES = 10
MOST_REFERENCES = 16
MOST_PROMPT_CHARS = 32_000


@dataclass(frozen=True)
class Lora:
    """A fine-tune by name, and how strongly it applies (1.0 as trained)."""

    name: str
    scale: float = 1.0


@dataclass(frozen=True)
class ImageRequest:
    """One request for images.

    Attributes:
        model: a card's id (`gpt-image-2`), an option's model (`bfl/flux-2-pro`), or `auto`.
        size: pixels; None is `auto` and is resolved by the policy before anything is priced.
        quality: `auto` is resolved by the policy; an explicit one is never changed.
        references, mask: make it an edit.
        data_class: `restricted` data stays on own hosts; `confidential` needs stated terms.
        residency: region the work may be done in, as in `eu`; empty for anywhere.
        deadline_s: seconds from acceptance to the answer; None takes the segment's.
        max_usd: what all images together may cost at most.
        segment: the kind of work (`hero`, `bulk`, `draft`, `text` ...), which the policy knows.
        urgency: `can_wait` for work that may use idle own GPUs or a batch lane; only a job can wait.
        text: whether words must appear in the picture: `auto` reads the prompt, `exact` and `none` outrank it.
    """

    prompt: str
    operation: Literal["generate", "edit"] = "generate"
    model: str = "auto"
    size: Size | None = None
    n: int = 1
    quality: str = "auto"
    output_format: PictureFormat = "png"
    output_compression: int | None = None
    background: Literal["auto", "opaque", "transparent"] = "auto"
    moderation: Literal["auto", "low"] = "auto"
    seed: int | None = None
    steps: int | None = None
    partial_images: int = 0
    references: tuple[Picture, ...] = ()
    mask: Picture | None = None
    lora: Lora | None = None
    data_class: DataClass = "public"
    residency: str = ""
    deadline_s: float | None = None
    max_usd: Decimal | None = None
    segment: str = ""
    text: Literal["auto", "exact", "none"] = "auto"
    urgency: Literal["now", "can_wait"] = "now"
    tenant: str = ""
    project: str = ""
    brand: str = ""
    campaign: str = ""
    cost_center: str = ""
    safety_identifier: str = ""
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse what is of another kind than it says: no rule downstream could be trusted with it."""
        for name, kinds, remedy in _KINDS:
            if not isinstance(getattr(self, name), kinds):
                raise BadRequest(f"{name} = {short_text(getattr(self, name))}: give {remedy}", param=name,
                                 code="invalid_type")
        for name, words in _WORDS:
            if getattr(self, name) not in words:
                raise BadRequest(f"{name} = {short_text(getattr(self, name))}: give one of {', '.join(words)}",
                                 param=name, code="invalid_value")

    @cached_property
    def brief(self) -> Brief:
        """What the prompt asks for beyond a picture; read once."""
        return read_brief(self.prompt)

    @property
    def text_words(self) -> int:
        """Words that must appear in the picture; the caller's hint outranks the reader."""
        if self.text == "none":
            return 0
        return self.brief.rendered_words

    @property
    def needs_exact_text(self) -> bool:
        """The caller insists on exact text, however few the words."""
        return self.text == "exact"

    @cached_property
    def request_class(self) -> tuple[object, ...]:
        """Everything a time-free verdict depends on, and nothing of the prompt but its number of words."""
        size = self.size and (self.size.width, self.size.height)
        return (self.operation, self.model, size, self.n, self.quality, self.output_format, self.background,
                self.steps, self.partial_images, tuple(picture.size for picture in self.references),
                self.mask is not None, self.lora.name if self.lora else "", self.data_class, self.residency,
                self.segment, self.needs_exact_text, self.text_words, self.seed is not None, self.urgency)


_NONE = type(None)
_KINDS: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("prompt", (str,), "a text"), ("model", (str,), "a text"), ("quality", (str,), "a text"),
    ("size", (Size, _NONE), "Size(1024, 1024), or None for auto"), ("n", (int,), "a whole number"),
    ("references", (tuple,), "a tuple of pictures"), ("mask", (Picture, _NONE), "a picture"),
    ("lora", (Lora, _NONE), 'Lora("name")'), ("deadline_s", (int, float, _NONE), "seconds"),
    ("max_usd", (Decimal, _NONE), 'US dollars as a Decimal, as in Decimal("0.05")'))
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("operation", ("generate", "edit")), ("output_format", get_args(PictureFormat)),
    ("background", ("auto", "opaque", "transparent")), ("moderation", ("auto", "low")),
    ("data_class", get_args(DataClass)), ("text", ("auto", "exact", "none")),
    ("urgency", ("now", "can_wait")))
