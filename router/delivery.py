"""What came of a request, and how its images are split into calls and joined again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .backends.protocol import Usage

if TYPE_CHECKING:
    from .attempts import Outcome
    from .decide import Decision
    from .pictures import Picture
    from .ranking import Candidate

__all__ = ["Delivery", "joined", "parts_of"]


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
    """

    state: str
    pictures: tuple[Picture, ...]
    candidate: Candidate | None
    attempts: int
    usd_micro: int
    outcome: Outcome | None
    ignored: tuple[str, ...] = ()
    sent: bool = False
    pending: bool = False
    usage: Usage | None = None
    held_bytes: int = 0


def parts_of(decision: Decision) -> tuple[int, ...]:
    """Images per flow: as many as the choice and its first fallback elsewhere both make in one call."""
    n, chosen = decision.request.n, decision.choice
    if chosen is None:
        return ()
    fallback = next((one for one in decision.candidates() if one.backend != chosen.backend), chosen)
    most = min(n, chosen.option.most_images, fallback.option.most_images)
    return tuple(min(most, n - start) for start in range(0, n, most))


def joined(parts: list[Delivery], *, wanted: int) -> Delivery:
    """One delivery of all parts of a request."""
    pictures = tuple(picture for part in parts for picture in part.pictures)
    missed = next((part for part in parts if part.state != "ok"), None)
    deciding = missed or parts[0]
    state = deciding.state if not pictures else "ok" if missed is None and len(pictures) >= wanted else "partial"
    made = next((part for part in parts if part.pictures), deciding)
    return Delivery(state, pictures, made.candidate, sum(part.attempts for part in parts),
                    sum(part.usd_micro for part in parts), deciding.outcome,
                    tuple(sorted({wish for part in parts for wish in part.ignored})),
                    any(part.sent for part in parts), any(part.pending for part in parts),
                    _summed([part.usage for part in parts]), sum(part.held_bytes for part in parts))


def _summed(usages: list[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    return Usage(*(sum(getattr(usage, name) for usage in known) for name in (
        "input_text_tokens", "input_image_tokens", "output_image_tokens", "output_text_tokens")))
