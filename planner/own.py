"""The own side of the comparison: seconds, staff, licence and cards, and the cost curve they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from router.quantities import SECONDS_PER_HOUR

from .assumptions import assumption
from .curve import CostCurve
from .gpu_costs import Existing, GpuMonth, Rented, Serverless, gpu_month
from .own_energy import own_energy
from .own_time import own_seconds
from .uncertainty import Spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.service_time import Estimate

    from .case import Case
    from .displaceable import SegmentToday
    from .own_energy import OwnEnergy
    from .scenario import Licence
    from .uncertainty import Value

__all__ = ["OwnSide", "own_curve", "own_side"]


@dataclass(frozen=True)
class OwnSide:
    """What own GPUs need for the displaceable mix, as assumptions with intervals.

    `own_images_per_image` is how many own images replace one of today's; `pedigree` says where the seconds come from;
    `energy` is None where the card's power is not known.
    """

    spreads: Mapping[str, Spread]
    own_images_per_image: float
    licence: Licence | None
    pedigree: str
    estimate: Estimate | None
    energy: OwnEnergy | None


def own_side(case: Case, moved: Sequence[SegmentToday]) -> OwnSide:
    """The own side for the images that move, weighted by their volume.

    Raises:
        OutOfReach: a segment's image cannot be timed on the scenario's card.
    """
    own = case.scenario.own
    volume = sum(row.own_images for row in moved)
    weights = [row.own_images / volume for row in moved]
    estimates = [own_seconds(case, row.segment) for row in moved]
    accepted = [case.own_acceptance_share(row.segment) for row in moved]
    replaced = [weight * row.segment.today.acceptance_share / share
                for weight, row, share in zip(weights, moved, accepted, strict=True)]
    shares = [part / sum(replaced) for part in replaced]
    seconds = _seconds(case, estimates, shares)
    share = sum(weight * part for weight, part in zip(weights, accepted, strict=True))
    licence = next((held for held in case.scenario.licence if _covers(case, held)), None)
    spreads = {
        "seconds": assumption(case.scenario, "seconds", mid=seconds.mid, known=seconds),
        "busy": assumption(case.scenario, "busy", mid=own.busy_share),
        "rent": assumption(case.scenario, "rent", mid=_usd_per_gpu_h(case)),
        "hours": assumption(case.scenario, "hours", mid=float(gpu_month(own.cost).hours_per_month)),
        "staff": assumption(case.scenario, "staff", mid=own.staff.fte),
        "licence": assumption(case.scenario, "licence", mid=float(licence.usd_per_month) if licence else 0.0),
        "acceptance": _acceptance(case, share),
    }
    energy = own_energy(case, estimates, weights=shares, images_per_month=volume * sum(replaced))
    return OwnSide(spreads, sum(replaced), licence, seconds.source, estimates[0], energy)


def own_curve(case: Case, side: OwnSide, *, price: tuple[float, Value], factors: Mapping[str, Value],
              credit_usd_per_month: float = 0.0) -> CostCurve:
    """Both cost lines for the displaceable mix.

    Args:
        case: the question.
        side: the own side.
        price: the hosted price in USD per image, and draws around it (1.0 for the price as it stands).
        factors: draws around each assumption by name, relative to its median; a missing one stands still.
        credit_usd_per_month: what a contract takes off the hosted bill.
    """
    own = case.scenario.own
    at = {name: factors.get(name, 1.0) for name in side.spreads}
    power = {} if side.energy is None else {"power_w": side.energy.watts}
    month = gpu_month(own.cost, rent_factor=at["rent"], hours_factor=at["hours"], **power)
    seconds = side.spreads["seconds"].mid * at["seconds"]
    busy = np.minimum(1.0, side.spreads["busy"].mid * at["busy"])
    replaced = side.own_images_per_image / np.minimum(at["acceptance"], 1 / side.spreads["acceptance"].mid)
    licence = side.licence
    return CostCurve(
        hosted_usd_per_image=price[0] * price[1],
        review_usd_per_image=case.scenario.review.usd_per_image,
        credit_usd_per_month=credit_usd_per_month,
        gpu_usd_per_month=month.usd_per_gpu_month,
        images_per_gpu_month=_capacity(own.cost.kind, month, seconds, busy),
        spare_gpus=0 if isinstance(own.cost, Serverless) else own.spare_gpus,
        bought_in=month.bought_in,
        most_gpus=own.cost.gpus if isinstance(own.cost, Existing) else np.inf,
        staff_usd_per_month=own.staff.fte * float(own.staff.usd_per_fte_month) * at["staff"],
        other_usd_per_month=float(own.storage_usd_per_month) + _lora_usd(case) * at["rent"],
        licence_usd_per_month=side.spreads["licence"].mid * at["licence"],
        licence_included_images=_included(licence),
        licence_usd_per_extra_image=float(licence.overage_usd_per_image) if licence else 0.0,
        own_usd_per_image=seconds * month.usd_per_busy_s + month.usd_per_image,
        own_images_per_image=replaced,
    )


def _covers(case: Case, licence: Licence) -> bool:
    find = case.book.models.find
    return any(find(name).id == find(case.scenario.own.model).id for name in licence.models)


def _seconds(case: Case, estimates: Sequence[Estimate | None], weights: Sequence[float]) -> Spread:
    stated = case.scenario.own.seconds_per_image
    known = [timed for timed in estimates if timed is not None]
    if stated is not None or not known:
        mid = stated or 0.0
        return Spread("seconds", mid, mid, mid, "GPU-seconds per image", "stated in the scenario")
    mid, low, high = (sum(weight * getattr(timed, name) for weight, timed in zip(weights, known, strict=True))
                      for name in ("seconds_per_image", "low", "high"))
    return Spread("seconds", mid, low, high, "GPU-seconds per image", _pedigree(known))


def _pedigree(known: Sequence[Estimate]) -> str:
    """`own runs` where all seconds were measured on one's own card, the law and its label elsewhere."""
    if all(timed.own is not None for timed in known):
        random = any(timed.own is not None and timed.own.weights == "random" for timed in known)
        return "own runs, measured" + (", random weights" if random else "")
    return f"throughput law, {known[0].label}"


def _acceptance(case: Case, share: float) -> Spread:
    spread = assumption(case.scenario, "acceptance", mid=share)
    return Spread(spread.name, spread.mid, spread.low, min(1.0, spread.high), spread.unit, spread.source)


def _usd_per_gpu_h(case: Case) -> float:
    cost = case.scenario.own.cost
    if isinstance(cost, Rented):
        return float(cost.usd_per_gpu_h or 0)
    if isinstance(cost, Serverless):
        return float(cost.usd_per_gpu_s) * SECONDS_PER_HOUR
    if isinstance(cost, Existing):
        return float(cost.opportunity_usd_per_gpu_h)
    month = gpu_month(cost)
    return float(month.usd_per_gpu_month) / float(month.hours_per_month)


def _lora_usd(case: Case) -> float:
    lora = case.scenario.own.lora
    return lora.runs_per_month * lora.gpu_h_per_run * _usd_per_gpu_h(case)


def _capacity(kind: str, month: GpuMonth, seconds: Value, busy: Value) -> Value:
    if kind == "serverless":
        return np.inf
    return month.hours_per_month * SECONDS_PER_HOUR * busy / seconds


def _included(licence: Licence | None) -> float:
    if licence is None or licence.included_images_per_month is None:
        return np.inf
    return licence.included_images_per_month
