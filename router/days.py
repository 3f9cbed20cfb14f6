"""Days as people write them on a command line."""

from __future__ import annotations

from datetime import UTC, date, datetime

from .errors import PriceError

__all__ = ["asked_day"]


def asked_day(text: str | None) -> date:
    """The day a person wrote, or today (UTC).

    Raises:
        PriceError: not a date.
    """
    if text is None:
        return datetime.now(tz=UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PriceError(f"on = {text!r}: not a date; write it as 2026-11-22") from None
