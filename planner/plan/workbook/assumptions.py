"""Every input of the workbook with its name, unit, doubt and source, and which of them the workbook can follow."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from planner.plan.months import first_of
from planner.plan.purchase import LEAST_RATE, MOST_RATE
from router.quantities import HOURS_PER_MONTH, MONTHS_PER_YEAR, SECONDS_PER_HOUR

from .card_costs import card_costs
from .fleets import LOAD_DIGITS
from .inputs import STATED, Input
from .server_costs import server_costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.plan_terms import Commitment, PlanTerms
    from planner.scenario import Licence

    from .facts import Facts
    from .pages import Page, Role

__all__ = ["assumptions_of", "commitments", "licences_held", "write_assumptions"]

_THOUSANDTHS, _TEN_THOUSANDTHS, _MICROS = 3, 4, 6
_COLUMNS = ("name", "what", "value", "unit", "low (5 %)", "high (95 %)", "source", "date", "when you change it")


def assumptions_of(facts: Facts) -> Iterator[tuple[str, tuple[Input, ...]]]:
    """All inputs, by group."""
    yield "Constants", tuple(_constants())
    yield "Segments", tuple(_segments(facts))
    yield "Accepted images", tuple(_accepted(facts))
    yield "Own cards", tuple(_doubted(facts, card_costs(facts)))
    yield "People, storage, fine-tuning, looking at images", tuple(_doubted(facts, _running(facts)))
    yield "Licences, commitments, tax", tuple(_signed(facts))
    fx = tuple(_fx(facts.plan.case.scenario.plan))
    if fx:
        yield "Exchange rates", fx
    if facts.plan.case.scenario.plan.purchase is not None:
        yield "A server to buy", tuple(_purchase(facts.plan.case.scenario.plan))


def _constants() -> Iterator[Input]:
    for name, what, value, unit in (
            ("months_per_year", "months of a year", MONTHS_PER_YEAR, "months"),
            ("hours_per_month", "hours of a month", HOURS_PER_MONTH, "hours"),
            ("minutes_per_hour", "minutes of an hour", 60, "minutes"),
            ("seconds_per_hour", "seconds of an hour", SECONDS_PER_HOUR, "seconds"),
            ("image_digits", "decimals of a number of images", _THOUSANDTHS, "digits"),
            ("hour_digits", "decimals of hours by demand", _TEN_THOUSANDTHS, "digits"),
            ("usd_digits", "decimals of an amount", _MICROS, "digits"),
            ("load_digits", "decimals of a month's work over that of its fleet", LOAD_DIGITS, "digits"),
            ("tolerance_usd", "what a check lets pass", Decimal("0.000001"), "USD")):
        yield Input(name, what, value, unit, "constant", "the model")


def _segments(facts: Facts) -> Iterator[Input]:
    scenario = facts.plan.case.scenario
    yield Input("growth_share_per_month", "growth of segments without a growth of their own",
                scenario.traffic.growth_share_per_month, "share a month")
    for one in facts.segments:
        tail, made = facts.slugs[one.name], one.deliverables
        if made is None:
            yield Input(f"images_{tail}", f"images a month asked of today's model: {one.name}", one.volume, "images")
        else:
            for name, value in (("assets", made.assets_per_month), ("markets", made.markets),
                                ("candidates", made.candidates), ("rounds", made.rounds)):
                yield Input(f"{name}_{tail}", f"{name}: {one.name}", value, f"{name}")
        if one.traffic is not None:
            yield Input(f"growth_share_{tail}", f"growth: {one.name}", one.traffic.growth_share_per_month,
                        "share a month")
        yield Input(f"movable_share_{tail}", f"may be moved to another model: {one.name}", one.movable_share, "share",
                    "needs re-run")
        yield Input(f"deferrable_share_{tail}", f"can wait: {one.name}", one.deferrable_share, "share", "needs re-run")


def _accepted(facts: Facts) -> Iterator[Input]:
    case = facts.plan.case
    spread = facts.plan.spreads.get("acceptance")
    doubt = (None, None) if spread is None or spread.is_certain else (spread.low, spread.high)
    if case.scenario.own.acceptance_share is not None:
        yield Input("accepted_share_own", "images of own cards", case.scenario.own.acceptance_share, "share", "live",
                    STATED, *doubt)
    for stated, tail in zip(case.scenario.acceptance, facts.stated_slugs, strict=True):
        own = case.book.models.find(stated.model).id == case.book.models.find(case.scenario.own.model).id
        yield Input(f"accepted_share_of_{tail}", f"images of {stated.model}", stated.accepted_share, "share", "live",
                    stated.source, *(doubt if own else (None, None)))
    for one in facts.segments:
        yield Input(f"accepted_share_today_{facts.slugs[one.name]}", f"images of today's model: {one.name}",
                    one.today.acceptance_share, "share")


def _running(facts: Facts) -> Iterator[Input]:
    own, review = facts.plan.case.scenario.own, facts.plan.case.scenario.review
    yield Input("staff_fte", "people who keep the cards running", own.staff.fte, "FTE")
    yield Input("staff_usd_per_fte_month", "one of them", own.staff.usd_per_fte_month, "USD a month")
    yield Input("storage_usd_per_month", "weights and images", own.storage_usd_per_month, "USD a month")
    yield Input("fine_tuning_runs_per_month", "fine-tuning", own.lora.runs_per_month, "runs a month")
    yield Input("fine_tuning_gpu_h_per_run", "one run", own.lora.gpu_h_per_run, "GPU-hours")
    yield Input("review_minutes_per_image", "looking at one image", review.minutes_per_image, "minutes")
    yield Input("review_usd_per_h", "who looks at it", review.usd_per_h, "USD an hour")


def _signed(facts: Facts) -> Iterator[Input]:
    for number, held in enumerate(licences_held(facts), 1):
        yield Input(f"licence_{number}_usd_per_month", f"licence: {held.vendor}", held.usd_per_month, "USD a month",
                    source=held.document)
        if held.included_images_per_month is not None:
            yield Input(f"licence_{number}_included_images", f"images included: {held.vendor}",
                        held.included_images_per_month, "images a month", source=held.document)
            yield Input(f"licence_{number}_overage_usd_per_image", f"each image beyond: {held.vendor}",
                        held.overage_usd_per_image, "USD an image", source=held.document)
    yield from _commitments(facts)
    yield Input("tax_share", "tax that nobody gives back: on hosted images, cards, licences",
                facts.plan.case.scenario.plan.tax_share, "share")


def licences_held(facts: Facts) -> list[Licence]:
    """The licences that cover the model of the own cards."""
    case = facts.plan.case
    find = case.book.models.find
    own = find(case.scenario.own.model).id
    return [held for held in case.scenario.licence if any(find(name).id == own for name in held.models)]


def commitments(facts: Facts) -> list[tuple[Commitment, int]]:
    """What is signed, with its first month counted from the plan's."""
    start = facts.plan.months[0].month.first
    signed = [(one, first_of(one.first_month)) for one in facts.plan.case.scenario.plan.commitment]
    return [(one, (first.year - start.year) * MONTHS_PER_YEAR + first.month - start.month) for one, first in signed]


