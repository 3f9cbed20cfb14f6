"""The sheet of bills beside the images: quantity, price and amount of each, month by month."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from planner.plan.lines import OWN, FixedLine, usd_of

from .assumptions import commitments, licences_held
from .pages import Live, at, column
from .totals import FIRST_MONTH, LABELS, NUMBERS, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.plan.lines import Month

    from .facts import Facts
    from .pages import Page, Role

__all__ = ["write_bills"]

_FIRST = 6
_TAXED = ("cards", "licence", "licence overage")
_SHAPES = {"quantity": "#,##0.000", "USD each": "#,##0.000000", "USD": "#,##0.000000"}


class _Bill(NamedTuple):
    """A line of bills: each month's quantity and price, as inputs or formulas."""

    kind: str
    name: str
    unit: str
    quantities: Sequence[float | Live]
    each: Sequence[float | Live]


def write_bills(page: Page, facts: Facts) -> None:
    """Three rows a bill: how much, at what price, and what that comes to."""
    months = facts.plan.months
    page.titled("Bills", "What is paid for beside the images. Orange: simulated or chosen by the model; run planner "
                "plan again to change it.")
    for row, names in ((LABELS, ("kind", "bill", "what", "unit")), (NUMBERS, ("", "", "", "month of the plan"))):
        page.heads(row, names)
        for number, month in enumerate(months):
            page.put((row, FIRST_MONTH + number), month.month.label if row == LABELS else number, role="month")
    row = _FIRST
    for bill in _bills(facts):
        _write(page, bill, row)
        row += 3
    last = FIRST_MONTH + len(months) - 1
    page.define("bills_kind", (_FIRST, 0), last=(row - 1, 0))
    page.define("bills_row", (_FIRST, 2), last=(row - 1, 2))
    page.define("bills_amounts", (_FIRST, FIRST_MONTH), last=(row - 1, last))


def _write(page: Page, bill: _Bill, row: int) -> None:
    for place, (name, shape) in enumerate(_SHAPES.items()):
        page.line(row + place, (bill.kind, bill.name, name, bill.unit if name == "quantity" else "USD"))
        for number, (quantity, each) in enumerate(zip(bill.quantities, bill.each, strict=True)):
            col = FIRST_MONTH + number
            amount = Live(f"ROUND({at(row, col)}*{at(row + 1, col)},usd_digits)", _usd(quantity, each))
            cell = (quantity, each, amount)[place]
            role: Role = "plain" if isinstance(cell, Live) else "needs re-run" if name == "quantity" else "live"
            page.put((row + place, col), cell, role=role, shape=shape)


def _usd(quantity: float | Live, each: float | Live) -> float:
    """As the plan rounds it."""
    return float(FixedLine("", "", _value(quantity), "", Decimal(repr(_value(each))), "").usd)


def _value(cell: float | Live) -> float:
    return float(cell.value if isinstance(cell, Live) else cell)


def _bills(facts: Facts) -> Iterator[_Bill]:
    yield from _cards(facts)
    own = facts.plan.case.scenario.own
    paying = facts.plan.fleets[0].mix.paying
    yield _running(facts, "staff", "people who keep the cards running", "FTE", ("staff_fte", own.staff.fte),
                   ("staff_usd_per_fte_month", own.staff.usd_per_fte_month))
    yield _running(facts, "storage", "weights and images", "month", ("1", 1.0),
                   ("storage_usd_per_month", own.storage_usd_per_month))
    yield _running(facts, "fine-tuning", "runs on the same card", "GPU-hours", (
        "fine_tuning_runs_per_month*fine_tuning_gpu_h_per_run", own.lora.runs_per_month * own.lora.gpu_h_per_run),
        ("fine_tuning_usd_per_gpu_h", paying.tuning_usd_per_h))
    yield from _licences(facts)
    yield from _others(facts)


def _card_month(facts: Facts) -> Live:
    return Live("card_usd_per_month", facts.plan.fleets[0].mix.paying.usd_per_month)


