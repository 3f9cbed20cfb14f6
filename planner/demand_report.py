"""A fitted demand for a person, and its parts as a document."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .demand import shares_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .day_shape import DayShape
    from .demand import Demand
    from .past import Past

__all__ = ["demand_lines", "parts_json"]

_BARS = " ▁▂▃▄▅▆▇█"
_COLUMNS = ("segment", "size", "quality", "operation")
_SHOWN, _MONTH_DAYS, _PART_H = 12, 730 / 24, 3
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def demand_lines(past: Past, found: Demand) -> Iterator[str]:
    """What a past is like, a line for each question."""
    first, last = (datetime.fromtimestamp(float(past.trace.arrived[at]), UTC).date() for at in (0, -1))
    yield f"{past.source}, {first} to {last}, content {past.digest[:16]}"
    yield (f"{found.requests:,} requests, {found.images:,} images in {found.days:.1f} days: "
           f"{found.images_per_month:,.0f} images a month at this rate")
    for column in _COLUMNS:
        shares = shares_of(past, column)
        if shares:
            more = f"; {len(shares) - _SHOWN} more in --json" if len(shares) > _SHOWN else ""
            yield f"{column}, share of images (of requests): " + ", ".join(
                f"{one.name or 'not said'} {one.images:.0%} ({one.requests:.0%})" for one in shares[:_SHOWN]) + more
    yield f"images a request: mean {found.images_per_request:.2f}; " + ", ".join(
        f"{number}: {share:.0%}" for number, share in found.images_of_request.items())
    yield _card_time(found)
    yield (f"hour of day, UTC: [{_bars(found.hour_of_day)}]  the busiest {found.peak_hour_of_day:.1f} times the mean")
    if found.hour_of_week is not None:
        parts = [sum(found.hour_of_week[at:at + _PART_H]) for at in range(0, len(found.hour_of_week), _PART_H)]
        yield (f"week from Monday, {_PART_H} hours each: [" + "|".join(
            _bars(parts[at:at + 24 // _PART_H], max(parts)) for at in range(0, len(parts), 24 // _PART_H)) + "]")
    yield (f"busiest hour that came: {found.peak_hour:.1f} times the mean; {found.empty_hours:.0%} of hours without a "
           "request")
    yield "variance over mean of counts (1 is chance): " + ", ".join(
        f"{value:.3g} in {seconds // 60} min" for seconds, value in found.dispersion.items())
    yield f"requests in a clump: {found.clump:.1f} (1 is chance)"
    yield from _whole(found.whole)
    if found.arrival_cv is not None:
        yield f"gaps inside busy hours: CV {found.arrival_cv:.2f} (1 is chance)"
    yield _growth(found.whole)


def parts_json(past: Past) -> dict[str, Any]:
    """Shares by column, where the past has it."""
    return {"parts": {column: [asdict(share) for share in shares] for column in _COLUMNS
                      if (shares := shares_of(past, column))}}


def _bars(rates: Sequence[float], most: float | None = None) -> str:
    top = most or max(rates)
    return "".join(_BARS[round(rate / top * (len(_BARS) - 1))] for rate in rates)


def _card_time(found: Demand) -> str:
    seen = found.card_time
    if seen is None:
        return "GPU-seconds: not known, for there is no service_s; what cards would be busy with is not told"
    part = "" if seen.known_share == 1 else f", known of {seen.known_share:.0%} of the requests"
    return (f"GPU-seconds a request{part}: mean {seen.mean_s:.3g}, median {seen.p50_s:.3g}, 19 of 20 within "
            f"{seen.p95_s:.3g}, CV {seen.cv:.2f}; {seen.busy_gpus:.2f} cards work on average")


def _whole(whole: DayShape) -> Iterator[str]:
    if whole.weekday is not None:
        yield f"weekdays over the mean, {whole.days} whole days: " + ", ".join(
            f"{name} {rate:.2f}" for name, rate in zip(_WEEKDAYS, whole.weekday, strict=True))
    if whole.hour_noise:
        yield (f"beyond its place in the day an hour's rate varies by {whole.hour_noise**0.5:.0%} (a gamma factor of "
               f"shape {1 / whole.hour_noise:.2g})")
    if whole.day_cv is not None:
        yield f"beyond weekday and growth a day's level varies by {whole.day_cv:.0%}"


def _growth(whole: DayShape) -> str:
    if whole.growth is None:
        return f"growth: not known below two weeks of whole days; {whole.days} are there"
    weekly = whole.growth
    month, low, high = weekly.share_over(_MONTH_DAYS)
    return (f"growth from week to week: {weekly.weekly - 1:+.1%} (90 %: {weekly.low - 1:+.1%} to "
            f"{weekly.high - 1:+.1%}); a month {month:+.0%} ({low:+.0%} to {high:+.0%})")
