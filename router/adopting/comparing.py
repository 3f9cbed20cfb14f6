"""What would have happened beside what did, added up row by row in bounded memory. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .times import PredictedTimes, SeenTimes

if TYPE_CHECKING:
    from ..ledger.shadow_protocol import ShadowRow

__all__ = ["OTHERS", "Comparison", "Share", "Side"]

_MOST_NAMES = 200
OTHERS = "(others)"
"""Names beyond the first two hundred are counted together."""


@dataclass
class Share:
    """What went to one place."""

    requests: int = 0
    images: int = 0
    usd_micro: int = 0


@dataclass
class Side:
    """One of the two sides.

    Attributes:
        requests, images, usd_micro: of requests that got, or would have got, an image somewhere.
        priced: images whose cost is known; `usd_micro` is theirs.
        mix: by option, or by the model that made them.
        unmade: requests without an image, by reason or state.
    """

    requests: int = 0
    images: int = 0
    priced: int = 0
    usd_micro: int = 0
    mix: dict[str, Share] = field(default_factory=dict)
    unmade: Counter[str] = field(default_factory=Counter)

    @property
    def usd_per_image(self) -> float | None:
        """US dollars of one image; None where no cost is known."""
        return self.usd_micro / 1e6 / self.priced if self.priced else None

    def make(self, name: str, images: int, *, usd_micro: int | None) -> None:
        """Count a request that was made."""
        share = self.mix.setdefault(name if name in self.mix or len(self.mix) < _MOST_NAMES else OTHERS, Share())
        self.requests, share.requests = self.requests + 1, share.requests + 1
        self.images, share.images = self.images + images, share.images + images
        self.pay(0 if usd_micro is None else images, usd_micro=usd_micro)
        share.usd_micro += usd_micro or 0

    def pay(self, images: int, *, usd_micro: int | None) -> None:
        """Count money; that of a failure brings no image."""
        self.priced += images
        self.usd_micro += usd_micro or 0

    def miss(self, why: str) -> None:
        """Count a request that was not made."""
        self.unmade[why if why in self.unmade or len(self.unmade) < _MOST_NAMES else OTHERS] += 1


@dataclass
class Comparison:
    """Both sides of a day.

    Attributes:
        silent: requests of which nobody said how they ended.
        both: images, and micro-dollars of either side, of requests that were made in fact, have a cost, and would have
            been made here: the only ones where a saving is a saving.
        digests: requests by the policy that decided them.
    """

    requests: int = 0
    images: int = 0
    would: Side = field(default_factory=Side)
    really: Side = field(default_factory=Side)
    silent: int = 0
    both: int = 0
    both_would_micro: int = 0
    both_really_micro: int = 0
    would_s: PredictedTimes = field(default_factory=PredictedTimes)
    really_s: SeenTimes = field(default_factory=SeenTimes)
    digests: Counter[str] = field(default_factory=Counter)
    rescued: int = 0
    lost: int = 0

    def add(self, row: ShadowRow) -> None:
        """Count a request on both sides."""
        self.requests, self.images = self.requests + 1, self.images + row.n
        self.digests[row.policy_digest if len(self.digests) < _MOST_NAMES else OTHERS] += 1
        self._add_would(row)
        self._add_really(row)
        if row.option and row.actual_state == "ok" and row.actual_usd_micro is not None:
            self.both += row.n
            self.both_would_micro += row.usd_micro
            self.both_really_micro += row.actual_usd_micro
        self.rescued += bool(row.option) and row.actual_state in ("refused", "failed")
        self.lost += not row.option and row.actual_state == "ok"

    def _add_would(self, row: ShadowRow) -> None:
        if not row.option:
            self.would.miss(row.reason)
            return
        self.would.make(row.option, row.n, usd_micro=row.usd_micro)
        if row.p50_s is not None and row.p95_s is not None:
            self.would_s.add(row.p50_s, row.p95_s)

    def _add_really(self, row: ShadowRow) -> None:
        if row.actual_state == "ok":
            self.really.make(row.actual_model or "(not said)", row.n, usd_micro=row.actual_usd_micro)
        elif row.actual_state:
            self.really.miss(row.actual_state)
            self.really.pay(0, usd_micro=row.actual_usd_micro)
        else:
            self.silent += 1
        if row.actual_latency_s is not None and row.actual_state == "ok":
            self.really_s.add(row.actual_latency_s)
