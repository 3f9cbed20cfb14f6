"""What really happened to a request that was only watched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from ..errors import BadRequest, short_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Actual", "read_actual"]

State = Literal["", "ok", "refused", "failed"]
_FIELDS = ("model", "usd", "state", "latency_s")
_STATES = ("ok", "refused", "failed")
_LONGEST_NAME, _MOST_USD, _LONGEST_S = 100, Decimal(1_000_000), 1e6


@dataclass(frozen=True)
class Actual:
    """What happened where the request really went; what nobody said is empty or None.

    Attributes:
        model: what made it, in the service's own words.
        usd: what all images of the request cost.
        state: `ok`, `refused` or `failed`.
        latency_s: from the question to the answer.
    """

    model: str = ""
    usd: Decimal | None = None
    state: State = ""
    latency_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no sum could be trusted with."""
        if not isinstance(self.model, str) or len(self.model) > _LONGEST_NAME or not self.model.isprintable():
            raise _wrong("model", self.model, f"a text of up to {_LONGEST_NAME} characters")
        if self.state not in ("", *_STATES):
            raise _wrong("state", self.state, f"one of {', '.join(_STATES)}")
        if self.usd is not None and not (self.usd.is_finite() and 0 <= self.usd <= _MOST_USD):
            raise _wrong("usd", self.usd, "US dollars of all images, as in 0.05")
        if self.latency_s is not None and not 0 <= self.latency_s <= _LONGEST_S:
            raise _wrong("latency_s", self.latency_s, "seconds, 0 or more")


def read_actual(fields: Mapping[str, Any]) -> Actual:
    """What a document or the cells of a row say happened; numbers may come as text.

    Raises:
        BadRequest: a field that is unknown or cannot be read.
    """
    for name in fields:
        if name not in _FIELDS:
            raise BadRequest(f"actual.{short_text(name)}: unknown; use only {', '.join(_FIELDS)}", param="actual",
                             code="unknown_parameter")
    state: Any = fields.get("state") or ""
    return Actual(fields.get("model") or "", _usd(fields.get("usd")),
                  state.strip().lower() if isinstance(state, str) else state,  # type: ignore[arg-type]
                  _seconds(fields.get("latency_s")))


def _usd(value: object) -> Decimal | None:
    if value in (None, ""):
        return None
    try:
        return Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        raise _wrong("usd", value, "US dollars of all images, as in 0.05") from None


def _seconds(value: object) -> float | None:
    if value in (None, ""):
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise _wrong("latency_s", value, "seconds, 0 or more")
    return seconds


def _wrong(name: str, value: object, wanted: str) -> BadRequest:
    return BadRequest(f"actual.{name} = {short_text(value)}: give {wanted}", param="actual", code="invalid_value")
