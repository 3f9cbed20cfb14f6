"""A request's life: every rule of retry, fallback, waiting and stopping. A generator that yields what to try next.

No driver holds a rule: live dispatch awaits real backends for it, a replay samples outcomes, a simulation faults.
A driver never cancels: at a timeout it sends TIMED_OUT with `pending`; the late answer may still end the step.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

from .attempts import Attempt, Kind, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from .options import Option
    from .policy import AtLimit, OnRefusal

__all__ = ["MOST_PAID", "End", "FlowRules", "Leg", "flow"]

MOST_PAID = 2
_MOST_TRIES_OF_A_LEG = 2
_SHORTEST_WAIT_S = 0.5
_INSTANT_S = 1e-3  # less is no time to wait for: sums of seconds are not exact
EndState = Literal["ok", "refused", "no_budget", "queued", "failed", "timed_out"]


class Leg:
    """A place the request may go.

    Attributes:
        backend: attempts on one backend share its fate.
        p95_s: seconds by which 19 of 20 answers are there.
        reserve_usd: the worst case of all its images; a function of the option is asked when it is read, and once.
        step: how far down a quality ladder; a lower step is taken for want of money alone.
    """

    __slots__ = ("_reserve", "backend", "option", "p95_s", "step")

    def __init__(self, option: Option, backend: str, p95_s: float, reserve_usd: Decimal | Callable[[Option], Decimal],
                 step: int = 0) -> None:
        self.option, self.backend, self.p95_s, self.step, self._reserve = option, backend, p95_s, step, reserve_usd

    @property
    def reserve_usd(self) -> Decimal:
        """US dollars to set aside."""
        if not isinstance(self._reserve, Decimal):
            self._reserve = self._reserve(self.option)
        return self._reserve


class FlowRules(NamedTuple):
    """What the policy says about a request's life; the deadline counts from its acceptance."""

    deadline_s: float
    on_refusal: OnRefusal = "stop"
    at_limit: AtLimit = "refuse"
    most_paid: int = MOST_PAID


class End(NamedTuple):
    """How it ended: the state, the outcome that decided it, and the attempts that may still answer."""

    state: EndState
    outcome: Outcome | None
    attempts: int
    pending: tuple[int, ...] = ()



@dataclass(slots=True)
class _Try:
    leg: Leg
    tries: int = 0
    not_before_s: float = 0.0


@dataclass(slots=True)
class _Life:
    """What has happened so far."""

    rules: FlowRules
    n: int
    unseen: Iterator[Leg]
    step: int = 0
    waiting: deque[_Try] = field(default_factory=deque)
    at_s: float = 0.0
    number: int = 0
    paid: set[int] = field(default_factory=set)
    pending: dict[int, _Try] = field(default_factory=dict)
    last: Outcome | None = None

    @property
    def left_s(self) -> float:
        return self.rules.deadline_s - self.at_s

    @property
    def may_pay(self) -> bool:
        return len(self.paid) < self.rules.most_paid

    def sees_another(self) -> bool:
        """Take the next leg into line; False where there is none."""
        leg = next(self.unseen, None)
        if leg is None:
            return False
        self.waiting.append(_Try(leg))
        return True

    def sees_all(self) -> deque[_Try]:
        self.waiting.extend(map(_Try, self.unseen))
        return self.waiting

    def end(self, state: EndState) -> End:
        return End(state, self.last, self.number, tuple(self.pending))


def flow(legs: Iterable[Leg], rules: FlowRules, *, n: int = 1) -> Generator[Attempt, Outcome, End]:
    """The life of a request over the legs it may take, best first; they are asked for one by one, as they are needed.

    At most `most_paid` attempts are paid for or may be. What provably did not start, or is stated to be free, is tried
    again: elsewhere first, on the same backend after the time it asked for. After an attempt that may be billed, the
    second payment waits until the deadline less the fallback's p95.
    """
    life = _Life(rules, n, iter(legs))
    if life.sees_another():
        life.step = life.waiting[0].leg.step
    while (life.waiting or life.sees_another()) and life.may_pay and life.left_s > _INSTANT_S:
        current = _next_try(life)
        if current is None:
            break
        if life.pending and (patience := life.left_s - current.leg.p95_s) > _INSTANT_S:
            life.waiting.appendleft(current)
            attempt = _wait(life, patience)
        else:
            attempt = _attempt(life, current)
        end = _take(life, (yield attempt), attempt.number)
        if end is not None:
            return end
    while life.pending and life.left_s > _INSTANT_S:
        attempt = _wait(life, life.left_s)
        end = _take(life, (yield attempt), attempt.number)
        if end is not None:
            return end
    timed_out = life.left_s <= _INSTANT_S or bool(life.pending)
    return life.end("timed_out" if timed_out else "failed")


