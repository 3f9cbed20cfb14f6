"""Whether a policy on trial goes on, is taken back or may be promoted: from the books' sums alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .intervals import Z_ONE_IN_A_THOUSAND, least_difference
from .likeness import CostCompared, Fared, compare_cost, fared

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..ledger.arm_values import ArmSums
    from .rollout import Terms

__all__ = ["Judgement", "judge"]

_TRIP = 20
"""So many requests that all ended without an image are enough, however many were to be awaited."""
_FEWEST_AT_END = 5
_BADLY_OFF_SHARE = 0.5
_LEAST_USD_PER_IMAGE = 1e-4
"""A hundredth of a cent an image more is nobody's loss: own GPUs' images cost less than that altogether."""


@dataclass(frozen=True)
class Judgement:
    """What is to be done, why, and the numbers behind it."""

    action: Literal["keep", "roll_back", "promote"]
    why: str
    control: Fared
    candidate: Fared
    cost: CostCompared

    def facts(self) -> dict[str, Any]:
        """The numbers, for an event, the audit and a status."""
        return {"control": _told(self.control), "candidate": _told(self.candidate),
                "cost_more_share": _rounded(self.cost.more_share), "compared_images_share": round(
                    self.cost.covered_share, 4)}


def judge(terms: Terms, control: Sequence[ArmSums], *, candidate: Sequence[ArmSums], elapsed_s: float,
          segments: Collection[str]) -> Judgement:
    """What is to be done with a policy on trial.

    It is taken back where a limit is exceeded beyond what chance does once in a thousand looks; at once where its
    first twenty requests all ended without an image while most of the control's did not; and at the end of its window
    even on fewer requests than were to be awaited, by the same intervals.

    Args:
        terms: of the roll-out.
        control: sums of ended requests by class of work.
        candidate: as `control`.
        elapsed_s: since it began.
        segments: those both policies know.
    """
    theirs, ours = fared(control), fared(candidate)
    cost = compare_cost(control, candidate, segments=segments)
    is_over = elapsed_s >= terms.window_s

    def told(action: Literal["keep", "roll_back", "promote"], why: str) -> Judgement:
        return Judgement(action, why, theirs, ours, cost)

    if _has_tripped(theirs, ours):
        return told("roll_back", f"all {ours.requests} requests so far ended without an image, "
                                 f"{theirs.refused + theirs.failed} of {theirs.requests} of the control's")
    enough = ours.requests >= (min(terms.least, _FEWEST_AT_END) if is_over else terms.least)
    breach = _breach(terms, theirs, ours, cost) if enough else ""
    if breach:
        return told("roll_back", breach)
    if not is_over:
        return told("keep", f"{ours.requests} requests so far" if enough else
                    f"{ours.requests} of {terms.least} requests have ended")
    if not terms.promote_after_window:
        return told("keep", "its window has passed without a breach; it stays on trial until it is promoted or stopped")
    if ours.requests < terms.least or not ours.images:
        return told("keep", f"its window has passed, but only {ours.requests} of {terms.least} requests have ended; it "
                            "is not promoted by itself before")
    return told("promote", f"its window has passed without a breach in {ours.requests} requests")


def _has_tripped(control: Fared, candidate: Fared) -> bool:
    if candidate.requests < _TRIP or candidate.refused + candidate.failed < candidate.requests:
        return False
    return control.refused + control.failed <= control.requests * _BADLY_OFF_SHARE


def _breach(terms: Terms, control: Fared, candidate: Fared, cost: CostCompared) -> str:
    """What is exceeded, with its numbers; empty where nothing is."""
    for name, count, other, most in (("refused", candidate.refused, control.refused, terms.most_refused_share),
                                     ("failed", candidate.failed, control.failed, terms.most_failed_share)):
        least = least_difference(count, candidate.requests, other_count=other, other_total=control.requests,
                                 z=Z_ONE_IN_A_THOUSAND)
        if least > most:
            return (f"{name}: {count} of {candidate.requests} requests, {other} of {control.requests} of the control's;"
                    f" at least {least * 100:.1f} points more, {most * 100:g} allowed")
    excess = cost.usd - cost.expected_usd
    if excess > _LEAST_USD_PER_IMAGE * cost.images and cost.least_excess_usd(
            terms.most_cost_share, z=Z_ONE_IN_A_THOUSAND) > 0:
        more = f"{cost.more_share:+.0%}" if cost.more_share is not None else "from nothing"
        return (f"cost: {cost.usd:.6f} USD for {cost.images} images, {cost.expected_usd:.6f} by the control for the "
                f"same work; {more}, {terms.most_cost_share:+.0%} allowed")
    return ""


def _told(arm: Fared) -> dict[str, Any]:
    return {"requests": arm.requests, "refused": arm.refused, "failed": arm.failed, "images": arm.images,
            "usd": round(arm.usd, 6), "usd_per_image": _rounded(arm.usd_per_image)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
