"""`planner size`: the smallest fleet for a promise, or what a fleet can promise."""

from __future__ import annotations

import json
import re
from datetime import datetime  # noqa: TC003 (click reads the hints)
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click
import numpy as np

from planner.commands.asking import asked_case, key_value, names_in, working
from planner.uncertainty import Draws
from router.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.case import Case
    from planner.mix.sizing import Room, Sized

__all__ = ["size"]

_FLEET = re.compile(r"([0-9]{1,4})x([A-Za-z0-9._-]+)(?:@([0-9]+(?:\.[0-9]+)?))?")
_CELL = 14


class _Asked(TypedDict):
    fleet: str | None
    models: str
    within: float
    settings: tuple[str, ...]
    ahead: float
    on: datetime | None
    seed: int
    data: Path | None
    as_json: bool


@click.command()
@click.argument("scenario", default="team")
@click.option("--fleet", metavar="NxGPU[@USD]", help="What this fleet can do instead, as in 2xh100-sxm@3.99.")
@click.option("--models", default="", help="With --fleet: models, as in flux-2-klein-4b,flux-2-dev; all that are open.")
@click.option("--within", type=click.FloatRange(0.1, 86_400), default=60.0, show_default=True,
              help="With --fleet: seconds that 19 of 20 requests are promised.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a key of the scenario. Repeatable.")
@click.option("--ahead", type=click.FloatRange(0, 60), default=0.0, show_default=True, help="Months of growth.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Price on this day (today).")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the drawn months.")
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def size(scenario: str, **asked: Unpack[_Asked]) -> None:
    """How many cards keep the scenario's promises with nothing going elsewhere, and why fewer do not.

    With --fleet the other way round: what fits on that card, how many images a month it makes at the promise, at what
    price each, in the shape of the scenario's demand.
    """
    settings = [key_value(text) for text in asked["settings"]] + _fleet_settings(asked["fleet"])
    path, case = asked_case(scenario, Draws(10_000, 1), on=asked["on"], data=asked["data"], settings=settings)
    with working("serving", path, quiet=asked["as_json"]) as told:
        lines, document = _rooms(case, asked) if asked["fleet"] else _sized(case, asked, told)
    click.echo(json.dumps(document, indent=2) if asked["as_json"] else "\n".join(map(one_line, lines)))


def _fleet_settings(text: str | None) -> list[tuple[str, str]]:
    if text is None:
        return []
    found = _FLEET.fullmatch(text)
    if found is None or not int(found[1]):
        raise click.BadParameter(f"{text!r}: write it as 2xh100-sxm or 2xh100-sxm@3.99", param_hint="--fleet")
    cost = f", usd_per_gpu_h = {found[3]}" if found[3] else ""
    return [("own.gpu", f'"{found[2]}"'), ("own.cost", f'{{ kind = "rented", plan = "on-demand"{cost} }}')]


def _sized(case: Case, asked: _Asked, told: Any) -> tuple[list[str], dict[str, Any]]:
    from planner.mix.sizing import sized  # noqa: PLC0415 (numpy is loaded by what computes)

    made = sized(case, ahead_months=asked["ahead"], seed=asked["seed"], told=told)
    return list(_sized_lines(made)), _sized_json(made)


def _rooms(case: Case, asked: _Asked) -> tuple[list[str], dict[str, Any]]:
    from planner.mix.sizing import room_of  # noqa: PLC0415 (as above)

    cards = case.book.models.cards.values()
    names = names_in(asked["models"]) or [
        card.id for card in cards if card.weights == "open" and card.id.startswith("flux-2")]
    fleet = _FLEET.fullmatch(asked["fleet"] or "")
    number = int(fleet[1]) if fleet else 1
    rooms = list(room_of(case, models=names, cards=number, p95_s=asked["within"], seed=asked["seed"]))
    return list(_room_lines(case, rooms, number, asked["within"])), {
        "fleet": asked["fleet"], "p95_s": asked["within"], "rooms": [room.__dict__ for room in rooms]}


