"""A mix for a person and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from router.card_hours import hours_text
from router.quantities import HOURS_PER_MONTH

from .conditions import condition_lines
from .demand import demand_lines, pasts_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.replay.report import Replayed

    from .answer import Mix, Way

__all__ = ["check_json", "check_lines", "mix_json", "mix_lines", "verdict_line"]

_NAME, _CELL, _SAME = 58, 16, 1e-9


def verdict_line(mix: Mix) -> str:
    """The answer in one sentence, with what it stands against."""
    best, other = mix.best, mix.runner_up
    if other is None:
        return f"{best.name}: ${best.usd:,.0f} a month; nothing else may make this work"
    more = other.usd - best.usd
    share = more / other.usd if other.usd else 0.0
    beside = f"{best.name} for ${best.usd:,.0f} a month, ${more:,.0f} ({share:.0%}) less than {other.name}"
    if not best.outcome.cards.any() and mix.own is not None:
        return f"{beside}: own cards do not pay here"
    return beside


def mix_lines(mix: Mix) -> Iterator[str]:
    """The verdict, every way beside it, what the accounts must stand, and what would change it."""
    case = mix.drawn.planned.case
    yield case.scenario.name
    part = "" if mix.drawn.hours == HOURS_PER_MONTH else f" of {mix.drawn.hours} hours each"
    yield (f"Prices of {case.on}; {len(mix.drawn.months)} months{part} drawn; own cards {case.scenario.own.gpu}, "
           f"{mix.paying.word}")
    yield from demand_lines(mix.drawn.planned)
    yield ""
    yield f"Verdict: {verdict_line(mix)}."
    yield ""
    yield f"{'':{_NAME}}" + "".join(f"{name:>{_CELL}}" for name in ("USD a month", "90 %", "cards", "hosted",
                                                                  "own images", "busy"))
    for way in mix.ways:
        yield _way(way)
    yield f"{'today, as stated':{_NAME}}{mix.today_usd:>{_CELL},.0f}"
    look = case.scenario.review.usd_per_image
    if look:
        yield f"In each of these, and in today's: people who look at every image for ${look:.4f}"
    yield ""
    yield from _work(mix)
    way = mix.best if mix.best.outcome.cards.any() or mix.own is None else mix.own
    if mix.own is not None:
        yield from condition_lines(mix.drawn, way.outcome)
    if mix.best.outcome.cards.any() and len(set(mix.best.outcome.cards.tolist())) > 1:
        yield "Cards on, UTC: " + ", ".join(f"{line} {count}" for line, count in hours_text(
            mix.best.outcome.cards.tolist()).items())
    if mix.paying.reserved_usd_per_h is not None:
        share = mix.paying.reserved_usd_per_h / mix.paying.usd_per_h
        yield (f"Reserve a card that is on more than {share:.0%} of the hours "
               f"(${mix.paying.reserved_usd_per_h:g} an hour, {mix.paying.reserved_from}); "
               f"{mix.best.outcome.reserved} of the best way are")
    for lane in mix.lanes:
        yield f"Account {lane}"
    for change in mix.changes:
        yield f"The verdict changes with {change}"
    yield from _doubts(mix)
    for note in mix.notes:
        yield f"Note: {note}"
    if any(segment.today.usd_per_image is not None for segment in case.scenario.segment):
        yield "Note: today's stated prices are in the line of today alone; the router pays list prices"


def mix_json(mix: Mix) -> dict[str, Any]:
    """The whole answer as a document; amounts are US dollars a month."""
    return {
        "scenario": mix.drawn.planned.case.scenario.name, "prices_of": mix.drawn.planned.case.on.isoformat(),
        "months_drawn": len(mix.drawn.months), "verdict": verdict_line(mix), "best": _way_json(mix.best),
        "runner_up": None if mix.runner_up is None else _way_json(mix.runner_up),
        "ways": [_way_json(way) for way in mix.ways], "today_usd": mix.today_usd, "least_cards": mix.least_cards,
        "accounts": [lane.__dict__ | {"says": str(lane)} for lane in mix.lanes], "changes": list(mix.changes),
        "doubts": [one.__dict__ | {"turns": one.turns} for one in mix.doubts], "notes": list(mix.notes),
        "demand": sorted({one.shape.label for one in mix.drawn.planned.streams}),
        "pasts": pasts_json(mix.drawn.planned),
        "work": [{"segment": one.segment, "can_wait": one.can_wait, "images_per_month": one.images_per_month,
                  "times_today": one.again, "hosted_times_own": one.hosted_again,
                  "own": one.own, "why_not_own": one.why_not, "seconds_per_image": one.seconds, "hosted": one.hosted,
                  "hosted_usd_per_image": one.usd} for one in mix.drawn.planned.streams]}


def check_json(mix: Mix, replayed: Replayed) -> dict[str, Any]:
    """The first drawn month, planned and replayed."""
    planned, came = _planned(mix), replayed.sums.usd
    return {"planned_usd": planned, "replayed_usd": came, "off_share": came / planned - 1 if planned else 0.0}


def check_lines(mix: Mix, replayed: Replayed) -> Iterator[str]:
    """The same in words."""
    found = check_json(mix, replayed)
    yield (f"Check: the first of them through the router's own decide and flow costs ${found['replayed_usd']:,.2f} "
           f"beside its cards, planned ${found['planned_usd']:,.2f} ({found['off_share']:+.2%})")
    if mix.best.outcome.happened is not None and mix.best.outcome.cards.any():
        yield "Check: the replay's cards never fail, load, start or serve anybody first, those of the plan do"


def _planned(mix: Mix) -> float:
    return float(mix.best.outcome.hosted_usd[0] + mix.best.outcome.own_usd[0]) / mix.drawn.scale


def _way(way: Way) -> str:
    found = way.outcome
    low, high = np.percentile(found.usd, (5, 95))
    owned = found.cards_usd + found.fixed_usd + float(found.busy_usd.mean())
    cells = (f"{way.usd:,.0f}", f"{low:,.0f}-{high:,.0f}", f"{owned:,.0f}",
             f"{found.hosted_usd.mean():,.0f}", f"{found.own_share.mean():.1%}", f"{found.busy_share:.1%}")
    line = f"{way.name[:_NAME - 1]:{_NAME}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)
    return f"{line}  not allowed: {way.refused}" if way.refused else line


def _work(mix: Mix) -> Iterator[str]:
    for at, one in enumerate(mix.drawn.planned.streams):
        times = "" if abs(one.again - 1) < _SAME else f" ({one.again:.2f} times today's: fewer are accepted)" if (
            one.again > 1) else f" ({one.again:.2f} times today's: more are accepted)"
        words = f"{one.segment}{' (can wait)' if one.can_wait else ''}, {one.images_per_month:,.0f} images{times}: "
        if one.own:
            p95 = mix.best.outcome.p95_s[:, at]
            seen = "" if np.isnan(p95).all() or one.can_wait else f", own answers p95 {np.nanmean(p95):.1f} s"
            words += f"own {one.seconds:.2f} s an image{seen}"
            words += f", else {one.hosted} at ${one.usd:g}" if one.leaves else ", nowhere else"
        else:
            words += f"{one.hosted} at ${one.usd:g}" + (f" (own: {one.why_not})" if one.why_not else "")
        yield words


def _doubts(mix: Mix) -> Iterator[str]:
    """Those that may turn the verdict, with what it costs to know; the others in one line."""
    for one in mix.doubts:
        if one.turns:
            yield (f"In doubt: {one.name} ({one.source}); with cards {_more(one.low_usd)} to {_more(one.high_usd)} a "
                   f"month. To find out: {one.finds_out}; ${one.finds_out_usd:,.2f}")
    firm = [one.name for one in mix.doubts if not one.turns]
    if firm:
        yield f"The verdict stands with {'; '.join(firm)}"


def _more(usd: float) -> str:
    return f"${abs(usd):,.0f} {'more' if usd > 0 else 'less'}"


def _way_json(way: Way) -> dict[str, Any]:
    found = way.outcome
    low, high = np.percentile(found.usd, (5, 95))
    return {"name": way.name, "usd": way.usd, "usd_low": float(low), "usd_high": float(high),
            "cards_usd": found.cards_usd, "fixed_usd": found.fixed_usd, "busy_usd": float(found.busy_usd.mean()),
            "hosted_usd": float(found.hosted_usd.mean()), "beside_usd": float(found.beside_usd.mean()),
            "own_image_share": float(found.own_share.mean()), "busy_share": found.busy_share,
            "most_cards": int(found.cards.max()), "cards_by_hour_of_week": found.cards.tolist(),
            "reserved": found.reserved, "overflow_by": "image" if found.by_image else "request",
            "happened": None if found.happened is None else found.happened._asdict(),
            "card_hours_by_demand": found.on_h, "refused": way.refused}
