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
    return Verdict()


def refused(reason: Reason, *, asked: object, limit: object = None) -> Verdict:
    """It may not, for this reason and with these numbers."""
    return Verdict(reason, asked, limit)
