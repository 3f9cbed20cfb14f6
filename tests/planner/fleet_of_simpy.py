"""Cards and their line in SimPy, a process for each card: what the second engine of `planner.fleet` is held against."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import simpy

from router.options import TRAVEL_S

if TYPE_CHECKING:
    from planner.conditions import Conditions
    from planner.fleet import Work


@dataclass
class Call:
    """One call of a request."""

    job: int
    number: int
    rank: int
    begun: float = 0.0


@dataclass
class Line:
    """Calls that wait, by class and number; a card that is told of one takes the first."""

    waiting: list[tuple[int, int, Call]] = field(default_factory=list)

    def take(self) -> Call | None:
        return heapq.heappop(self.waiting)[2] if self.waiting else None

    def drop(self, call: Call) -> bool:
        before = len(self.waiting)
        self.waiting = [one for one in self.waiting if one[2] is not call]
        heapq.heapify(self.waiting)
        return len(self.waiting) < before


class Card:
    """A card: wakes for work, loads, works, fails, is repaired; where cards come and go it starts and stops."""

    def __init__(self, shop: Shop, number: int) -> None:
        self.shop, self.number, self.state, self.loaded = shop, number, "idle", -1
        self.since, self.paid_from, self.ready_at = 0.0, 0.0, 0.0
        self.wakes: simpy.Event | None = None
        self.given: Call | None = None
        self.call: Call | None = None
        self.process: simpy.Process | None = None

    def begin(self) -> None:
        self.process = self.shop.world.process(self.run())

    def run(self) -> simpy.events.ProcessGenerator:
        try:
            if self.state == "starting":
                yield self.shop.world.timeout(self.shop.scaling.start_s)
            while True:
                call, self.given = self.given or self.shop.line.take(), None
                if call is not None:
                    yield from self.work(call)
                elif not (yield from self.rest()):
                    self.shop.off(self)
                    return
        except simpy.Interrupt:
            self.given = None

    def work(self, call: Call) -> simpy.events.ProcessGenerator:
        shop, job = self.shop, call.job
        self.state, self.call, call.begun = "busy", call, shop.world.now
        loads = self.loaded not in (-1, shop.kind[job]) and shop.switch_s[job] > 0
        self.loaded = int(shop.kind[job])
        shop.switches += loads
        yield shop.world.timeout((shop.switch_s[job] if loads else 0.0) + shop.work.seconds[job])
        shop.made(call)

    def rest(self) -> simpy.events.ProcessGenerator:
        """Until there is work; False where it was switched off instead."""
        shop = self.shop
        self.state, self.since, self.wakes = "idle", shop.world.now, shop.world.event()
        if shop.scaling is not None:
            yield self.wakes | shop.world.timeout(shop.scaling.idle_s)
            if not self.wakes.triggered and shop.on() > shop.scaling.least:
                return False
        yield self.wakes
        return True


class Shop:
    """Single-image requests through cards; the board predicts as the router's does."""

    def __init__(self, work: Work, cards: int, conditions: Conditions) -> None:
        size = work.at.size
        self.world, self.work, self.scaling, self.failures = simpy.Environment(), work, conditions.scaling, None
        self.kind = np.zeros(size, np.int64) if conditions.kind is None else conditions.kind
        self.switch_s = np.zeros(size) if conditions.switch_s is None else conditions.switch_s
        self.priority = np.zeros(size, np.int64) if conditions.priority is None else conditions.priority
        self.deadline_s = np.full(size, np.inf) if conditions.deadline_s is None else conditions.deadline_s
        self.line, self.board, self.switches, self.failed, self.starts = Line(), {}, 0, 0, 0
        self.waited, self.own, self.paid_s = np.zeros(size), np.zeros(size, np.int64), 0.0
        self.cards = [Card(self, number) for number in range(cards)]
        least = cards if self.scaling is None else self.scaling.least
        for card in self.cards[least:]:
            card.state = "off"
        for card in self.cards[:least]:
            card.begin()
        if conditions.failures is not None:
            self.until_s = max(conditions.until_s, float(work.at[-1]))
            lives = conditions.failures.lives_s(cards, until_s=self.until_s)
            for card, row in zip(self.cards, lives, strict=True):
                self.world.process(self.breaks(card, row, conditions.failures.repair_s))
        self.world.process(self.arrivals())
        self.world.run()

    def on(self) -> int:
        return sum(card.state in ("idle", "busy", "starting") for card in self.cards)

    def queued_s(self) -> float:
        ends = [*self.board.values(), *(card.ready_at for card in self.cards if card.state == "starting")]
        on = self.on()
        if not on:
            return np.inf
        return 0.0 if len(ends) < on else max(0.0, sorted(ends)[len(ends) - on] - self.world.now)

    def arrivals(self) -> simpy.events.ProcessGenerator:
        work = self.work
        for job in range(work.at.size):
            yield self.world.timeout(work.at[job] - self.world.now)
            if self.scaling is not None and self.queued_s() > self.scaling.wait_s:
                self.start()
            queued = self.queued_s()
            if queued > work.most_wait[job] and (self.on() or work.leaves[job]):
                continue
            call = Call(job, job, -int(self.priority[job]))
            self.board[job] = self.world.now + (queued if queued < np.inf else 0.0) + work.seconds[job] + TRAVEL_S
            self.place(call)

    def place(self, call: Call) -> None:
        def better(card: Card) -> tuple[int, float, int]:
            needs = self.switch_s[call.job] > 0 and card.loaded != self.kind[call.job]
            sign = 1.0 if self.scaling is None else -1.0
            return (0 if not needs else 1 if card.loaded < 0 else 2, sign * card.since, card.number)

        idle = [card for card in self.cards if card.state == "idle" and card.wakes is not None and card.given is None]
        if idle:
            card = min(idle, key=better)
            card.given, card.call, card.state = call, call, "busy"
            card.wakes.succeed()
        elif self.work.at[call.job] + self.deadline_s[call.job] < self.world.now:
            del self.board[call.job]
        else:
            heapq.heappush(self.line.waiting, (call.rank, call.number, call))
            if self.deadline_s[call.job] < np.inf:
                self.world.process(self.runs_out(call))

    def runs_out(self, call: Call) -> simpy.events.ProcessGenerator:
        yield self.world.timeout(self.work.at[call.job] + self.deadline_s[call.job] - self.world.now)
        if self.line.drop(call):
            del self.board[call.job]

    def made(self, call: Call) -> None:
        self.own[call.job], self.waited[call.job] = 1, call.begun - self.work.at[call.job]
        self.world.process(self.answered(call))

    def answered(self, call: Call) -> simpy.events.ProcessGenerator:
        yield self.world.timeout(TRAVEL_S)
        del self.board[call.job]

    def start(self) -> None:
        card = next((one for one in self.cards if one.state == "off"), None)
        if card is not None:
            card.state, card.loaded, card.paid_from = "starting", -1, self.world.now
            card.ready_at = self.world.now + self.scaling.start_s
            card.wakes = card.given = None
            self.starts += 1
            card.begin()

    def off(self, card: Card) -> None:
        card.state = "off"
        self.paid_s += self.world.now - card.paid_from

    def breaks(self, card: Card, lives_s: np.ndarray, repair_s: float) -> simpy.events.ProcessGenerator:
        for life_s in lives_s:
            if self.world.now + life_s > self.until_s:
                return
            yield self.world.timeout(life_s)
            if card.state == "off":
                continue
            self.failed += 1
            broken = card.call if card.state == "busy" else None
            card.process.interrupt()
            if self.scaling is not None:
                self.paid_s += self.world.now - card.paid_from
            card.state, card.loaded = "down", -1
            if broken is not None and self.work.leaves[broken.job]:
                del self.board[broken.job]
            elif broken is not None:
                self.place(broken)
            self.keep_up()
            yield self.world.timeout(repair_s)
            if self.scaling is None:
                card.begin()
            else:
                card.state = "off"
                self.keep_up()

    def keep_up(self) -> None:
        while self.scaling is not None and self.on() < max(self.scaling.least, bool(self.line.waiting)):
            before = self.on()
            self.start()
            if self.on() == before:
                return
