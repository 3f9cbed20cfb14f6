"""The answer for a terminal: tables with rich, a chart with plotext."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import plotext
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.quantities import HOURS_PER_MONTH

from .energy_report import energy_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .account_limits import AccountPace
    from .answer import Answer
    from .breakeven import BreakEven

__all__ = ["print_answer"]

_OPTIONS_SHOWN = 12
_CHART_COLUMNS, _CHART_ROWS = 78, 15


def print_answer(said: Answer, console: Console, *, all_options: bool) -> None:
    """Print the answer in the order: what could move, the ladder, the break-even, the options, the verdict."""
    console.print(Group(*_parts(said, all_options=all_options)))


def _parts(said: Answer, *, all_options: bool) -> Iterator[RenderableType]:
    scenario = said.case.scenario
    yield Text(f"{scenario.name}", style="bold")
    if scenario.summary:
        yield Text(scenario.summary)
    yield Text(f"Prices of {said.case.on}, {said.case.draws.count:,} draws, seed {said.case.draws.seed}. "
               "A month has 730 hours.", style="dim")
    yield from _stated(said)
    yield from (Text(), _displaceable(said), *_licences(said), *_gpu_month(said), Text(), _ladder(said))
    if said.own is not None:
        yield from (Text(), _break_evens(said))
        yield from (Text(), *energy_lines(said.own.side.energy))
        yield from (Text(), _chart(said.own.main), Text(), _swings(said.own.main))
    if said.what_ifs and not said.stopped:
        yield from (Text(), _what_ifs(said))
    if said.solved is not None:
        yield from (Text(), Text(_solved(said)))
    yield from (Text(), _options(said, all_options=all_options), Text(), Text(f"Verdict: {said.verdict}", style="bold"))


def _stated(said: Answer) -> Iterator[RenderableType]:
    scenario = said.case.scenario
    for override in scenario.override:
        mark = "confirmed" if override.confirmed else "stated, not checked"
        yield Text(f"  {override.key} = {override.value}  ({mark}: {override.says})")
    for line in scenario.not_confirmed:
        yield Text(f"  not confirmed: {line}")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="", box=None, padding=(0, 1))
    for at, column in enumerate(columns):
        numeric = at > 0 and not column.startswith(("own", "today", "note"))
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    return table


def _displaceable(said: Answer) -> Table:
    table = _table("Displaceable spend", "segment", "images/month", "USD/month", "today", "own GPUs may make it")
    for row in said.today:
        table.add_row(row.segment.name, f"{row.segment.volume:,.0f}", f"{row.usd_per_month:,.2f}",
                      f"{row.option.label}{_age(row.option.unchecked_days)}",
                      f"{row.own_images:,.0f} images: {row.own_verdict}")
    return table


def _licences(said: Answer) -> Iterator[RenderableType]:
    """What is known of the licence that keeps images from moving."""
    if said.binding != "licence" or said.own is not None:
        return
    card = said.case.book.models.find(said.case.scenario.own.model)
    for known in said.case.book.licences:
        if card.id in known.models and known.commercial == "bought":
            price = "its price was not found" if known.usd_per_month is None else f"{known.usd_per_month} USD a month"
            yield Text(f"  to be bought: {known.name} ({price}; {known.note})")


def _gpu_month(said: Answer) -> Iterator[RenderableType]:
    yield Text(f"  images a GPU may make cost {said.displaceable_usd_per_month:,.2f} USD/month today")
    if said.relief_usd_per_month:
        yield Text(f"  of which your contract's credits and free images have taken off "
                   f"{said.relief_usd_per_month:,.2f} USD/month already")
    if said.cheapest is None:
        yield Text("  no card in the tables can make them")
        return
    if said.cheapest.usd_per_month == 0:
        yield Text("  the scenario's own card costs nothing while it is idle")
        return
    yield Text(f"  the cheapest feasible GPU month costs {said.cheapest.usd_per_month:,.2f} USD "
               f"({said.cheapest.gpu} at {said.cheapest.usd_per_gpu_h:.2f} USD/h, {said.cheapest.source})")
    if said.stopped:
        yield Text("  no GPU can pay", style="bold")


def _ladder(said: Answer) -> RenderableType:
    table = _table("Savings ladder", "rung", "USD/year", "saves", "P10", "P90", "")
    for rung in said.rungs:
        first = rung is said.rungs[0]
        table.add_row(rung.name, _money(rung.usd_per_year), "" if first else _money(rung.saves),
                      "" if first else _money(rung.saves_p10), "" if first else _money(rung.saves_p90),
                      "" if rung.taken else "no gain")
    lines = [f"{rung.name}: {rung.rule}{_age(rung.unchecked_days)}" for rung in said.rungs]
    if said.review_usd_per_month:
        lines.append(f"every rung holds people's time for looking at images, today {said.review_usd_per_month:,.2f} "
                     "USD a month")
    if said.left_out is not None:
        lines.append(f"cheaper and left out: {said.left_out.label} at {said.left_out.usd_per_image:f} USD "
                     f"({said.left_out_because})")
    lines += [f"account limits: {_pace(pace)}" for pace in said.account_paces]
    return Group(table, *(Text(f"  {line}") for line in lines))


def _pace(pace: AccountPace) -> str:
    if pace.images_per_minute is None or pace.hours_at_least is None:
        return f"{pace.vendor} publishes none"
    more = (f"; tier {pace.tier_needed} is needed ({pace.brought_by})" if pace.tier_needed
            else "" if pace.enough else "; no published tier is enough")
    return (f"{pace.vendor} tier {pace.tier}: {pace.images_per_minute:,.0f} images a minute, so "
            f"{pace.images_per_month:,.0f} a month take {pace.hours_at_least:,.1f} of {HOURS_PER_MONTH} hours at least"
            f"{more}")


def _break_evens(said: Answer) -> RenderableType:
    table = _table("Break-even volume, images a month", "against", "USD", "first", "durable", "P10", "P50", "P90",
                   "P(own) now")
    own = said.own
    if own is None:
        return table
    legend = []
    for found in (own.main, *own.others):
        table.add_row(found.against.name, f"{found.against.usd_per_image:.4f}", _volume(found.first),
                      _volume(found.durable), _volume(found.p10), _volume(found.p50), _volume(found.p90),
                      f"{found.cheaper_share_now:.0%}")
        never = "never" if not math.isfinite(found.first) else "not durably"
        why = f"; {never}: {found.binding}" if found.binding else ""
        legend.append(Text(f"  {found.against.name}: {found.against.says}{_age(found.against.unchecked_days)}{why}"))
    seconds, main = own.side.spreads["seconds"], own.main
    return Group(table, *legend, Text(
        f"  P(own) now: how surely own GPUs are cheaper at {said.displaceable_images:,.0f} images a month\n"
        f"  {seconds.mid:.3g} s an image ({seconds.low:.3g} to {seconds.high:.3g}; {own.side.pedigree}); "
        f"{_capacity(main)}, "
        f"{main.full_load_usd_per_image:.4f} USD each at full load"))


def _chart(found: BreakEven) -> Text:
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(_CHART_COLUMNS, _CHART_ROWS)
    plotext.plot([math.log10(images) for images in found.volumes], [share * 100 for share in found.cheaper_share],
                 marker="braille")
    ticks = range(math.ceil(math.log10(found.volumes[0])), math.floor(math.log10(found.volumes[-1])) + 1)
    plotext.xticks(list(ticks), [f"{10 ** tick:,}" for tick in ticks])
    plotext.ylim(0, 100)
    plotext.title("P(own GPUs cheaper than the first price above), %, by images a month")
    return Text.from_ansi(plotext.build())


def _swings(found: BreakEven) -> RenderableType:
    table = _table("What moves the break-even most", "assumption", "low", "high", "volume at low", "at high")
    for swing in found.swings:
        table.add_row(swing.spread.name, f"{swing.spread.low:.4g}", f"{swing.spread.high:.4g}", _volume(swing.at_low),
                      _volume(swing.at_high))
    return Group(table, *(Text(f"  {swing.spread.name} ({swing.spread.unit}): {swing.spread.source}")
                          for swing in found.swings))


def _what_ifs(said: Answer) -> Table:
    table = _table("The same question with other numbers", "what if", "first", "durable", "note")
    for other in said.what_ifs:
        late = f" ({other.binding})" if other.binding else ""
        table.add_row(other.name, f"{_exact(other.first)}{late}", _exact(other.durable), other.note)
    return table


def _solved(said: Answer) -> str:
    solved = said.solved
    if solved is None:
        return ""
    if solved.value is None:
        return f"At {solved.images:,.0f} images a month {solved.says}."
    return (f"At {solved.images:,.0f} images a month own GPUs and the price of {solved.against} "
            f"cost the same with {solved.driver} = "
            f"{solved.value:,.4g} {solved.unit} (now {solved.now:,.4g}); {solved.says}.")


def _options(said: Answer, *, all_options: bool) -> Table:
    table = _table(f"Cost of each option, for {said.options_for}", "option", "USD/image", "USD/accepted image", "note")
    shown = [row for row in said.options if row.usd_per_image is not None or all_options]
    today = {row.option.label for row in said.today}
    for at, row in enumerate(shown):
        if at >= _OPTIONS_SHOWN and not all_options and row.label not in today and not row.label.startswith("own "):
            continue
        table.add_row(row.label, _usd(row.usd_per_image), _usd(row.usd_per_accepted_image), row.refused or row.note)
    hidden = len(said.options) - table.row_count
    if hidden > 0:
        table.caption = f"{hidden} more with --all-options or --json"
        table.caption_justify = "left"
    return table


def _age(unchecked_days: int) -> str:
    """The mark of a figure that a stale price touches; its interval is widened too."""
    return f" [price {unchecked_days} days old]" if unchecked_days else ""


def _capacity(found: BreakEven) -> str:
    if not math.isfinite(found.images_per_gpu_month):
        return "paid by the second, so no card is ever full"
    return f"a card makes {found.images_per_gpu_month:,.0f} a month"


def _money(usd: float) -> str:
    return f"{usd:,.0f}" if math.isfinite(usd) else "too few cards"


def _usd(usd: float | None) -> str:
    return "" if usd is None else f"{usd:.5f}"


def _volume(images: float) -> str:
    return f"{images:,.0f}" if math.isfinite(images) else "never"


def _exact(images: float) -> str:
    return f"{images:,.2f}".rstrip("0").rstrip(".") if math.isfinite(images) else "never"