def _sized_lines(made: Sized) -> Iterator[str]:
    from planner.mix.conditions import condition_lines  # noqa: PLC0415 (numpy is loaded by what computes)
    from planner.mix.demand import demand_lines  # noqa: PLC0415 (as above)

    case, chosen = made.drawn.planned.case, made.chosen
    yield case.scenario.name
    yield (f"Prices of {case.on}; {len(made.drawn.months)} months drawn; {case.scenario.own.gpu}, {made.paying.word}; "
           "nothing goes elsewhere")
    yield from demand_lines(made.drawn.planned)
    yield ""
    found = chosen.outcome
    yield (f"{chosen.cards} card{'s' * (chosen.cards > 1)}, busy {found.busy_share:.1%} of the time, "
           f"${chosen.usd:,.0f} a month with staff and licence; hosted the same images cost ${made.hosted_usd:,.0f}: "
           + ("own cards are cheaper" if chosen.usd < made.hosted_usd else "hosted is cheaper"))
    for at, one in enumerate(made.drawn.planned.streams):
        words = f"{one.segment}{' (can wait)' if one.can_wait else ''}: {one.seconds:.2f} s an image"
        for name, seen, limit in (("p95", found.p95_s, one.promise.p95_s), ("p99", found.p99_s, one.promise.p99_s)):
            low, mid, high = np.nanpercentile(seen[:, at], (5, 50, 95))
            promised = f", {limit:g} s promised" if limit is not None and not one.can_wait else ""
            words += f"; {name} {mid:,.1f} s (90 %: {low:,.1f} to {high:,.1f}{promised})"
        yield words
    yield from condition_lines(made.drawn, found)
    for fleet in made.fleets[:-1]:
        yield f"not {fleet.cards} card{'s' * (fleet.cards > 1)}: {fleet.refused}"
    always = found.on_h if made.paying.scales else chosen.cards * 730
    yield (f"Who knew every arrival and switched by the hour would need {made.foresight_gpu_h:,.0f} GPU-hours; this "
           f"fleet is there for {always:,.0f}. Overflow and hours of the week: planner mix")


def _sized_json(made: Sized) -> dict[str, Any]:
    from planner.mix.demand import pasts_json  # noqa: PLC0415 (as above)

    found = made.chosen.outcome
    return {"pasts": pasts_json(made.drawn.planned), "cards": made.chosen.cards, "usd": made.chosen.usd,
            "busy_share": found.busy_share,
            "hosted_usd": made.hosted_usd, "foresight_gpu_h": made.foresight_gpu_h,
            "happened": None if found.happened is None else found.happened._asdict(),
            "rejected": [{"cards": one.cards, "why": one.refused} for one in made.fleets[:-1]],
            "segments": [{"segment": one.segment, "can_wait": one.can_wait, "seconds_per_image": one.seconds} | {
                name: dict(zip(("low", "mid", "high"), np.nanpercentile(seen[:, at], (5, 50, 95)).tolist(),
                               strict=True)) for name, seen in (("p95_s", found.p95_s), ("p99_s", found.p99_s))}
                for at, one in enumerate(made.drawn.planned.streams)]}


def _room_lines(case: Case, rooms: list[Room], number: int, within: float) -> Iterator[str]:
    yield (f"{number} x {case.scenario.own.gpu}, p95 {within:g} s promised, demand shaped as the scenario's; "
           f"{case.scenario.segment[0].size}, each model's own steps")
    yield f"{'':44}" + "".join(f"{name:>{_CELL}}" for name in ("s an image", "GiB", "images/month", "busy", "p95, s",
                                                              "USD an image"))
    for room in sorted(rooms, key=lambda one: -one.images_per_month):
        name = f"{room.model} {room.engine} {room.precision}"
        if room.images_per_month:
            cells = (f"{room.seconds:.2f}", f"{room.memory_gib:.1f}", f"{room.images_per_month:,.0f}",
                     f"{room.busy_share:.0%}", f"{room.p95_s:.1f}", f"{room.usd_per_image:.5f}")
            yield f"{name[:43]:44}" + "".join(f"{cell:>{_CELL}}" for cell in cells)
        else:
            yield f"{name[:43]:44}  {room.why_not or 'no volume keeps the promise'}"