def _cards(facts: Facts) -> Iterator[_Bill]:
    paying, gpu = facts.plan.fleets[0].mix.paying, facts.plan.case.scenario.own.gpu
    if paying.scales:
        on: list[float | Live] = [Live(f"INDEX(fleet_gpu_hours,{column(FIRST_MONTH + number)}${NUMBERS + 1}+1)",
                                       month.gpu_hours) for number, month in enumerate(facts.plan.months)]
        yield _Bill("cards", f"{gpu} by demand", "GPU-hours", on,
                    [Live("card_usd_per_on_h", paying.usd_per_on_h)] * len(on))
        return
    hourly = Live("card_usd_per_h", paying.usd_per_h)
    kinds: tuple[tuple[str, str, Live], ...] = ((gpu, "cards", _card_month(facts)),)
    if paying.can_switch:
        kinds = ((f"{gpu} by the hour", "GPU-hours", hourly),
                 (f"{gpu} switched on", "starts", Live("card_start_usd", paying.start_usd)))
    for name, unit, each in kinds:
        yield _Bill("cards", name, unit, [_quantity(month, name) for month in facts.plan.months],
                    [each] * len(facts.plan.months))
    name = f"{gpu} reserved"
    if any(_quantity(month, name) for month in facts.plan.months):
        prices: list[float | Live] = [float(fleet.mix.paying.reserved_usd_per_h or paying.usd_per_h)
                              for fleet in facts.plan.fleets]
        yield _Bill("cards", name, "GPU-hours", [_quantity(month, name) for month in facts.plan.months], prices)


def _quantity(month: Month, name: str) -> float:
    return sum(bill.quantity for bill in month.fixed if (bill.kind, bill.name) == ("cards", name))


def _running(facts: Facts, kind: str, name: str, unit: str, quantity: tuple[str, float],
             each: tuple[str, float | Decimal]) -> _Bill:
    """What is paid for in every month in which a card is there."""
    quantities: list[float | Live] = [
        Live(f"{quantity[0]}*{_there(number)}", quantity[1] if facts.has_cards(fleet) else 0.0)
        for number, fleet in enumerate(facts.plan.fleets)]
    return _Bill(kind, name, unit, quantities, [Live(each[0], float(each[1]))] * len(quantities))


def _there(number: int) -> str:
    return f"INDEX(fleet_cards_there,{column(FIRST_MONTH + number)}${NUMBERS + 1}+1)"


def _licences(facts: Facts) -> Iterator[_Bill]:
    for number, held in enumerate(licences_held(facts), 1):
        key = f"licence_{number}"
        yield _running(facts, "licence", held.vendor, "month", ("1", 1.0),
                       (f"{key}_usd_per_month", held.usd_per_month))
        if held.included_images_per_month is None:
            continue
        beyond: list[float | Live] = []
        for place, (month, fleet) in enumerate(zip(facts.plan.months, facts.plan.fleets, strict=True)):
            own = float(sum(line.images for line in month.images_of if line.option == OWN))
            made = f"Plan!{at(ROWS['images of own cards'], FIRST_MONTH + place)}"
            beyond.append(Live(f"{_there(place)}*MAX(0,{made}-{key}_included_images)",
                               max(0.0, own - held.included_images_per_month) if facts.has_cards(fleet) else 0.0))
        yield _Bill("licence overage", held.vendor, "images", beyond, [
            Live(f"{key}_overage_usd_per_image", float(held.overage_usd_per_image))] * len(beyond))


def _others(facts: Facts) -> Iterator[_Bill]:
    """Looking at images, what is signed, tax."""
    scenario, months = facts.plan.case.scenario, facts.plan.months
    places = [FIRST_MONTH + number for number in range(len(months))]
    made = [Live(f"Plan!{at(ROWS['images'], col)}", float(month.images))
            for col, month in zip(places, months, strict=True)]
    wage = Live("review_minutes_per_image/minutes_per_hour*review_usd_per_h", scenario.review.usd_per_image)
    yield _Bill("review", "people who look at every image", "images", made, [wage] * len(months))
    for number, (one, since) in enumerate(commitments(facts), 1):
        key = f"commitment_{number}"
        held: list[float | Live] = [
            Live(f"IF(AND({here}>={key}_first,{here}<{key}_first+{key}_months),1,0)",
                 int(since <= place < since + one.months))
            for place, here in enumerate(f"{column(col)}${NUMBERS + 1}" for col in places)]
        yield _Bill("commitment", one.name, "month", held,
                    [Live(f"{key}_usd_per_month", float(one.usd_per_month))] * len(months))
    taxed: list[float | Live] = []
    for col, month in zip(places, months, strict=True):
        usd = usd_of([line for line in month.images_of if line.option != OWN]) + usd_of(
            [bill for bill in month.fixed if bill.kind in _TAXED])
        cells = "+".join(f"Plan!{at(ROWS[name], col)}" for name in ("hosted images", *_TAXED))
        taxed.append(Live(cells, float(usd)))
    yield _Bill("tax", "tax that nobody gives back", "USD", taxed,
                [Live("tax_share", scenario.plan.tax_share)] * len(months))