def _commitments(facts: Facts) -> Iterator[Input]:
    for number, (one, since) in enumerate(commitments(facts), 1):
        yield Input(f"commitment_{number}_usd_per_month", one.name, one.usd_per_month, "USD a month")
        yield Input(f"commitment_{number}_first", f"first month, counted from the plan's: {one.name}", since, "months")
        yield Input(f"commitment_{number}_months", f"how many months: {one.name}", one.months, "months")


def _fx(terms: PlanTerms) -> Iterator[Input]:
    if terms.currency == "USD":
        return
    for number, row in enumerate(sorted(terms.fx, key=lambda row: row.valid_from), 1):
        yield Input(f"fx_{terms.currency.lower()}_per_usd_{number}", f"from {row.valid_from} on", row.per_usd,
                    f"{terms.currency} a USD", source=row.source, on=row.valid_from)


def _purchase(terms: PlanTerms) -> Iterator[Input]:
    if terms.purchase is not None:
        yield from server_costs(terms.purchase, prefix="buy")
        yield Input("discount_share_per_year", "what money is worth a year earlier", terms.discount_share_per_year,
                    "share a year")
        yield Input("rate_lowest", "lowest yearly rate of return that is told", LEAST_RATE, "share", "constant",
                    "the model")
        yield Input("rate_highest", "highest yearly rate of return that is told", MOST_RATE, "share", "constant",
                    "the model")


def _doubted(facts: Facts, inputs: Iterator[Input]) -> Iterator[Input]:
    """With the interval of what the model draws."""
    drawn = {"rent_usd_per_gpu_h": ("rent", 1), "usd_per_gpu_s": ("rent", SECONDS_PER_HOUR), "staff_fte": ("staff", 1)}
    for one in inputs:
        name, each = drawn.get(one.name, ("", 1))
        spread = facts.plan.spreads.get(name)
        yield one if spread is None or spread.is_certain else one._replace(low=spread.low / each,
                                                                           high=spread.high / each)


def write_assumptions(page: Page, facts: Facts) -> None:
    """The sheet, and a name for every value."""
    page.titled("Assumptions", "Blue on yellow: change it and everything follows. Blue on orange: the model has to run "
                "again (planner plan). Grey: constants. Black: computed. Money is US dollars, shares run from 0 to 1.")
    page.heads(2, _COLUMNS)
    row = 3
    for group, inputs in assumptions_of(facts):
        page.put((row, 0), group, role="group")
        for one in inputs:
            row += 1
            _write(page, row, one)
        if group == "Exchange rates":
            page.define("fx_per_usd", (row - len(inputs) + 1, 2), last=(row, 2))
            page.define("fx_valid_from", (row - len(inputs) + 1, 7), last=(row, 7))
        row += 2


def _write(page: Page, row: int, one: Input) -> None:
    role: Role = "plain" if one.kind == "computed" else one.kind
    page.line(row, (one.name, one.what))
    page.put((row, 2), one.value, role=role)
    page.line(row, (one.unit, one.low, one.high, one.source, one.on, one.kind), first=3)
    page.define(one.name, (row, 2))
