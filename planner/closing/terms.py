"""Which models a licence covers: as a scenario says that holds it, else as the tables know its terms."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.errors import RouterError

from .licensed import Terms

if TYPE_CHECKING:
    from collections.abc import Collection

    from planner.book import Book
    from planner.scenario import Scenario

__all__ = ["held_terms", "terms_of"]

_BOUGHT = "bought"


def held_terms(scenario: Scenario, book: Book) -> tuple[Terms, ...]:
    """The licences that a scenario holds, one for each vendor."""
    found: dict[str, list[str]] = {}
    for held in scenario.licence:
        found.setdefault(held.vendor, []).extend(held.models)
    return tuple(Terms(vendor, _cards(models, book)) for vendor, models in sorted(found.items()))


def terms_of(name: str, scenario: Scenario | None, *, book: Book) -> Terms:
    """A licence by the name of its vendor; without a scenario, by that of the known terms (BFL's, as in `bfl-...`).

    Raises:
        PlannerError: nobody holds it.
    """
    if scenario is not None:
        held = {terms.name.lower(): terms for terms in held_terms(scenario, book)}
        if name.lower() not in held:
            raise PlannerError(f"--licence {name!r}: the scenario holds none of that vendor; use one of "
                               f"{', '.join(terms.name for terms in held.values()) or 'none: add [[licence]]'}")
        return held[name.lower()]
    bought = [one for one in book.licences if one.commercial == _BOUGHT]
    models = [model for one in bought if one.id.lower().startswith(name.lower()) for model in one.models]
    if not name or not models:
        raise PlannerError(f"--licence {name!r}: no such terms are known; use one of "
                           f"{', '.join(sorted({one.id.partition('-')[0].upper() for one in bought}))}, or give "
                           "--scenario with a [[licence]]")
    return Terms(name, _cards(models, book))


def _cards(models: Collection[str], book: Book) -> tuple[str, ...]:
    """Every name a model has in the books: its card's, and the one that was stated."""
    found = set(models)
    for name in models:
        with suppress(RouterError):
            found.add(book.models.find(name).id)
    return tuple(sorted(found))
