"""A rule's answer as a value: allowed, or refused with the reason and its numbers. Text is made when it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Reason", "Verdict", "allowed", "refused"]


class Reason(Enum):
    """Why an option may not make an image; the value is the sentence, filled with what was asked and the limit."""

    TOO_LARGE = "{asked:,} pixels asked, {limit:,} at most"
    TOO_SMALL = "{asked:,} pixels asked, {limit:,} at least"
    TOO_MANY_REFERENCES = "{asked} reference images asked, {limit} at most"
    TEXT = "{asked} words to render, reliable up to {limit}"
    NO_LICENCE = "{asked} is not free to run in production; state the commercial licence held ([[licence]])"
    CLOSED_WEIGHTS = "{asked} has no open weights"
    DATA_CLASS = "{asked} data stays on own hosts"
    TERMS = "{asked} data needs stated terms: {limit}"
    RESIDENCY = "the work must stay in {asked}; this backend stands in {limit}"
    OTHER_MODEL = "{asked} was asked for"
    SEGMENT = "the policy makes {asked} pictures with {limit}"
    QUALITY = "quality {asked} was asked for"
    LOWER_STEP = "a lower quality, kept for when the budget is short"
    NOT_IN_LADDER = "quality {asked} is not one the policy chooses for this segment"
    SIDES = "{asked} asked, sides come in multiples of {limit}"
    SIDE_TOO_LONG = "{asked} asked, a side has {limit} px at most here"
    SIDE_TOO_SHORT = "{asked} asked, a side has {limit} px at least here"
    REFERENCE_TOO_LARGE = "a reference with a side of {asked} px given, {limit} at most here"
    NO_EDITS = "this backend edits no images"
    NO_MASK = "this backend takes no mask"
    NO_LORA = "LoRA {asked} is not loaded here"
    NO_FORMAT = "{asked} asked, it delivers {limit}"
    NO_TRANSPARENCY = "no transparent background"
    NO_STEPS = "this backend takes no number of steps"
    NO_PRICE = "no price: {asked}"
    NO_TIME = "no service time: {asked}"
    NO_KEY = "no key; set {asked}"
    CLOSED = "left alone for {limit:.0f} s more after {asked}"
    RATE = "{asked} images asked, {limit} left in this minute"
    CONCURRENT = "{asked} calls are running, {limit} at most"
    NOT_IDLE = "{asked} images of ours are in work on {limit} cards; work that can wait takes idle ones alone"
    WAITS = "own GPUs may still be idle in time; this would be bought once {limit:.0f} s are left"
    LANE = "answers within a day: for work that can wait"
    OFF = "every card of ours is switched off at this hour"
    QUEUE = "{asked:.1f} s to wait for a card of ours, others come first above {limit:.1f} s"
    DEADLINE = "predicted {asked:.1f} s, {limit:.1f} s left"
    MAX_USD = "{asked:.6f} USD predicted, {limit:.6f} at most"
    BUDGET = "{asked:.6f} USD predicted, {limit:.6f} left of the budget"


@dataclass(frozen=True)
class Verdict:
    """Allowed, or refused for a reason with what was asked and the limit that binds."""

    reason: Reason | None = None
    asked: object = None
    limit: object = None

    @property
    def is_allowed(self) -> bool:
        """True where nothing speaks against it."""
        return self.reason is None

    def __str__(self) -> str:
        if self.reason is None:
            return "allowed"
        return self.reason.value.format(asked=self.asked, limit=self.limit)


def allowed() -> Verdict:
    """Nothing speaks against it."""
    return _ALLOWED


def refused(reason: Reason, *, asked: object, limit: object = None) -> Verdict:
    """It may not, for this reason and with these numbers."""
    return Verdict(reason, asked, limit)


_ALLOWED = Verdict()
