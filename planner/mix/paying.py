"""How own cards are paid for in a plan: by the hour and switchable, by the month, or by the busy second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.gpu_costs import Existing, Owned, Rented, Serverless, gpu_month
from planner.rents import offers
from router.quantities import HOURS_PER_MONTH, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.case import Case
    from planner.fleet import Served

__all__ = ["Paying", "paying_of"]

_WEEKS = HOURS_PER_MONTH / 168


@dataclass(frozen=True)
class Paying:
    """The way the scenario's cards are paid for.

    Attributes:
        usd_per_h: of a card that is on, where it can be switched off; 0 where it is paid for by the month.
        usd_per_month: of a card that is there, on or off.
        usd_per_busy_s: of work.
        usd_per_on_s: of a card that comes and goes by demand, from its start until it is off; `scales` says they do.
        start_usd: of switching a card on.
        lot: cards that come together.
        most: cards there are at most; None for no limit.
        reserved_usd_per_h, reserved_from: the cheapest reserved offer for the same card, where it is below `usd_per_h`.
        tuning_usd_per_h: of fine-tuning on the same card.
        fixed_usd: staff, storage, fine-tuning and licence a month, where any card is there.
        lost_share: of the work, done twice after interruptions.
    """

    usd_per_h: float
    usd_per_month: float
    usd_per_busy_s: float
    usd_per_on_s: float
    scales: bool
    start_usd: float
    lot: int
    most: int | None
    reserved_usd_per_h: float | None
    reserved_from: str
    tuning_usd_per_h: float
    fixed_usd: float
    lost_share: float
    word: str

    @property
    def can_switch(self) -> bool:
        """Whether a card that is off costs less than one that is on."""
        return self.usd_per_h > 0

    @property
    def usd_per_on_h(self) -> float:
        """Of a card by demand, from its start until it is off."""
        return float(f"{self.usd_per_on_s * SECONDS_PER_HOUR:.15g}")

    def cards_usd(self, cards: NDArray[np.int64], *, reserved: int = 0) -> float:
        """US dollars a month of cards by the hour of the week; `reserved` of them are paid for always."""
        if not cards.any():
            return 0.0
        most = int(cards.max())
        if not self.can_switch:
            return -(-most // self.lot) * self.lot * self.usd_per_month
        rest = np.maximum(cards - reserved, 0)
        starts = np.maximum(rest - np.roll(rest, 1), 0).sum()
        hourly = rest.sum() * _WEEKS * self.usd_per_h + starts * _WEEKS * self.start_usd
        return float(hourly + reserved * HOURS_PER_MONTH * (self.reserved_usd_per_h or self.usd_per_h))

    def busy_usd(self, served: Served) -> float:
        """US dollars of a month's work, or of the seconds that cards by demand were on."""
        return float(served.busy_s.sum()) * self.usd_per_busy_s + float(served.on_s.sum()) * self.usd_per_on_s


def paying_of(case: Case) -> Paying:
    """How the scenario pays for its cards."""
    own, cost = case.scenario.own, case.scenario.own.cost
    # The router books the power of a card that stands there already with each of its images.
    month = gpu_month(cost.model_copy(update={"power_w": 0.0}) if isinstance(cost, Existing) else cost)
    licence = sum(float(held.usd_per_month) for held in case.scenario.licence if any(
        case.book.models.find(name).id == case.book.models.find(own.model).id for name in held.models))
    hourly = float(cost.usd_per_gpu_h or 0) if isinstance(cost, Rented) else 0.0
    tuning = hourly or float(month.usd_per_busy_s) * SECONDS_PER_HOUR or (
        float(month.usd_per_gpu_month) / float(month.hours_per_month))
    fixed = (own.staff.fte * float(own.staff.usd_per_fte_month) + float(own.storage_usd_per_month) + licence
             + own.lora.runs_per_month * own.lora.gpu_h_per_run * tuning)
    serverless, scaled = isinstance(cost, Serverless), own.autoscale is not None
    switchable = isinstance(cost, Rented) and cost.plan != "reserved" and not scaled
    reserved = _reserved(case, hourly) if switchable else None
    return Paying(
        hourly if switchable else 0.0,
        0.0 if switchable or scaled else hourly * HOURS_PER_MONTH if isinstance(cost, Rented) else
        float(month.usd_per_gpu_month), float(month.usd_per_busy_s) if isinstance(cost, Existing) else 0.0,
        float(month.usd_per_busy_s) if serverless else hourly / SECONDS_PER_HOUR if scaled else 0.0,
        serverless or scaled,
        hourly * own.start_minutes / 60, cost.gpus if isinstance(cost, Owned) else 1,
        cost.gpus if isinstance(cost, Existing) else None if own.autoscale is None else own.autoscale.most,
        None if reserved is None else reserved[0], "" if reserved is None else reserved[1], tuning, fixed,
        cost.lost_share if isinstance(cost, Rented) else 0.0, _word(case))


def _reserved(case: Case, hourly: float) -> tuple[float, str] | None:
    found = offers(case.book.rents, case.scenario.own.gpu, kinds={"reserved"}, on=case.on, at_most_gpus=1)
    if not found or float(found[0].usd_per_gpu_h) >= hourly:
        return None
    return float(found[0].usd_per_gpu_h), f"{found[0].provider}, {found[0].as_of}, {found[0].billing}"


def _word(case: Case) -> str:
    cost = case.scenario.own.cost
    if isinstance(cost, Rented):
        return f"{cost.plan} at ${cost.usd_per_gpu_h:g} a GPU-hour"
    if isinstance(cost, Serverless):
        return f"serverless at ${float(cost.usd_per_gpu_s) * SECONDS_PER_HOUR:.2f} a GPU-hour from start to off"
    return {"owned": "bought", "existing": "there already"}[cost.kind]
