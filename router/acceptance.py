"""How many images people accept: measured where enough were looked at, else as the policy states, else assumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .options import Option
    from .policy import SegmentPolicy

__all__ = ["ENOUGH_OUTCOMES", "Acceptance", "Accepted", "Looked"]

ENOUGH_OUTCOMES = 30
"""Below this, a 90 % interval of a share near 0.8 is wider than 0.24: no ground to prefer one model to another."""
_LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Looked:
    """Images of a segment, model and quality that somebody judged."""

    accepted: int
    judged: int


class Accepted(NamedTuple):
    """A share of accepted images above 0, and where it comes from."""

    share: float
    label: Literal["measured", "stated", "assumed"]


@dataclass(frozen=True)
class Acceptance:
    """What the books know, by segment, model and quality; an edited image counts as accepted."""

    counts: Mapping[tuple[str, str, str], Looked] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, segment: SegmentPolicy, option: Option) -> Accepted:
        """The share that an option's cost per accepted image is worked out with."""
        known = self.counts.get((segment.name, option.card.id, option.quality))
        if known is not None and known.judged >= ENOUGH_OUTCOMES:
            return Accepted(max(_LEAST_SHARE, known.accepted / known.judged), "measured")
        stated = segment.accepted_share.get(option.card.id)
        return Accepted(1.0, "assumed") if stated is None else Accepted(stated, "stated")
