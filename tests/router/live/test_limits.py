"""Hard limits of a request, what is left of the tightest, marks on the way, and what people accept."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.acceptance import ENOUGH_OUTCOMES, Acceptance, Looked
from router.ledger.values import Budget, Spent
from router.limits import Limits
from router.request import ImageRequest

from .simulation import VirtualClock, simulate
from .worlds import compiled_with, policy_with, settings_with

if TYPE_CHECKING:
    from router.events import Event
    from router.options import Option

BFL = {"name": "bfl", "vendor": "bfl", "usd_per_month": 40}
ACME = {"name": "acme", "usd_per_month": 50, "project_usd_per_month": {"web": 10}}
ASKED = ImageRequest("x", tenant="acme", project="web")


@dataclass
class Books:
    used: dict[str, Spent] = field(default_factory=dict)

    async def spent(self, budgets: Any) -> dict[tuple[str, str], Spent]:
        return {(budget.scope, budget.period): self.used[budget.scope] for budget in budgets
                if budget.scope in self.used}


def left(books: Books, *, request: ImageRequest = ASKED, times: int = 1, pacing: tuple[float, ...] = (),
         **settings: Any) -> tuple[tuple[int | None, str], list[Event]]:
    async def story(clock: VirtualClock) -> tuple[tuple[int | None, str], list[Event]]:
        events: list[Event] = []
        limits = Limits(settings_with(BFL, **settings), clock, events.append)
        for _ in range(times):
            answer = await limits.left(request, books, pacing=pacing)  # type: ignore[arg-type]
        return answer, events
    return simulate(story)


def scopes(request: ImageRequest, backend: str = "bfl", **settings: Any) -> dict[str, int]:
    async def story(clock: VirtualClock) -> dict[str, int]:
        found = Limits(settings_with(BFL, **settings), clock, lambda _: None).budgets(request, backend)
        assert {budget.period for budget in found} == {"2026-11"}
        return {budget.scope: budget.limit_micro_usd for budget in found}
    return simulate(story)


def test_an_attempt_falls_under_every_limit_that_is_stated() -> None:
    every = {"budget": {"usd_per_month": 1000}, "tenant": [ACME]}
    assert scopes(ASKED, **every) == {"all": 1_000_000_000, "backend:bfl": 40_000_000, "tenant:acme": 50_000_000,
                                      "project:acme/web": 10_000_000}
    assert set(scopes(ASKED, "", **every)) == {"all", "tenant:acme", "project:acme/web"}
    assert set(scopes(ImageRequest("x", tenant="acme", project="other"), **every)) == {
        "all", "backend:bfl", "tenant:acme"}
    assert set(scopes(ImageRequest("x", tenant="nobody", project="web"), **every)) == {"all", "backend:bfl"}
    assert scopes(ImageRequest("x")) == {"backend:bfl": 40_000_000}


@pytest.mark.parametrize(("usd", "micro"), [("0.0000015", 1), ("0.0000005", 0), ("0.0000025", 2),
                                            ("1.9999999", 1_999_999)])
def test_a_limit_is_never_rounded_up(usd: str, micro: int) -> None:
    assert scopes(ImageRequest("x"), "", budget={"usd_per_month": Decimal(usd)}) == {"all": micro}


def test_the_tightest_limit_counts_with_what_is_reserved() -> None:
    books = Books({"all": Spent(999_000_000, 0), "tenant:acme": Spent(20_000_000, 25_000_000),
                   "project:acme/web": Spent(2_000_000, 1_000_000)})
    assert left(books, budget={"usd_per_month": 1000}, tenant=[ACME])[0] == (1_000_000, "all")
    assert left(books, budget={"usd_per_month": 2000}, tenant=[ACME])[0] == (5_000_000, "tenant:acme")
    assert left(Books(), budget={"usd_per_month": 2000}, tenant=[ACME])[0] == (10_000_000, "project:acme/web")


def test_what_is_overdrawn_leaves_nothing_and_no_limit_leaves_everything() -> None:
    assert left(Books({"all": Spent(5_000_001)}), budget={"usd_per_month": 5})[0] == (0, "all")
    assert left(Books(), budget={"usd_per_month": 0})[0] == (0, "all")
    assert left(Books()) == ((None, ""), [])


@pytest.mark.parametrize(("used", "passed"), [(79_999_999, []), (80_000_000, [0.8]), (94_999_999, [0.8]),
                                              (95_000_000, [0.95]), (200_000_000, [0.95])])
def test_a_mark_is_told_once_a_month_and_the_highest_of_them(used: int, passed: list[float]) -> None:
    _, events = left(Books({"all": Spent(used - 1_000_000, 1_000_000)}), times=5, pacing=(0.8, 0.95),
                     budget={"usd_per_month": 100})
    assert [event.facts["passed"] for event in events] == passed
    assert all(event.name == "budget_paced" and event.facts["scope"] == "all" for event in events)


def test_a_later_mark_and_a_later_month_are_told_again() -> None:
    async def story(clock: VirtualClock) -> list[tuple[object, object]]:
        events: list[Event] = []
        limits = Limits(settings_with(BFL, budget={"usd_per_month": 100}), clock, events.append)
        for used, days in ((85, 0), (96, 0), (97, 0), (85, 30), (99, 0)):
            clock.loop.now += days * 86_400
            books: Any = Books({"all": Spent(used * 1_000_000)})
            await limits.left(ImageRequest("x"), books, pacing=(0.8, 0.95))
        return [(event.facts["period"], event.facts["passed"]) for event in events]
    assert simulate(story) == [("2026-11", 0.8), ("2026-11", 0.95), ("2026-12", 0.8), ("2026-12", 0.95)]


def test_a_limit_of_nothing_is_passed_at_once() -> None:
    _, events = left(Books(), pacing=(0.8,), budget={"usd_per_month": 0})
    assert [event.facts["share"] for event in events] == [1.0]


def test_a_budget_s_name_is_its_scope_and_month() -> None:
    assert Budget("all", "2026-11", 1) != Budget("all", "2026-12", 1)


def flux() -> Option:
    return next(option for option in compiled_with().catalogue.options if option.label == "bfl/flux-2-pro")


@pytest.mark.parametrize(("judged", "accepted", "share", "label"), [
    (ENOUGH_OUTCOMES - 1, 29, 0.7, "stated"), (ENOUGH_OUTCOMES, 24, 0.8, "measured"), (1000, 1000, 1.0, "measured"),
    (ENOUGH_OUTCOMES, 0, 0.01, "measured")])
def test_acceptance_is_measured_only_from_thirty_judgements_on(judged: int, accepted: int, share: float,
                                                               label: str) -> None:
    segment = policy_with(segment={"default": {"accepted_share": {"flux-2-pro": 0.7}}}).segment("default")
    known = Acceptance({("default", "flux-2-pro", ""): Looked(accepted, judged)})
    found = known.of(segment, flux())
    assert (found.share, found.label) == (share, label)


def test_acceptance_of_another_segment_or_quality_says_nothing() -> None:
    segment = policy_with().segment("default")
    for key in (("hero", "flux-2-pro", ""), ("default", "flux-2-pro", "high"), ("default", "flux-2-max", "")):
        found = Acceptance({key: Looked(0, 500)}).of(segment, flux())
        assert (found.share, found.label) == (1.0, "assumed")
