"""The sheet of volumes: what every segment asks for, month by month, and how much work that is for own cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.fleet import key_of

from .pages import Live, at

if TYPE_CHECKING:
    from planner.scenario import Segment

    from .facts import Facts, Flow
    from .pages import Cell, Page

__all__ = ["own_share", "write_volumes"]

_FIRST = 4
_SEGMENT_HEADS = ("row", "segment", "images a month today", "growth a month", "may be moved", "can wait",
                  "accepted today")
_HEADS = ("month", "number", "stream", "can wait: 1", "stays with today's model: 1", "row of its segment",
          "row of its own shares (Fleet)", "row of who makes most of it (Accepted)", "own cards may make it: 1",
          "work of an image, GPU-seconds*", "part of the segment", "growth since month 0",
          "images for each of today's", "images asked", "work, GPU-seconds*", "share made by own cards")
_NAMED = {2: "images", 3: "growth", 4: "movable", 5: "deferrable", 6: "accepted"}


def own_share(flow: Flow) -> float:
    """Of a stream, as the model interpolates it."""
    return float(flow.fleet.own_share(key_of(flow.stream), flow.month.load)) if flow.stream.own else 0.0


def write_volumes(page: Page, facts: Facts) -> None:
    """Segments first, then every stream of every month by one and the same row of formulas."""
    page.titled("Volumes", "Change volumes and growth on Assumptions; month 0 is the plan's first.",
                "* Where own cards may make nothing, work is counted in images.")
    page.heads(_FIRST - 1, _SEGMENT_HEADS)
    for number, one in enumerate(facts.segments, 1):
        for col, cell in enumerate(_segment(facts, one, number)):
            page.put((_FIRST + number - 1, col), cell, shape=("", "", "#,##0.000", *["0.0000"] * 4)[col])
    last = _FIRST + len(facts.segments) - 1
    for col, name in _NAMED.items():
        page.define(f"segments_{name}", (_FIRST, col), last=(last, col))
    first = last + 3
    page.heads(first - 1, _HEADS)
    for number, flow in enumerate(facts.flows):
        for col, (cell, shape) in enumerate(_row(facts, flow, first + number)):
            page.put((first + number, col), cell, role="needs re-run" if col in (8, 9) else "plain", shape=shape)
    end = first + len(facts.flows) - 1
    for col, name in ((1, "month"), (7, "first_accepted"), (13, "asked"), (14, "work"), (15, "own_share")):
        page.define(f"volumes_{name}", (first, col), last=(end, col))


def _segment(facts: Facts, one: Segment, number: int) -> tuple[Cell, ...]:
    tail, made = facts.slugs[one.name], one.deliverables
    images = f"images_{tail}" if made is None else (
        f"assets_{tail}*markets_{tail}*candidates_{tail}*rounds_{tail}/accepted_share_today_{tail}")
    growth = "growth_share_per_month" if one.traffic is None else f"growth_share_{tail}"
    traffic = one.traffic or facts.plan.case.scenario.traffic
    return (number, one.name, Live(images, one.volume), Live(growth, traffic.growth_share_per_month),
            Live(f"movable_share_{tail}", one.movable_share), Live(f"deferrable_share_{tail}", one.deferrable_share),
            Live(f"accepted_share_today_{tail}", one.today.acceptance_share))


def _row(facts: Facts, flow: Flow, row: int) -> tuple[tuple[Cell, str], ...]:
    stream, segment, kept = flow.stream, facts.segment_of(flow.stream), facts.is_kept(flow.stream)
    number = flow.month.month.number
    traffic = segment.traffic or facts.plan.case.scenario.traffic
    part = 1 - segment.movable_share if kept else segment.movable_share * (
        segment.deferrable_share if stream.can_wait else 1 - segment.deferrable_share)
    work = facts.work_per_image(flow)
    names = {name: at(row, col) for col, name in enumerate(
        ("month", "n", "name", "waits", "kept", "segment", "fleet", "first", "may", "each", "part", "growth", "again",
         "asked"))}
    formulas = {name: text.format(**names) for name, text in _FORMULAS.items()}
    return (
        (flow.month.month.label, ""), (number, "0"), (stream.segment, ""), (int(stream.can_wait), "0"),
        (int(kept), "0"),
        (facts.segments.index(segment) + 1, "0"), (facts.shares[flow.fleet.from_month, *key_of(stream)], "0"),
        (facts.accepted[facts.first_accepted(flow)], "0"), (int(stream.own), "0"), (work, "0.0000"),
        (Live(formulas["part"], part), "0.0000"),
        (Live(formulas["growth"], (1 + traffic.growth_share_per_month) ** number), "0.0000"),
        (Live(formulas["again"], stream.again), "0.0000"),
        (Live(formulas["asked"], stream.images_per_month), "#,##0.000"),
        (Live(formulas["work"], stream.images_per_month * work), "#,##0.000"),
        (Live(formulas["own_share"], own_share(flow)), "0.0000"))


_FORMULAS = {
    "part": ("IF({kept}=1,1-INDEX(segments_movable,{segment}),INDEX(segments_movable,{segment})"
             "*IF({waits}=1,INDEX(segments_deferrable,{segment}),1-INDEX(segments_deferrable,{segment})))"),
    "growth": "(1+INDEX(segments_growth,{segment}))^{n}",
    "again": "INDEX(segments_accepted,{segment})/INDEX(accepted_shares,{first})",
    "asked": "INDEX(segments_images,{segment})*{growth}*{part}*{again}",
    "work": "{asked}*{each}",
    "own_share": ("{may}*(INDEX(fleet_own_shares,{fleet},INDEX(fleet_position,{n}+1))+INDEX(fleet_step,{n}+1)"
                  "*(INDEX(fleet_own_shares,{fleet},INDEX(fleet_position,{n}+1)+1)"
                  "-INDEX(fleet_own_shares,{fleet},INDEX(fleet_position,{n}+1))))"),
}
