"""How often a roll-out is taken back by itself: of policies that are no worse, and of policies that are.

    python benchmarks/rollout.py [TRIALS]

A service of several kinds of work is simulated request by request; a tenth of it is decided by the candidate, and the
judge looks every half minute of its window, as in a running router. No clock, no network, no books: sums alone.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from router.adopting.judging import Judgement, judge
from router.adopting.rollout import Terms
from router.ledger.arm_values import ArmSums

LOOK_S = 30.0
SHARE = 0.1


class Kind(NamedTuple):
    """A kind of work: how often it comes, USD an image, how far that varies, USD where another backend helps out."""

    segment: str
    quality: str
    words: int
    weight: float
    usd: float
    spread: float
    usd_elsewhere: float


KINDS = (Kind("bulk", "auto", 0, 0.62, 0.03, 0.0, 0.0527), Kind("text", "auto", 1, 0.2, 0.0527, 0.02, 0.0527),
         Kind("hero", "high", 0, 0.06, 0.2107, 0.02, 0.2107), Kind("edit", "auto", 0, 0.12, 0.061, 0.3, 0.0607))
ELSEWHERE_SHARE = 0.03
NUMBERS, NUMBER_WEIGHTS = (1, 2, 4, 8), (0.8, 0.1, 0.08, 0.02)


@dataclass(frozen=True)
class Policy:
    """How a policy fares: a factor on cost, and shares of requests without an image."""

    cost: float = 1.0
    refused: float = 0.03
    failed: float = 0.01


@dataclass
class Tally:
    """Sums of an arm while requests end."""

    rows: dict[Kind, ArmSums] = field(default_factory=dict)

    def add(self, kind: Kind, n: int, *, usd: float, state: str) -> None:
        """Count a request."""
        images = n if state == "ok" else 0
        row = self.rows.get(kind) or ArmSums(kind.segment, "generate", "1024x1024", "auto", kind.quality, kind.words,
                                             0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)
        self.rows[kind] = replace(
            row, requests=row.requests + 1, refused=row.refused + (state == "refused"), failed=row.failed + (
                state == "failed"), images=row.images + images, usd=row.usd + usd,
            usd_squared=row.usd_squared + usd * usd, usd_images=row.usd_images + usd * images,
            images_squared=row.images_squared + images * images)


def trial(seed: int, candidate: Policy, *, per_hour: int, terms: Terms | None = None) -> tuple[Judgement, float, int]:
    """One roll-out: the last judgement, seconds until then, and the candidate's requests by then."""
    chance, terms = random.Random(f"{seed} {candidate} {per_hour}"), terms or Terms(share=SHARE)
    control, tried, at_s, next_s = Tally(), Tally(), 0.0, chance.expovariate(per_hour / 3600)
    while True:
        at_s += LOOK_S
        while next_s < at_s:
            on_trial = chance.random() < SHARE
            _request(chance, candidate if on_trial else Policy(), tried if on_trial else control)
            next_s += chance.expovariate(per_hour / 3600)
        found = judge(terms, tuple(control.rows.values()), candidate=tuple(tried.rows.values()), elapsed_s=at_s,
                      segments={"default", "bulk", "text", "hero", "edit"})
        if found.action != "keep" or at_s >= terms.window_s:
            return found, at_s, found.candidate.requests


def _request(chance: random.Random, policy: Policy, tally: Tally) -> None:
    kind = chance.choices(KINDS, [one.weight for one in KINDS])[0]
    n, draw = chance.choices(NUMBERS, NUMBER_WEIGHTS)[0], chance.random()
    if draw < policy.refused + policy.failed:
        tally.add(kind, n, usd=0.0, state="refused" if draw < policy.refused else "failed")
        return
    each = kind.usd_elsewhere if chance.random() < ELSEWHERE_SHARE else kind.usd * chance.lognormvariate(0, kind.spread)
    tally.add(kind, n, usd=n * each * policy.cost, state="ok")


STORIES = (
    ("the same policy", Policy()), ("10 % dearer, 20 % allowed", Policy(cost=1.1)),
    ("2 points more refused, 5 allowed", Policy(refused=0.05)), ("1 point more failed, 2 allowed", Policy(failed=0.02)),
    ("30 % cheaper", Policy(cost=0.7)),
    ("35 % dearer", Policy(cost=1.35)), ("twice as dear", Policy(cost=2.0)),
    ("20 points more refused", Policy(refused=0.23)), ("40 points more refused", Policy(refused=0.43)),
    ("10 points more failed", Policy(failed=0.11)), ("30 points more failed", Policy(failed=0.31)),
    ("nothing works", Policy(failed=0.97)))


def main() -> None:
    """Print a row for each story: the share taken back, and the median request and minute at which."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(f"{trials} trials each; a tenth of the requests, one hour, the terms' defaults")
    print(f"{'candidate':<34}{'requests/h':>11}{'taken back':>12}{'after requests':>16}{'minutes':>9}")
    for name, policy in STORIES:
        for per_hour in (300, 1_000, 6_000):
            found = [trial(seed, policy, per_hour=per_hour) for seed in range(trials)]
            back = sorted((requests, seconds) for judged, seconds, requests in found if judged.action == "roll_back")
            middle = back[len(back) // 2] if back else None
            when = f"{middle[0]:>16}{middle[1] / 60:>9.0f}" if middle else f"{'-':>16}{'-':>9}"
            print(f"{name:<34}{per_hour:>11,}{len(back) / trials:>12.1%}{when}", flush=True)


if __name__ == "__main__":
    main()
