"""The sheet that computes: one row for each month, stream and option, the same formulas in every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.lines import OWN

from .pages import Live, at
from .prices import price_usd
from .volumes import own_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .facts import Facts, Make
    from .pages import Cell, Page

__all__ = ["write_calc"]

_FIRST = 3
_HEADS = ("month", "number", "stream", "can wait: 1", "option", "made by", "row of Volumes", "row of Prices",
          "row of Accepted", "images asked", "share", "images for each asked", "USD an image", "images", "USD",
          "accepted images")
_FORMULAS = {
    "asked": "INDEX(volumes_asked,{volume})",
    "share": 'IF({maker}="own",INDEX(volumes_own_share,{volume}),1-INDEX(volumes_own_share,{volume}))',
    "times": "INDEX(accepted_shares,INDEX(volumes_first_accepted,{volume}))/INDEX(accepted_shares,{accepted})",
    "price": "INDEX(prices_usd,{price_row})",
    "images": "ROUND({asked}*{share}*{times},image_digits)",
    "usd": "ROUND({images}*{price},usd_digits)",
    "accepted_images": "ROUND({images}*INDEX(accepted_shares,{accepted}),image_digits)",
}
_COLUMNS = ("month", "number", "stream", "waits", "option", "maker", "volume", "price_row", "accepted", "asked",
            "share", "times", "price", "images", "usd", "accepted_images")


def write_calc(page: Page, facts: Facts) -> None:
    """Every row; which option a stream has in a month is the model's choice."""
    page.titled("Calc", "Formulas alone: change nothing here. Images are rounded to image_digits, amounts to "
                "usd_digits, half away from zero.")
    page.heads(_FIRST - 1, _HEADS)
    volumes = {id(flow): number for number, flow in enumerate(facts.flows, 1)}
    for number, make in enumerate(facts.makes):
        row = _FIRST + number
        places = {name: at(row, col) for col, name in enumerate(_COLUMNS)}
        formulas = {name: text.format(**places) for name, text in _FORMULAS.items()}
        for col, (cell, shape) in enumerate(_row(facts, make, formulas, volume=volumes[id(make.flow)])):
            page.put((row, col), cell, shape=shape)
    last = _FIRST + len(facts.makes) - 1
    for col, name in ((1, "month"), (5, "made_by"), (6, "volume"), (10, "share"), (13, "images"), (14, "usd"),
                      (15, "accepted")):
        page.define(f"calc_{name}", (_FIRST, col), last=(last, col))


def _row(facts: Facts, make: Make, formulas: Mapping[str, str], *, volume: int) -> tuple[tuple[Cell, str], ...]:
    stream, month, line = make.flow.stream, make.flow.month.month, make.line
    own = make.option == OWN
    share = own_share(make.flow) if own else 1 - own_share(make.flow)
    price = facts.price_row(make)
    values = {"asked": stream.images_per_month, "share": share, "times": 1.0 if own else stream.hosted_again,
              "price": price_usd(facts, price), "images": float(line.images) if line else 0.0,
              "usd": float(line.usd) if line else 0.0, "accepted_images": float(line.accepted) if line else 0.0}
    shapes = ("#,##0.000", "0.0000", "0.0000", "0.00000000", "#,##0.000", "#,##0.000000", "#,##0.000")
    return (
        (month.label, ""), (month.number, "0"), (stream.segment, ""), (int(stream.can_wait), "0"),
        ("own cards" if own else make.option, ""), ("own" if own else "hosted", ""), (volume, "0"), (price, "0"),
        (facts.accepted[facts.accepted_of(make)], "0"),
        *((Live(formulas[name], values[name]), shape) for name, shape in zip(_FORMULAS, shapes, strict=True)))
