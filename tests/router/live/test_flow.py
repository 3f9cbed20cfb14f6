"""The flow in virtual time: how often it pays, how long it waits, where it goes next."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.attempts import Attempt, Kind, Outcome, Refusal
from router.course import Legs
from router.flow import MOST_PAID, End, FlowRules, Leg, flow


@dataclass(eq=False)
class Makes:
    """An option, by the images of one call."""

    most_images: int


@dataclass
class Answer:
    """What a backend does with one call: answers of `kind` after `after_s`; never where that is None."""

    kind: Kind = Kind.OK
    after_s: float | None = 1.0
    billed: bool = False
    retry_after_s: float | None = None
    code: str = ""


@dataclass
class World:
    """A driver over a script; it keeps the time and holds no rule."""

    script: dict[str, list[Answer]]
    now: float = 0.0
    sent: list[tuple[float, str]] = field(default_factory=list)
    paid: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    running: dict[int, tuple[float, Answer]] = field(default_factory=dict)

    def run(self, legs: tuple[Leg, ...], rules: FlowRules) -> End:
        life = flow(legs, rules)
        try:
            attempt = next(life)
            while True:
                attempt = life.send(self.answer(attempt))
        except StopIteration as stop:
            return stop.value

    def answer(self, attempt: Attempt) -> Outcome:
        self.attempts.append(attempt)
        until = self.now + attempt.timeout_s
        if attempt.option is not None:
            self.now += attempt.delay_s
            name = str(attempt.option)
            answer = self.script[name].pop(0) if self.script.get(name) else Answer(after_s=None)
            if answer.kind is Kind.NO_BUDGET:
                return Outcome(attempt.number, Kind.NO_BUDGET, self.now, code=answer.code)
            self.sent.append((self.now, name))
            self.paid += answer.billed or answer.kind is Kind.OK or answer.after_s is None
            ends = float("inf") if answer.after_s is None else self.now + answer.after_s
            self.running[attempt.number] = (ends, answer)
        watched = {number: self.running[number] for number in (*attempt.alongside, attempt.number)
                   if number in self.running}
        number, (ends, answer) = min(watched.items(), key=lambda item: item[1][0],
                                     default=(0, (float("inf"), Answer())))
        if ends > until:
            self.now = until
            return Outcome(attempt.number, Kind.TIMED_OUT, self.now, pending=True, possibly_billed=True)
        self.now = max(self.now, ends)
        del self.running[number]
        refusal = Refusal("moderation_blocked") if answer.kind is Kind.REFUSED else None
        return Outcome(number, answer.kind, self.now, delivered=int(answer.kind is Kind.OK),
                       possibly_billed=answer.billed or answer.kind is Kind.OK, retry_after_s=answer.retry_after_s,
                       refusal=refusal, code=answer.code)


def leg(name: str, *, p95_s: float = 20.0, usd: str = "0.04", step: int = 0) -> Leg:
    option: Any = name
    return Leg(option, name.partition("/")[0], p95_s, Decimal(usd), step)


BOTH = (leg("bfl/pro"), leg("openai/gpt", p95_s=60.0))
RULES = FlowRules(deadline_s=180.0)


def test_the_first_answer_ends_it() -> None:
    world = World({"bfl/pro": [Answer()]})
    end = world.run(BOTH, RULES)
    assert (end.state, end.attempts, world.paid, world.now) == ("ok", 1, 1, 1.0)


def test_the_money_of_a_leg_is_worked_out_once_and_only_where_it_is_tried() -> None:
    asked: list[str] = []

    def reserve(name: str) -> Decimal:
        asked.append(name)
        return Decimal("0.04")

    option: Any = "bfl/pro"
    legs = (Leg(option, "bfl", 20.0, lambda _: reserve("bfl")), Leg(option, "fal", 20.0, lambda _: reserve("fal")))
    world = World({"bfl/pro": [Answer()]})
    assert world.run(legs, RULES).state == "ok"
    assert (asked, legs[0].reserve_usd, asked) == (["bfl"], Decimal("0.04"), ["bfl"])


def test_what_is_free_goes_elsewhere_at_once() -> None:
    world = World({"bfl/pro": [Answer(Kind.FAILED, 2.0)], "openai/gpt": [Answer(after_s=10.0)]})
    end = world.run(BOTH, RULES)
    assert (end.state, world.paid, world.now) == ("ok", 1, 12.0)


def test_a_late_answer_is_waited_for_until_the_fallback_must_start() -> None:
    world = World({"bfl/pro": [Answer(after_s=119.0)]})
    end = world.run(BOTH, RULES)
    assert (end.state, world.paid, world.sent) == ("ok", 1, [(0.0, "bfl/pro")])


def test_the_fallback_is_paid_at_the_deadline_less_its_p95_and_no_sooner() -> None:
    world = World({"bfl/pro": [Answer(after_s=None)], "openai/gpt": [Answer(after_s=50.0)]})
    end = world.run(BOTH, RULES)
    assert world.sent == [(0.0, "bfl/pro"), (120.0, "openai/gpt")]
    assert (end.state, end.pending, world.paid) == ("ok", (1,), 2)


def test_the_late_first_answer_wins_over_the_running_fallback() -> None:
    world = World({"bfl/pro": [Answer(after_s=130.0)], "openai/gpt": [Answer(after_s=40.0)]})
    end = world.run(BOTH, RULES)
    assert (end.state, world.now, end.outcome.number, end.pending) == ("ok", 130.0, 1, (2,))


def test_a_billed_failure_waits_for_nobody_and_allows_one_more() -> None:
    world = World({"bfl/pro": [Answer(Kind.BAD_ANSWER, 5.0, billed=True)],
                   "openai/gpt": [Answer(Kind.BAD_ANSWER, 5.0, billed=True)], "fal/dev": [Answer()]})
    end = world.run((*BOTH, leg("fal/dev")), RULES)
    assert (end.state, world.paid, [name for _, name in world.sent]) == ("failed", 2, ["bfl/pro", "openai/gpt"])


def test_no_second_payment_where_too_little_time_is_left_for_the_first() -> None:
    world = World({"bfl/pro": [Answer(after_s=None)], "openai/gpt": [Answer()]})
    end = world.run(BOTH, FlowRules(deadline_s=70.0))
    assert (end.state, world.sent, world.now) == ("timed_out", [(0.0, "bfl/pro")], 70.0)


@pytest.mark.parametrize(("rule", "state", "asked"), [("stop", "refused", ["bfl/pro"]),
                                                      ("elsewhere", "ok", ["bfl/pro", "openai/gpt"])])
def test_a_refusal_is_the_policy_s_to_answer(rule: Any, state: str, asked: list[str]) -> None:
    world = World({"bfl/pro": [Answer(Kind.REFUSED)], "openai/gpt": [Answer()]})
    end = world.run(BOTH, FlowRules(180.0, on_refusal=rule))
    assert (end.state, [name for _, name in world.sent]) == (state, asked)


def test_a_refusal_everywhere_is_reported_as_one() -> None:
    world = World({"bfl/pro": [Answer(Kind.REFUSED)], "openai/gpt": [Answer(Kind.REFUSED)]})
    end = world.run(BOTH, FlowRules(180.0, on_refusal="elsewhere"))
    assert (end.state, end.outcome.kind) == ("refused", Kind.REFUSED)


def test_busy_everywhere_waits_as_long_as_it_was_asked_to() -> None:
    busy = Answer(Kind.NOT_STARTED, 0.0, retry_after_s=30.0)
    world = World({"bfl/pro": [busy, Answer()], "openai/gpt": [busy]})
    end = world.run(BOTH, RULES)
    assert (end.state, world.sent) == ("ok", [(0.0, "bfl/pro"), (0.0, "openai/gpt"), (30.0, "bfl/pro")])


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    world = World({"bfl/pro": [Answer(Kind.NOT_STARTED, 0.0, retry_after_s=600.0)]})
    end = world.run((leg("bfl/pro"),), RULES)
    assert (end.state, world.now) == ("failed", 0.0)


@pytest.mark.parametrize(("at_limit", "state"), [("refuse", "no_budget"), ("queue", "queued")])
def test_no_money_stops_it(at_limit: Any, state: str) -> None:
    world = World({"bfl/pro": [Answer(Kind.NO_BUDGET, code="tenant:acme")]})
    end = world.run(BOTH, FlowRules(180.0, at_limit=at_limit))
    assert (end.state, world.sent) == (state, [])


def test_no_money_steps_down_to_what_is_cheaper() -> None:
    world = World({"openai/high": [Answer(Kind.NO_BUDGET, code="all")], "openai/low": [Answer()]})
    legs = (leg("openai/high", usd="0.16"), leg("fal/dear", usd="0.20"), leg("openai/low", usd="0.01"))
    end = world.run(legs, FlowRules(180.0, at_limit="downgrade"))
    assert (end.state, world.sent) == ("ok", [(0.0, "openai/low")])


def test_a_lower_step_is_taken_for_want_of_money_and_never_for_an_outage() -> None:
    legs = (leg("openai/high", usd="0.16"), leg("openai/low", usd="0.01", step=1))
    rules = FlowRules(180.0, at_limit="downgrade")
    short = World({"openai/high": [Answer(Kind.NO_BUDGET, code="all")], "openai/low": [Answer()]})
    assert (short.run(legs, rules).state, short.sent) == ("ok", [(0.0, "openai/low")])
    out = World({"openai/high": [Answer(Kind.FAILED)], "openai/low": [Answer()]})
    assert (out.run(legs, rules).state, out.sent) == ("failed", [(0.0, "openai/high")])


def test_a_backend_s_own_limit_closes_that_backend_alone() -> None:
    world = World({"bfl/pro": [Answer(Kind.NO_BUDGET, code="backend:bfl")], "openai/gpt": [Answer()]})
    assert world.run(BOTH, RULES).state == "ok"


ANSWERS = st.builds(
    Answer, kind=st.sampled_from([Kind.OK, Kind.REFUSED, Kind.NOT_STARTED, Kind.FAILED, Kind.BAD_ANSWER,
                                  Kind.NO_BUDGET]),
    after_s=st.one_of(st.none(), st.floats(0, 400)), billed=st.booleans(),
    retry_after_s=st.one_of(st.none(), st.floats(0, 300)), code=st.sampled_from(["", "all", "backend:a"])).map(
        lambda answer: Answer(answer.kind, answer.after_s, answer.billed and answer.kind is not Kind.NOT_STARTED,
                              answer.retry_after_s, answer.code))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(1, 120), st.lists(ANSWERS, max_size=4)), min_size=1,
                max_size=5, unique_by=lambda row: row[0]),
       st.floats(1, 400), st.sampled_from(["stop", "elsewhere"]), st.sampled_from(["refuse", "downgrade", "queue"]))
@settings(max_examples=400, deadline=None)
def test_no_sequence_of_faults_pays_a_third_time_or_outlives_the_deadline(
        rows: Any, deadline_s: float, on_refusal: Any, at_limit: Any) -> None:
    world = World({f"{name}/x": list(answers) for name, _, answers in rows})
    legs = tuple(leg(f"{name}/x", p95_s=p95_s) for name, p95_s, _ in rows)
    end = world.run(legs, FlowRules(deadline_s, on_refusal, at_limit))
    assert world.paid <= MOST_PAID == 2
    assert world.now <= deadline_s + 1e-6 or end.state == "ok"
    assert len(world.sent) <= 2 * len(legs)
    assert (end.state == "ok") == (end.outcome is not None and end.outcome.kind is Kind.OK)
    if end.state == "refused":
        assert end.outcome is not None
        assert end.outcome.kind is Kind.REFUSED


def test_an_option_that_makes_too_few_images_in_one_call_is_no_leg() -> None:
    def candidate(name: str, most: int) -> Any:
        return SimpleNamespace(option=Makes(most), backend=name, p95_s=1.0, step=0)

    known = [candidate("one", 1), candidate("four", 4), candidate("three", 3)]
    decision: Any = SimpleNamespace(candidate=lambda at: known[at] if at < len(known) else None,
                                    steps_down=lambda: (candidate("two", 2), candidate("ten", 10)))
    legs = Legs(decision, n=3)
    assert [one.backend for one in legs.each(lambda _: Decimal(1))] == ["four", "three", "ten"]
    assert legs[known[1].option].backend == "four"
