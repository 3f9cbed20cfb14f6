"""A scenario on a day with the tables and the draws: what every calculation of an answer is handed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from .book import Book
    from .scenario import Scenario, Segment
    from .uncertainty import Draws

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """One question: this scenario, priced on this day, with these tables and these random streams."""

    scenario: Scenario
    book: Book
    on: date
    draws: Draws

    def changed(self, scenario: Scenario) -> Case:
        """The same question about another scenario."""
        return replace(self, scenario=scenario)

    def own_acceptance_share(self, segment: Segment) -> float:
        """Accepted share of own images; equal to today's where nothing else is stated."""
        return self.acceptance_share(self.scenario.own.model, segment)

    def acceptance_share(self, model: str, segment: Segment) -> float:
        """Accepted share of a model's images in a segment; equal to today's where nothing is stated."""
        find, own = self.book.models.find, self.scenario.own
        if own.acceptance_share is not None and find(model).id == find(own.model).id:
            return own.acceptance_share
        for stated in self.scenario.acceptance:
            if find(stated.model).id == find(model).id:
                return stated.accepted_share
        return segment.today.acceptance_share
