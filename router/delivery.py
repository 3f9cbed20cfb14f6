"""What came of a request, and how its images are split into calls and joined again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .backends.protocol import Usage

if TYPE_CHECKING:
    from .attempts import Outcome
    from .decide import Decision
    from .images import MadeBy
    from .pictures import Picture

__all__ = ["ATTEMPTS_OF_A_PART", "Delivery", "PartPlan", "joined", "parts_of"]

ATTEMPTS_OF_A_PART = 10_000
"""Attempts of one request are numbered in blocks of so many, one block for each part of its images."""


@dataclass(frozen=True)
class Delivery:
    """What came of an errand, or of one of its parts.

    Attributes:
        state: the worst end of its parts, `partial` where some images came and some did not.
        usd_micro: settled so far; late answers are settled when they come.
        outcome: the one that decided it.
        sent: whether anything was sent, so that the books know the request already.
        pending: something still runs, whose answer will be kept.
        usage: tokens the providers counted for these pictures.
        held_bytes: bytes of the pictures inside the gate.
        kept: where the pictures lie in the store already.
    """

    state: str
    pictures: tuple[Picture, ...]
    made_by: MadeBy | None
    attempts: int
    usd_micro: int
    outcome: Outcome | None
    ignored: tuple[str, ...] = ()
    sent: bool = False
    pending: bool = False
    usage: Usage | None = None
    held_bytes: int = 0
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartPlan:
    """The images of one flow, and what came of them before their process ended.

    Attributes:
        at: its place among the parts, from 0.
        tried: attempts it has had.
        paid: how many of those are paid for, or may be.
        delivered: what it has got; None where it is still to be made.
    """

    n: int
    at: int
    tried: int = 0
    paid: int = 0
    delivered: Delivery | None = None

    @property
    def first_number(self) -> int:
        """What the numbers of its further attempts are added to."""
        return self.at * ATTEMPTS_OF_A_PART + self.tried


def parts_of(decision: Decision) -> tuple[int, ...]:
    """Images per flow: as many as the choice and its first fallback elsewhere both make in one call.

    One each where the policy lets single images overflow from cards of ours to others.
    """
    n, chosen = decision.request.n, decision.choice
    if chosen is None:
        return ()
    if n == 1:
        return (1,)
    if decision.segment.overflow_by == "image" and decision.has_own:
        return (1,) * n
    fallback = next((one for one in decision.each() if one.backend != chosen.backend), chosen)
    most = min(n, chosen.option.most_images, fallback.option.most_images)
    return tuple(min(most, n - start) for start in range(0, n, most))


def joined(parts: list[Delivery], *, wanted: int) -> Delivery:
    """One delivery of all parts of a request."""
    pictures = tuple(picture for part in parts for picture in part.pictures)
    missed = next((part for part in parts if part.state != "ok"), None)
    deciding = missed or parts[0]
    state = deciding.state if not pictures else "ok" if missed is None and len(pictures) >= wanted else "partial"
    made = next((part for part in parts if part.pictures), deciding)
    return Delivery(state, pictures, made.made_by, sum(part.attempts for part in parts),
                    sum(part.usd_micro for part in parts), deciding.outcome,
                    tuple(sorted({wish for part in parts for wish in part.ignored})),
                    any(part.sent for part in parts), any(part.pending for part in parts),
                    _summed([part.usage for part in parts]), sum(part.held_bytes for part in parts),
                    tuple(name for part in parts for name in part.kept))


def _summed(usages: list[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    return Usage(*(sum(getattr(usage, name) for usage in known) for name in (
        "input_text_tokens", "input_image_tokens", "output_image_tokens", "output_text_tokens")))