def _next_try(life: _Life) -> _Try | None:
    """The next leg that can still answer in time; the soonest one where all have to wait."""
    soonest, at = None, 0
    while at < len(life.waiting) or life.sees_another():
        one = life.waiting[at]
        at += 1
        if one.leg.step <= life.step:
            if one.not_before_s <= life.at_s:
                soonest = one
                break
            if soonest is None or one.not_before_s < soonest.not_before_s:
                soonest = one
    if soonest is None or soonest.not_before_s >= life.rules.deadline_s:
        return None
    life.waiting.remove(soonest)
    return soonest


def _attempt(life: _Life, current: _Try) -> Attempt:
    life.number += 1
    current.tries += 1
    delay = current.not_before_s - life.at_s if current.not_before_s > life.at_s else 0.0
    attempt = Attempt(life.number, current.leg.option, life.n, _patience(life, current), current.leg.reserve_usd,
                      delay, tuple(life.pending))
    life.pending[life.number] = current
    return attempt


def _wait(life: _Life, seconds: float) -> Attempt:
    return Attempt(life.number, None, life.n, seconds, Decimal(0), alongside=tuple(life.pending))


def _patience(life: _Life, current: _Try) -> float:
    """Wait as long as the fallback leaves time for, but not less than this one usually needs."""
    left_s = life.rules.deadline_s - life.at_s
    if len(life.paid) + 1 >= life.rules.most_paid:
        return left_s
    at = 0
    while at < len(life.waiting) or life.sees_another():
        one = life.waiting[at]
        at += 1
        if one.leg.backend != current.leg.backend and one.leg.step <= life.step:
            shared = left_s - one.leg.p95_s
            return shared if shared >= current.leg.p95_s else left_s
    return left_s


def _take(life: _Life, outcome: Outcome, sent: int) -> End | None:
    """Draw the consequences of an outcome; an end where there is one."""
    life.at_s, life.last = max(life.at_s, outcome.at_s), outcome
    if outcome.kind is Kind.TIMED_OUT:
        if outcome.pending:
            life.paid.update(life.pending)
        else:
            life.pending.clear()
        return None
    ended = life.pending.pop(outcome.number, None)
    if sent in life.pending and sent != outcome.number:
        life.paid.add(sent)
    if outcome.possibly_billed or outcome.kind is Kind.OK:
        life.paid.add(outcome.number)
    else:
        life.paid.discard(outcome.number)
    if outcome.kind is Kind.OK:
        return life.end("ok")
    if outcome.kind is Kind.REFUSED:
        return _refused(life, ended)
    if outcome.kind is Kind.NO_BUDGET:
        return _short_of_money(life, ended, outcome)
    _go_elsewhere(life, ended, outcome)
    return None


def _refused(life: _Life, ended: _Try | None) -> End | None:
    if life.rules.on_refusal == "stop":
        return life.end("refused")
    _drop(life, ended)
    return None if life.waiting or life.pending else life.end("refused")


def _short_of_money(life: _Life, ended: _Try | None, outcome: Outcome) -> End | None:
    """A backend's own limit closes that backend; a limit of the caller is the policy's to answer."""
    if outcome.code.startswith("backend:"):
        _drop(life, ended)
    elif life.rules.at_limit == "downgrade" and ended is not None:
        life.waiting = deque(one for one in life.sees_all() if one.leg.reserve_usd < ended.leg.reserve_usd)
        life.step = max(life.step, min((one.leg.step for one in life.waiting), default=life.step))
    else:
        life.sees_all().clear()
    if life.waiting or life.pending:
        return None
    return life.end("queued" if life.rules.at_limit == "queue" else "no_budget")


def _go_elsewhere(life: _Life, ended: _Try | None, outcome: Outcome) -> None:
    """Other backends come first; the same one again only where nothing started and it may be asked later."""
    if ended is None:
        return
    others = [one for one in life.sees_all() if one.leg.backend != ended.leg.backend]
    same = [one for one in life.waiting if one.leg.backend == ended.leg.backend]
    if outcome.kind is Kind.NOT_STARTED and ended.tries < _MOST_TRIES_OF_A_LEG:
        pause = _SHORTEST_WAIT_S if outcome.retry_after_s is None else outcome.retry_after_s
        ended.not_before_s = life.at_s + pause
        same.insert(0, ended)
    life.waiting = deque([*others, *same])


def _drop(life: _Life, ended: _Try | None) -> None:
    if ended is not None:
        life.waiting = deque(one for one in life.sees_all() if one.leg.backend != ended.leg.backend)
