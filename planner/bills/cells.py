"""Single values of an export: a count, an amount, an instant, a name that may be shown. Pure."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from planner.errors import PlannerError
from router.errors import one_line, short_text
from router.quantities import Size

__all__ = ["MOST_IMAGES", "amount", "count", "first_of", "instant", "number", "parted_by", "refused", "shown_key",
           "shown_name", "size_of", "table", "usd", "word"]

MOST_IMAGES = 1_000_000_000
_MOST_USD = Decimal(1_000_000_000)
_EARLIEST_S, _LATEST_S = 1_420_070_400, 4_102_444_800  # 2015 to 2100
_LONGEST_NAME, _LONG_KEY = 40, 16


def refused(place: str, value: object, *, key: str, problem: str, remedy: str) -> PlannerError:
    """The error of one value: where, which key, what it held and what to do."""
    if isinstance(value, Decimal):
        told = f"{value:.6g}"
    else:
        told = f"a {type(value).__name__}" if isinstance(value, dict | list) else short_text(value)
    return PlannerError(f"{place}: {key} = {told}: {problem}; {remedy}")


def number(place: str, value: object, *, key: str) -> Decimal:
    """A finite number that is not negative, from a number or its text.

    Raises:
        PlannerError: anything else.
    """
    told = str(value).strip() if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool) else ""
    try:
        found = Decimal(told)
    except InvalidOperation:
        raise refused(place, value, key=key, problem="no number", remedy="mend or remove that line") from None
    if not found.is_finite():
        raise refused(place, value, key=key, problem="no number", remedy="mend or remove that line")
    if found < 0:
        raise refused(place, value, key=key, problem="negative",
                      remedy="take credits and refunds out of the export; it must hold what was used")
    return found


def count(place: str, value: object, *, key: str) -> int:
    """A whole number from 0 on; `3.0` is one.

    Raises:
        PlannerError: anything else.
    """
    found = number(place, value, key=key)
    if found > MOST_IMAGES or found != found.to_integral_value():
        raise refused(place, value, key=key, problem="no count",
                      remedy=f"give a whole number from 0 to {MOST_IMAGES:,}")
    return int(found)


def amount(place: str, value: object, *, key: str) -> Decimal:
    """US dollars.

    Raises:
        PlannerError: no number, negative, or too large to be a bill.
    """
    found = number(place, value, key=key)
    if found > _MOST_USD:
        raise refused(place, value, key=key, problem="too much for a bill", remedy="mend or remove that line")
    return found


def usd(place: str, value: object, *, key: str) -> None:
    """Refuse a currency other than US dollars; none at all is taken for them.

    Raises:
        PlannerError: another currency.
    """
    if value not in (None, "") and str(value).strip().lower() != "usd":
        raise refused(place, value, key=key, problem="not US dollars",
                      remedy="give an export in USD; the planner converts no currencies")


def instant(place: str, value: object, *, key: str) -> float:
    """Seconds since 1970 of an ISO 8601 text (UTC where no offset stands) or of a number of seconds.

    Raises:
        PlannerError: neither, or outside of 2015 to 2100.
    """
    text = "" if value is None or isinstance(value, bool | dict | list) else str(value).strip()
    try:
        found = float(text) if text.replace(".", "", 1).isdecimal() else _from_iso(text)
    except (ValueError, OverflowError):
        found = math.nan
    if not _EARLIEST_S <= found < _LATEST_S:
        raise refused(place, value, key=key, problem="no instant",
                      remedy="write it as 2026-10-01T00:00:00Z, or in seconds since 1970")
    return found


def _from_iso(text: str) -> float:
    when = datetime.fromisoformat(text.removesuffix(" UTC"))
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def size_of(value: object) -> Size | None:
    """A size such as `1024x1024` or `1024-x-1024`; None for `auto`, nothing, or anything else."""
    if not isinstance(value, str):
        return None
    try:
        return Size.parse(value.lower().replace("-x-", "x"))
    except ValueError:
        return None


def word(value: object) -> str:
    """A short printable text, lower-cased; empty for anything else."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST_NAME and text.isprintable() else ""


def table(value: object) -> dict[str, object]:
    """A JSON object as it is; anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def parted_by(cells: dict[str, object], numbers: frozenset[str]) -> dict[str, str]:
    """What an aggregate is parted by: every cell that holds something and is none of its numbers."""
    return {name: str(value) for name, value in cells.items() if name not in numbers and value not in (None, "")}


def first_of(cells: dict[str, object], names: tuple[str, ...]) -> tuple[str, object]:
    """The first of some columns that holds something, with its name; the first name and None where none does."""
    return next(((name, cells[name]) for name in names if cells.get(name) not in (None, "")), (names[0], None))


def shown_name(value: object) -> str:
    """A project, team or model as it may be printed: one line, cut where it is long; empty for nothing."""
    if value is None or isinstance(value, dict | list):
        return ""
    text = one_line(str(value).strip())
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}..."


def shown_key(value: object) -> str:
    """A key as it may be printed: both ends of a long id, the digest of a short one; a name with blanks stays."""
    if value in (None, "") or isinstance(value, dict | list):
        return ""
    text = str(value).strip()
    if " " in text:
        return shown_name(text)
    if len(text) >= _LONG_KEY:
        return one_line(f"{text[:4]}...{text[-4:]}")
    return f"key {hashlib.sha256(text.encode()).hexdigest()[:8]}"
