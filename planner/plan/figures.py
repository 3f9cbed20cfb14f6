"""A plan's figures, drawn once as SVG for the page and the PDF; a page puts its own colours in place of these."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from router.quantities import MONTHS_PER_YEAR, SECONDS_PER_HOUR

from .document import plan_purchase
from .lines import PARTS, parts_usd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes

    from .lines import Month
    from .monthly import Plan
    from .purchase import Purchase
    from .waterfall import Waterfall

__all__ = ["COLOURS", "Drawn", "drawn_waterfall", "figures_of"]

COLOURS = {"ink": "#1d232b", "rule": "#c3cad3", "band": "#48515c", "hosted": "#2f6fb5", "own": "#c96f12",
           "people": "#3d8b62", "other": "#8a5fb0", "more": "#b23a48", "less": "#2e7d6b"}
"""By what they stand for."""
_OF_PART = dict(zip(PARTS, ("hosted", "own", "people", "other"), strict=True))
_WIDE_IN, _NARROW_IN, _HIGH_IN = 7.2, 3.5, 3.0
_MOST_LABELS = {True: 5, False: 12}
_CENTS_BELOW = 10
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "plan", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 9,
    "axes.edgecolor": COLOURS["rule"], "axes.labelcolor": COLOURS["ink"], "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["ink"], "ytick.color": COLOURS["ink"], "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "axes.grid": True, "axes.grid.axis": "y", "grid.color": COLOURS["rule"],
    "grid.linewidth": 0.6, "legend.frameon": False, "figure.facecolor": "none", "axes.facecolor": "none",
    "savefig.facecolor": "none"}


class Drawn(NamedTuple):
    """A figure: what it shows, in words for who cannot see it, and the same thing wide and narrow."""

    name: str
    title: str
    alt: str
    wide: str
    narrow: str


def figures_of(plan: Plan) -> Iterator[Drawn]:
    """The bill, the cost of an accepted image, and where there are any the cards and the payback of a purchase."""
    months, total = plan.months, plan.worlds.total
    first, last = months[0], months[-1]
    yield _both("bill", "Monthly bill by kind, with the band of eight in ten worlds (USD)", lambda axes, narrow: _bill(
        axes, plan, narrow=narrow), alt=f"Stacked bars: ${first.usd:,.2f} in {first.month.label}, ${last.usd:,.2f} in "
        f"{last.month.label}, ${plan.usd:,.2f} together; eight in ten worlds come to ${total.p10:,.0f} to "
        f"${total.p90:,.0f} in all.")
    each = [float(month.usd / month.accepted) for month in months if month.accepted]
    if each:
        yield _both("each", "Cost of an accepted image (USD)", lambda axes, narrow: _each(axes, months, narrow=narrow),
                    alt=f"A line from ${each[0]:.5f} to ${each[-1]:.5f} an accepted image, everything included.")
    if any(month.most_cards for month in months):
        busy = [float(fleet.busy_seconds(month.load)) / SECONDS_PER_HOUR
                for month, fleet in zip(months, plan.fleets, strict=True)]
        yield _both("cards", "Own cards: hours that they are on, and hours of work (GPU-hours a month)",
                    lambda axes, narrow: _cards(axes, months, busy=busy, narrow=narrow),
                    alt=f"Bars: {first.gpu_hours:,.0f} GPU-hours in {first.month.label}, {busy[0]:,.0f} of them at "
                    f"work; {last.gpu_hours:,.0f} and {busy[-1]:,.0f} in {last.month.label}; at most "
                    f"{max(month.most_cards for month in months)} cards at once.")
    bought = plan_purchase(plan)
    if bought is not None:
        back = "never paid back" if bought.payback is None else f"paid back in {bought.payback} months"
        yield _both("payback", "Buying instead of renting: money out and in so far (USD)",
                    lambda axes, narrow: _payback(axes, bought, narrow=narrow),
                    alt=f"Two lines from -${-bought.flows[0]:,.0f}; {back}; worth ${bought.npv_usd:,.0f} today.")


def drawn_waterfall(found: Waterfall) -> Drawn:
    """From one plan's sum to the other's, a bar for each step."""
    steps = "; ".join(f"{step.part} {step.usd:+,.2f}" for step in found.steps) or "no step"
    return _both("waterfall", "From one plan to the other (USD)", lambda axes, _: _waterfall(axes, found),
                 alt=f"From ${found.before_usd:,.2f} to ${found.after_usd:,.2f}: {steps}.")


def _both(name: str, title: str, draw: Callable[[Axes, bool], None], *, alt: str) -> Drawn:
    return Drawn(name, title, alt, *(_svg(f"{name}{'_narrow' * narrow}", draw, narrow=narrow)
                                     for narrow in (False, True)))


def _svg(name: str, draw: Callable[[Axes, bool], None], *, narrow: bool) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_NARROW_IN if narrow else _WIDE_IN, _HIGH_IN), layout="constrained")
        draw(figure.add_subplot(), narrow)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", file.getvalue(), flags=re.DOTALL)
    return re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}_", text[text.index("<svg"):])  # several on one page


def _bill(axes: Axes, plan: Plan, *, narrow: bool) -> None:
    places = np.arange(len(plan.months))
    below = np.zeros(places.size)
    for part in PARTS:
        usd = np.array([float(parts_usd(month)[part]) for month in plan.months])
        if usd.any():
            axes.bar(places, usd, 0.72, bottom=below, color=COLOURS[_OF_PART[part]], label=part)
        below += usd
    sure = plan.worlds.months
    low, high = (np.array([getattr(one, name) for one in sure]) for name in ("p10", "p90"))
    axes.fill_between(places, low, high, color=COLOURS["band"], alpha=0.16, linewidth=0)
    axes.errorbar(places, (low + high) / 2, yerr=(high - low) / 2, fmt="none", color=COLOURS["band"],
                  ecolor=COLOURS["band"], elinewidth=1, capsize=3, label="P10 to P90")
    _months(axes, plan.months, narrow=narrow)
    axes.set_ylim(0, max(high.max(), below.max()) * 1.05 or 1)
    _legend(axes, narrow=narrow)


def _each(axes: Axes, months: Sequence[Month], *, narrow: bool) -> None:
    each = [float(month.usd / month.accepted) if month.accepted else np.nan for month in months]
    axes.plot(range(len(months)), each, color=COLOURS["hosted"], marker="o", markersize=3.5)
    _months(axes, months, narrow=narrow)
    axes.set_ylim(0, np.nanmax(each) * 1.15 or 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda usd, _: f"${usd:.4g}"))


def _cards(axes: Axes, months: Sequence[Month], *, busy: Sequence[float], narrow: bool) -> None:
    places = np.arange(len(months))
    paid = [month.gpu_hours for month in months]
    axes.bar(places, paid, 0.72, color=COLOURS["rule"], label="on")
    axes.bar(places, busy, 0.44, color=COLOURS["own"], label="at work")
    for place in places[::-(-len(places) // _MOST_LABELS[narrow])]:
        axes.annotate(f"{months[place].most_cards}", (place, paid[place]), ha="center", va="bottom")
    _months(axes, months, narrow=narrow)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda hours, _: f"{hours:,.0f}"))
    axes.set_ylim(0, max(paid) * 1.15 or 1)
    axes.plot([], [], color=COLOURS["ink"], linestyle="none", label="above: most cards at once")
    _legend(axes, narrow=narrow)


def _payback(axes: Axes, bought: Purchase, *, narrow: bool) -> None:
    by_month = (1 + bought.rate_per_year) ** (np.arange(len(bought.flows)) / MONTHS_PER_YEAR)
    axes.axhline(0, color=COLOURS["ink"], linewidth=0.8)
    axes.plot(np.cumsum(bought.flows), color=COLOURS["hosted"], label="as paid")
    axes.plot(np.cumsum(bought.flows / by_month), color=COLOURS["own"], linestyle="--",
              label=f"discounted at {bought.rate_per_year:.0%} a year")
    axes.set_xlabel("months since the purchase")
    axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 9, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(_usd))
    _legend(axes, narrow=narrow)


def _waterfall(axes: Axes, found: Waterfall) -> None:
    ends = np.cumsum([float(found.before_usd), *(float(step.usd) for step in found.steps)])
    names = ["before", *(step.part for step in found.steps), "after"]
    axes.barh(0, ends[0], 0.6, color=COLOURS["hosted"])
    for at, step in enumerate(found.steps, 1):
        axes.barh(at, float(step.usd), 0.6, left=ends[at - 1], color=COLOURS["more" if step.usd > 0 else "less"])
    axes.barh(len(names) - 1, float(found.after_usd), 0.6, color=COLOURS["hosted"])
    tops = [ends[0], *np.maximum(ends[1:], ends[:-1]), float(found.after_usd)]
    texts = [f"{found.before_usd:,.0f}", *(f"{step.usd:+,.0f}" for step in found.steps), f"{found.after_usd:,.0f}"]
    for at, (top, text) in enumerate(zip(tops, texts, strict=True)):
        axes.annotate(text, (top, at), xytext=(4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlim(min(0.0, ends.min()) * 1.2, max(*tops, 1.0) * 1.25)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(_usd))


def _months(axes: Axes, months: Sequence[Month], *, narrow: bool) -> None:
    step = -(-len(months) // _MOST_LABELS[narrow])
    days = [month.month.first for month in months[::step]]
    years = [f"\n{day:%Y}" if not at or day.year != days[at - 1].year else "" for at, day in enumerate(days)]
    axes.set_xticks(range(0, len(months), step), [f"{day:%b}{year}" for day, year in zip(days, years, strict=True)])
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(_usd))


def _usd(usd: float, _: object) -> str:
    return f"{'-' if usd < 0 else ''}${abs(usd):,.{2 if 0 < abs(usd) < _CENTS_BELOW else 0}f}"


def _legend(axes: Axes, *, narrow: bool) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2 if narrow else 5, borderaxespad=0.2,
                columnspacing=1.2, handlelength=1.2)
