"""What a mix is run and checked with: `policy.toml`, `router.toml`, and a drawn month as a trace. An edge."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import tomli_w

from planner.errors import PlannerError
from planner.replay.asked import Asked
from planner.replay.driver import Driver
from planner.replay.report import Replayed, cards_cost
from planner.replay.sums import Sums
from planner.replay.world import Faults, World

from .documents import policy_document, settings_document
from .streams import compiled_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from .answer import Mix, Way

__all__ = ["policy_text", "replayed_month", "settings_text", "trace_text", "write_new"]

_MONDAY = 7


def policy_text(mix: Mix, way: Way) -> str:
    """`policy.toml` of a way."""
    case = mix.drawn.planned.case
    document = policy_document(case, mix.rules)
    head = [f"What a plan chose for {case.scenario.name}: {way.name}.",
            f"Prices of {case.on}. Planned: ${way.usd:,.2f} a month, where all hosted would be ${mix.hosted.usd:,.2f}.",
            "Segments are the scenario's; NAME-kept is the part its owner lets no other model make.",
            *(f"Note: {note}" for note in mix.notes)]
    return _text(head, document)


def settings_text(mix: Mix, way: Way) -> str:
    """`router.toml` of a way: backends, tiers, cards and their hours; the keys stay in the environment."""
    case = mix.drawn.planned.case
    document = settings_document(case, way.outcome.cards.tolist(), vendors=mix.drawn.planned.vendors,
                                 tiers=_tiers(mix))
    head = ["What stands where in the plan. Keys are read from the environment, by the vendors' usual names.",
            "Hours are UTC. A tier here is the one the plan needs: see that the account has it.",
            *(f"{lane}" for lane in mix.lanes)]
    return _text(head, {"policy": "policy.toml", **document})


def trace_text(mix: Mix, number: int = 0) -> str:
    """A drawn month as a trace for `planner replay`."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("arrived_at", "n", "size", "segment", "data_class", "urgency", "text_words", "references",
                   "prompt_chars"))
    streams = mix.drawn.planned.streams
    month, begin = mix.drawn.months[number], _monday(mix)
    for at, stream, n in zip(month.at.tolist(), month.stream.tolist(), month.images.tolist(), strict=True):
        request = streams[stream].request
        rows.writerow(((begin + timedelta(seconds=at)).isoformat(timespec="microseconds"), n, request.size,
                       request.segment, request.data_class, request.urgency, request.stated_words or 0,
                       " ".join(str(one.size) for one in request.references), len(request.prompt)))
    return file.getvalue()


def replayed_month(mix: Mix, way: Way, *, number: int = 0) -> Replayed:
    """A drawn month through the router's own decide and flow, under the way's policy and settings."""
    planned = mix.drawn.planned
    compiled, settings = compiled_for(planned.case, mix.rules, cards=way.outcome.cards.tolist(),
                                      vendors=planned.vendors, tiers=_tiers(mix))
    sums = Sums()
    world = World(settings, faults=Faults(), seed=number)
    Driver(compiled, settings, world=world, ended=sums.ended, paid=sums.paid).run(_asked(mix, number))
    worked = {one.name: world.hours_worked(one.name) for one in settings.backends if one.own is not None}
    return Replayed("plan", compiled.digest, sums, cards_cost(settings, sums, worked=worked))


def write_new(path: Path, text: str, *, force: bool) -> None:
    """A file with its text, whole or not at all.

    Raises:
        PlannerError: it is there already, or cannot be written.
    """
    if path.exists() and not force:
        raise PlannerError(f"{path}: is there already; name a new file, or say --force")
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise PlannerError(f"{path}: cannot be written ({error.strerror}); name another file") from None
    finally:
        beside.unlink(missing_ok=True)


def _asked(mix: Mix, number: int) -> Iterator[Asked]:
    streams, month = mix.drawn.planned.streams, mix.drawn.months[number]
    begin = _monday(mix).timestamp()
    known: dict[tuple[int, int], Any] = {}
    for at, stream, n in zip(month.at.tolist(), month.stream.tolist(), month.images.tolist(), strict=True):
        request = known.get((stream, n))
        if request is None:
            request = known[stream, n] = _of(streams[stream].request, n)
        yield Asked(begin + at, request)


def _of(request: Any, n: int) -> Any:
    return replace(request, n=n)


def _monday(mix: Mix) -> datetime:
    """The first Monday from the day of the prices on, 00:00 UTC: a drawn month begins on one."""
    on = mix.drawn.planned.case.on
    return datetime.combine(on + timedelta(days=-on.weekday() % _MONDAY), time(), UTC)


def _tiers(mix: Mix) -> dict[str, str]:
    return {lane.vendor: lane.needed or lane.highest for lane in mix.lanes if lane.tier and lane.needed != lane.tier}


def _text(head: list[str], document: Mapping[str, Any]) -> str:
    return "".join(f"# {line}\n" for line in head) + "\n" + tomli_w.dumps(document)
