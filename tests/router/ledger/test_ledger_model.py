"""Any sequence of operations leaves the books as a few lines of plain Python say."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ledger_rows import budget, intent, settlement

from router.errors import LedgerError
from router.ledger.audit import check
from router.ledger.open import open_books, open_ledger

LIMITS = {"all": 1_000, "tenant:acme": 600, "backend:bfl": 300}
SCOPES = st.lists(st.sampled_from(sorted(LIMITS)), unique=True, min_size=1)


@dataclass
class Line:
    reserve: int
    scopes: tuple[str, ...]
    settled: int | None = None


@dataclass
class Model:
    """What the books must say."""

    attempts: dict[str, Line] = field(default_factory=dict)

    def standing(self, scope: str) -> tuple[int, int]:
        lines = [line for line in self.attempts.values() if scope in line.scopes]
        return (sum(line.settled for line in lines if line.settled is not None),
                sum(line.reserve for line in lines if line.settled is None))

    def left(self, scope: str) -> int:
        return LIMITS[scope] - sum(self.standing(scope))


class Books(RuleBasedStateMachine):
    """One ledger and its model."""

    server: str | None = None

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{self.folder.name}/ledger.db"
        self.loop, self.model, self.overrun = asyncio.new_event_loop(), Model(), False
        self.numbers = itertools.count()
        if self.server is not None:
            from conftest import database
            self.database = database(self.server)
            self.url = self.database.__enter__()
        self.ledger = open_ledger(self.url)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.loop.run_until_complete(self.ledger.close())
            books = open_books(self.url)
            assert check(books) == ()
            books.dispose()
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            if self.server is not None:
                self.database.__exit__(None, None, None)
            self.folder.cleanup()

    @rule(asks=st.lists(st.tuples(st.integers(0, 400), SCOPES), min_size=1, max_size=4))
    def reserve(self, asks: list[tuple[int, list[str]]]) -> None:
        """Several at once, in one batch: granted in their order."""
        names = [f"a{next(self.numbers)}" for _ in asks]

        async def all_of_them() -> list[bool]:
            answers = await asyncio.gather(*(
                self.ledger.reserve(intent(name, ask, tuple(budget(LIMITS[scope], scope) for scope in scopes)))
                for name, (ask, scopes) in zip(names, asks, strict=True)))
            for answer in answers:
                assert answer.granted or answer.short is not None
            return [answer.granted for answer in answers]

        for name, (ask, scopes), granted in zip(names, asks, self.loop.run_until_complete(all_of_them()), strict=True):
            fits = all(ask <= self.model.left(scope) for scope in scopes)
            assert granted is fits
            if granted:
                self.model.attempts[name] = Line(ask, tuple(scopes))

    @precondition(lambda self: self.model.attempts)
    @rule(data=st.data(), cost=st.integers(0, 500),
          state=st.sampled_from(["billed", "free", "refused", "possibly_billed"]))
    def settle(self, data: st.DataObject, cost: int, state: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.attempts)))
        self.loop.run_until_complete(self.ledger.settle(settlement(name, cost, state)))
        line = self.model.attempts[name]
        self.overrun = self.overrun or cost > (line.reserve if line.settled is None else line.settled)
        line.settled = cost

    @precondition(lambda self: self.model.attempts)
    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.attempts)))
        self.loop.run_until_complete(self.ledger.submitted(name, provider_job="job"))

    @rule()
    def settle_nothing(self) -> None:
        with pytest.raises(LedgerError):
            self.loop.run_until_complete(self.ledger.settle(settlement("unknown")))

    @rule()
    def reopen(self) -> None:
        """What is open is adopted by the next process, and still reserved."""
        self.loop.run_until_complete(self.ledger.close())
        self.ledger = open_ledger(self.url)
        adopted = self.loop.run_until_complete(self.ledger.open_attempts())
        assert {one.attempt_id for one in adopted} == {
            name for name, line in self.model.attempts.items() if line.settled is None}

    @invariant()
    def every_budget_is_the_sum_of_its_attempts_and_keeps_its_limit(self) -> None:
        if not hasattr(self, "ledger"):
            return
        spent = self.loop.run_until_complete(self.ledger.spent([budget(0, scope) for scope in LIMITS]))
        for scope, limit in LIMITS.items():
            line = spent[budget(0, scope).scope, budget(0).period]
            assert (line.settled_micro_usd, line.reserved_micro_usd) == self.model.standing(scope)
            assert self.overrun or line.settled_micro_usd + line.reserved_micro_usd <= limit


def play(examples: int, steps: int) -> settings:
    return settings(max_examples=examples, stateful_step_count=steps, deadline=None,
                    suppress_health_check=list(HealthCheck))


def test_the_books_follow_the_model_on_sqlite() -> None:
    run_state_machine_as_test(Books, settings=play(10, 20))


def test_the_books_follow_the_model_on_postgres(postgres: str) -> None:
    class OnPostgres(Books):
        server = postgres

    run_state_machine_as_test(OnPostgres, settings=play(5, 15))


@pytest.mark.slow
def test_the_books_follow_the_model_for_longer() -> None:
    run_state_machine_as_test(Books, settings=play(40, 50))


def test_the_model_can_fail() -> None:
    model = Model({"a1": Line(10, ("all",)), "a2": Line(10, ("all", "tenant:acme"), 4)})
    assert model.standing("all") == (4, 10)
    assert model.left("tenant:acme") == 596
