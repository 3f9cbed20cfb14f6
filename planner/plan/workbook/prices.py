"""The sheets of prices and of accepted shares: what one image costs with each option, and how often it is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.lines import OWN

from .pages import Live, at, slug

if TYPE_CHECKING:
    from .facts import Facts
    from .pages import Page

__all__ = ["price_usd", "write_accepted", "write_prices"]

_FIRST = 3
_HEADS = ("row", "picture", "option", "first used", "USD an image, quoted", "own card: 1", "GPU-seconds an image",
          "USD an image", "unit", "read", "price of", "when you change the quote", "source")
_ACCEPTED_HEADS = ("row", "segment", "made by", "accepted share", "unit", "the input it comes from")


def price_usd(facts: Facts, number: int) -> float:
    """What an image costs by a row of the sheet."""
    row = next(row for row, known in facts.prices.items() if known == number)
    if row.option != OWN:
        return row.quoted_usd
    paying = facts.plan.fleets[0].mix.paying
    return row.quoted_usd + paying.usd_per_busy_s * row.seconds / (1 - paying.lost_share)


def write_prices(page: Page, facts: Facts) -> None:
    """One row for each price; a price that changes inside the plan has one row for each of its values."""
    page.titled("Prices", "Which option makes a segment is the model's choice at these prices: where another price "
                "would change that choice, run planner plan again.",
                "An own image costs here what is not in the hours or the month of its card.")
    page.heads(_FIRST - 1, _HEADS)
    taken: set[str] = set()
    for row, number in facts.prices.items():
        line = _FIRST + number - 1
        quote, own, seconds = (at(line, col) for col in (4, 5, 6))
        formula = f"{quote}+{own}*card_usd_per_busy_s*{seconds}/(1-lost_share)"
        page.line(line, (number, row.picture, "own cards" if row.option == OWN else row.option, row.first))
        page.put((line, 4), row.quoted_usd, role="live", shape="0.000000")
        page.put((line, 5), int(row.option == OWN))
        page.put((line, 6), row.seconds, role="needs re-run", shape="0.0000")
        page.put((line, 7), Live(formula, price_usd(facts, number)), shape="0.00000000")
        page.line(line, ("USD", row.read_on, row.on, "live", row.source), first=8)
        name = "own" if row.option == OWN else row.option
        page.define(f"price_{slug(f'{name} {row.picture}', taken)}", (line, 4))
    page.define("prices_usd", (_FIRST, 7), last=(_FIRST + len(facts.prices) - 1, 7))


def write_accepted(page: Page, facts: Facts) -> None:
    """One row for each segment and maker, each pointing at its input."""
    page.titled("Accepted", "How often an image is accepted, by segment and by what made it; change the inputs on "
                "Assumptions. Where nothing is stated for a model, its images are accepted as often as today's.")
    page.heads(_FIRST - 1, _ACCEPTED_HEADS)
    for row, number in facts.accepted.items():
        line = _FIRST + number - 1
        page.line(line, (number, row.segment, row.maker))
        page.put((line, 3), Live(row.input_name, row.share), shape="0.0000")
        page.line(line, ("share", row.input_name), first=4)
    page.define("accepted_shares", (_FIRST, 3), last=(_FIRST + len(facts.accepted) - 1, 3))
