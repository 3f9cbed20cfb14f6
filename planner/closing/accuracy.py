"""How right plans were: what they said of a month beside what it came to, by how far ahead they said it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router.adopting.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.actuals.month import Month

    from .forecasts import Forecast
    from .variance import Variance

__all__ = ["NOMINAL_SHARE", "Ahead", "Outcome", "accuracy_json", "accuracy_lines", "by_ahead", "outcome_of"]

NOMINAL_SHARE = 0.8
"""Of months that should lie between P10 and P90."""
_Z_90 = 1.6449


@dataclass(frozen=True)
class Outcome:
    """One month of one plan, and what came.

    Attributes:
        plan: name of its folder; `digest` is that of its document.
        ahead_months: how many months before it was made.
        micro_usd: what the month came to, bills that no book holds as planned.
    """

    month: str
    plan: str
    digest: str
    made_on: str
    ahead_months: int
    planned_micro_usd: int
    micro_usd: int
    planned_images: str
    images: int
    p10_usd: float
    p90_usd: float

    @property
    def is_inside(self) -> bool:
        """Whether it came to lie between P10 and P90."""
        return self.p10_usd <= self.micro_usd / 1e6 <= self.p90_usd

    @property
    def usd_error_percent(self) -> float | None:
        """Plan over actual: above 0 where the plan said too much."""
        return _error(self.planned_micro_usd, self.micro_usd)

    @property
    def images_error_percent(self) -> float | None:
        """The same of the images."""
        return _error(float(Decimal(self.planned_images)), self.images)


@dataclass(frozen=True)
class Ahead:
    """Every outcome of plans that were made so many months ahead; None of all of them.

    Attributes:
        usd_bias_percent: the mean error; `usd_mae_percent` the mean of its size.
        inside: months between P10 and P90, and the 90 % interval of their share (Wilson's).
    """

    ahead_months: int | None
    outcomes: int
    usd_bias_percent: float | None
    usd_mae_percent: float | None
    images_bias_percent: float | None
    images_mae_percent: float | None
    inside: int
    inside_low: float
    inside_high: float


def outcome_of(forecast: Forecast, found: Variance, *, month: Month) -> Outcome:
    """What a plan said of a month, and what came."""
    planned, total = forecast.months[month.text], found.total
    return Outcome(month.text, forecast.name, forecast.digest, forecast.made_on.isoformat(),
                   forecast.ahead_months(month.text), planned.micro_usd, total.micro_usd, f"{planned.images:f}",
                   int(total.images), planned.p10_usd, planned.p90_usd)


def by_ahead(outcomes: Iterable[Outcome]) -> tuple[Ahead, ...]:
    """Errors by how far ahead, the nearest first, and of all outcomes together."""
    known = tuple(outcomes)
    found = [_of([one for one in known if one.ahead_months == ahead], ahead)
             for ahead in sorted({one.ahead_months for one in known})]
    return (*found, _of(known, None)) if known else ()


def accuracy_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Every outcome and the sums; errors are plan over actual, in percent of the actual."""
    return {"nominal_inside_share": NOMINAL_SHARE, "interval": "90 %, Wilson", "by_months_ahead": [
        one.__dict__ for one in by_ahead(outcomes)], "outcomes": [one.__dict__ | {
            "is_inside": one.is_inside, "usd_error_percent": one.usd_error_percent,
            "images_error_percent": one.images_error_percent} for one in outcomes]}


def accuracy_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """For a terminal: month by month, then by how far ahead."""
    lines = [f"{'month':9}{'plan':22}{'ahead':>6}{'USD planned':>16}{'came':>16}{'error':>9}{'images':>9}  P10-P90"]
    lines += [f"{one.month:9}{one.plan[:20]:22}{one.ahead_months:>6}{one.planned_micro_usd / 1e6:>16,.2f}"
              f"{one.micro_usd / 1e6:>16,.2f}{_percent(one.usd_error_percent):>9}"
              f"{_percent(one.images_error_percent):>9}  {'inside' if one.is_inside else 'outside'}"
              for one in outcomes]
    lines.append("")
    lines.append(f"{'months ahead':14}{'outcomes':>10}{'USD: bias':>11}{'size':>8}{'images: bias':>14}{'size':>8}  "
                 f"inside P10-P90 (90 % interval; {NOMINAL_SHARE:.0%} should be)")
    for one in by_ahead(outcomes):
        name = "all" if one.ahead_months is None else str(one.ahead_months)
        lines.append(f"{name:14}{one.outcomes:>10}{_percent(one.usd_bias_percent):>11}"
                     f"{_percent(one.usd_mae_percent, ''):>8}{_percent(one.images_bias_percent):>14}"
                     f"{_percent(one.images_mae_percent, ''):>8}  {one.inside} of {one.outcomes} "
                     f"({one.inside_low:.0%} to {one.inside_high:.0%})")
    return lines


def _of(outcomes: Sequence[Outcome], ahead: int | None) -> Ahead:
    inside = sum(one.is_inside for one in outcomes)
    usd = [one.usd_error_percent for one in outcomes if one.usd_error_percent is not None]
    images = [one.images_error_percent for one in outcomes if one.images_error_percent is not None]
    return Ahead(ahead, len(outcomes), _mean(usd), _mean([abs(error) for error in usd]), _mean(images),
                 _mean([abs(error) for error in images]), inside, *wilson(inside, len(outcomes), z=_Z_90))


def _mean(errors: Sequence[float]) -> float | None:
    return sum(errors) / len(errors) if errors else None


def _error(planned: float, actual: float) -> float | None:
    return 100 * (planned - actual) / actual if actual else None


def _percent(error: float | None, sign: str = "+") -> str:
    return "-" if error is None else f"{error:{sign}.1f}%"
