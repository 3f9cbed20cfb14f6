"""What a vendor or an engine can do over its protocol: one row each, so that a new one is a row and a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .catalog import table_files
from .quantities import Day  # noqa: TC001 (the loader reads field types at run time)
from .tables import Invalid, Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Protocol", "Vendor", "load_vendors"]

Protocol = Literal["openai", "bfl", "fal", "compatible", "replicate", "cloudflare", "sandbox"]
_FORMATS = frozenset({"png", "jpeg", "webp", "gif"})


@dataclass(frozen=True)
class Vendor:
    """One vendor or engine behind a protocol.

    Attributes:
        own: an engine on hosts of ours; its images cost power, not a price.
        base_url: the documented address; empty for own engines, whose settings name it. What stands in braces is the
            account's own, and its settings write it out.
        key_env: the environment variable its key usually has.
        key_header: the header that carries the key alone; empty for the protocol's own.
        max_images: images of one call; more are split.
        edits, masks, loras, seeds, steps, streams, transparent: what the protocol has a place for.
        formats: what it can deliver, parted by blanks, its default first.
        refusals_billed: whether a refused image may be charged.
        failures_free: whether a 5xx answer is stated never to be charged.
        p50_s, p95_s: seconds of one 1-megapixel image; where a figure is assumed, the note says so.
        timeout_s: how long an answer may take before it counts as late.
        batch_p50_s, batch_p95_s: seconds to an answer of its batch lane; empty where it has none for images.
        images_per_minute, concurrent: the account limits one starts with; the settings know better.
    """

    id: str
    name: str
    protocol: Protocol
    own: bool
    base_url: str
    key_env: str
    key_header: str
    max_images: int
    edits: bool
    masks: bool
    loras: bool
    seeds: bool
    steps: bool
    streams: bool
    transparent: bool
    formats: str
    refusals_billed: bool
    failures_free: bool
    p50_s: float
    p95_s: float
    timeout_s: float
    images_per_minute: int | None
    concurrent: int | None
    batch_p50_s: float | None
    batch_p95_s: float | None
    source: Source
    as_of: Day
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row no request could be sent by."""
        if self.max_images < 1:
            raise Invalid("max_images", self.max_images, "below 1", "write how many images one call makes")
        unknown = set(self.formats.split()) - _FORMATS
        if unknown or not self.formats.split():
            raise Invalid("formats", self.formats, "unknown format", f"use {', '.join(sorted(_FORMATS))}")
        if not 0 < self.p50_s <= self.p95_s <= self.timeout_s:
            raise Invalid("p95_s", self.p95_s, "not between p50_s and timeout_s", "order the three figures")
        if (self.batch_p50_s is None) != (self.batch_p95_s is None) or (
                self.batch_p50_s is not None and not 0 < self.batch_p50_s <= (self.batch_p95_s or 0)):
            raise Invalid("batch_p95_s", self.batch_p95_s, "does not fit batch_p50_s",
                          "write both figures in their order, or neither")


def load_vendors(roots: Iterable[Path]) -> Mapping[str, Vendor]:
    """Every row of `backends/vendors.csv` by id; a later folder's row replaces the row of the same id.

    Raises:
        TableError: a row cannot be read.
    """
    return {row.id: row for path in table_files(roots, "backends/vendors.csv") for row in read_rows(path, Vendor)}
