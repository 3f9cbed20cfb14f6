"""Own GPUs against a hosted price: the staircase, and where the two lines cross.

A month of V images (counted as today's images) costs

    hosted(V) = V (p + w) - q
    own(V)    = n G + K + V k (m + w) + licence(V k)     n = whole GPUs for V k images, spares and servers included

with p the hosted price, w the wage for looking at one image, q credits, G a GPU-month, K staff, storage and the
licence's base, m the marginal cost of an own image, k how many own images replace one of today's (acceptance today
over acceptance of own), C the images one GPU makes a month. The licence charges each image above its included number.
All fields may be arrays of draws.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .uncertainty import Array, Value

_ROUNDING = 1e-9  # a volume that fills a card to the last bit needs that card only

__all__ = ["CostCurve", "Crossing", "binding_term", "durable_crossing", "first_crossing"]


@dataclass(frozen=True)
class CostCurve:
    """Both sides of the comparison, in USD a month; see the module's formula for the letters."""

    hosted_usd_per_image: Value
    review_usd_per_image: Value
    credit_usd_per_month: Value
    gpu_usd_per_month: Value
    images_per_gpu_month: Value
    spare_gpus: int
    bought_in: int
    most_gpus: float
    staff_usd_per_month: Value
    other_usd_per_month: Value
    licence_usd_per_month: Value
    licence_included_images: float
    licence_usd_per_extra_image: Value
    own_usd_per_image: Value
    own_images_per_image: Value

    def hosted_usd(self, images: Value) -> Value:
        """The hosted month for `images` of today's images, never below zero."""
        return np.maximum(0.0, images * (self.hosted_usd_per_image + self.review_usd_per_image)
                          - self.credit_usd_per_month)

    def gpus(self, images: Value) -> Value:
        """Whole GPUs, spares included, bought in whole servers."""
        needed = np.ceil(images * self.own_images_per_image / self.images_per_gpu_month - _ROUNDING)
        return np.ceil((needed + self.spare_gpus) / self.bought_in) * self.bought_in

    def own_usd(self, images: Value) -> Value:
        """The own month for as much as `images` of today's images; infinite with more cards than there are."""
        made = images * self.own_images_per_image
        extra = np.maximum(0.0, made - self.licence_included_images) * self.licence_usd_per_extra_image
        gpus = self.gpus(images)
        usd = (gpus * self.gpu_usd_per_month + self.fixed_usd_per_month + extra
               + made * (self.own_usd_per_image + self.review_usd_per_image))
        return np.where(gpus <= self.most_gpus, usd, np.inf)

    @property
    def fixed_usd_per_month(self) -> Value:
        """What own GPUs cost beside the cards, at any volume."""
        return self.staff_usd_per_month + self.other_usd_per_month + self.licence_usd_per_month

    @property
    def margin_usd_per_image(self) -> Value:
        """What one more of today's images saves before the licence's overage, whole GPUs aside."""
        return (self.hosted_usd_per_image + self.review_usd_per_image
                - self.own_images_per_image * (self.own_usd_per_image + self.review_usd_per_image))


@dataclass(frozen=True)
class Crossing:
    """Images a month at which own GPUs become cheaper; infinity where they never do."""

    first: Value
    durable: Value


def first_crossing(curve: CostCurve) -> Array:
    """The smallest volume at which own GPUs cost no more than hosted.

    On the step of n servers the lines meet at V_n = (n G + K) / margin; the first n whose V_n lies within what n
    servers can make is the crossing. A licence's overage only begins above its included images, so the cheaper
    regime is tried first.
    """
    inside = _first(curve, margin=curve.margin_usd_per_image, relief=0.0, above=0.0)
    if not _has_overage(curve):
        return inside
    included = curve.licence_included_images / curve.own_images_per_image
    beyond = _first(curve, margin=_margin_beyond(curve), relief=_relief(curve), above=included)
    return np.where(inside <= included, inside, beyond)


def durable_crossing(curve: CostCurve) -> Array:
    """The smallest volume after which own GPUs stay cheaper in spite of every further whole GPU."""
    inside = _durable(curve, margin=curve.margin_usd_per_image, relief=0.0)
    if not _has_overage(curve):
        return inside
    beyond = _durable(curve, margin=_margin_beyond(curve), relief=_relief(curve))
    return np.where(beyond < curve.licence_included_images / curve.own_images_per_image, inside, beyond)


def binding_term(curve: CostCurve) -> str:
    """Why a single-valued curve crosses late or never: `price`, `licence`, `speed` or `staff`.

    The first of price, licence and speed that alone rules a crossing out; otherwise the fixed cost that weighs most.
    """
    if float(np.max(curve.margin_usd_per_image)) <= 0:
        return "price"
    curve = replace(curve, most_gpus=np.inf)
    unlicensed = replace(curve, licence_usd_per_month=0.0, licence_usd_per_extra_image=0.0)
    if not np.isfinite(durable_crossing(curve)).any() and np.isfinite(durable_crossing(unlicensed)).any():
        return "licence"
    if not np.isfinite(first_crossing(unlicensed)).any():
        return "speed"
    weights = {"staff": curve.staff_usd_per_month, "licence": curve.licence_usd_per_month,
               "price": curve.gpu_usd_per_month}
    return max(weights, key=lambda term: float(np.max(weights[term])))


def _first(curve: CostCurve, *, margin: Value, relief: Value, above: Value) -> Array:
    usd, images, lost = _servers(curve)
    fixed = curve.fixed_usd_per_month - relief + curve.credit_usd_per_month
    fewest = np.maximum(np.ceil((above + lost) / images - _ROUNDING), curve.spare_gpus // curve.bought_in + 1)
    to_earn, earned = fixed + margin * lost, margin * images - usd
    servers = np.where(fewest * earned >= to_earn, fewest, _servers_that_earn(to_earn, earned))
    return _meet(curve, servers, fixed=fixed, margin=margin)


def _durable(curve: CostCurve, *, margin: Value, relief: Value) -> Array:
    usd, images, lost = _servers(curve)
    fixed = curve.fixed_usd_per_month - relief + curve.credit_usd_per_month
    fewest = curve.spare_gpus // curve.bought_in + 1
    servers = np.maximum(fewest, _servers_that_earn(fixed + margin * lost + usd, margin * images - usd))
    return _meet(curve, servers, fixed=fixed, margin=margin)


def _servers(curve: CostCurve) -> tuple[Value, Value, Value]:
    """A server's USD a month, the volume it can make, and the volume the spare cards cannot make."""
    per_gpu = curve.images_per_gpu_month / curve.own_images_per_image
    return (curve.gpu_usd_per_month * curve.bought_in, per_gpu * curve.bought_in,
            per_gpu * curve.spare_gpus if curve.spare_gpus else 0.0)


def _servers_that_earn(to_earn_usd: Value, earned_per_server_usd: Value) -> Array:
    """Servers whose work pays for what is fixed; infinity where a server at full load earns nothing."""
    earned = np.asarray(earned_per_server_usd, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        servers = np.ceil(to_earn_usd / earned - _ROUNDING)
    return np.where(earned > 0, servers, np.inf)


def _meet(curve: CostCurve, servers: Array, *, fixed: Value, margin: Value) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        volume = (servers * curve.gpu_usd_per_month * curve.bought_in + fixed) / margin
    enough = servers * curve.bought_in <= curve.most_gpus
    return np.where(np.isfinite(servers) & (np.asarray(margin) > 0) & enough, np.maximum(volume, 0.0), np.inf)


def _has_overage(curve: CostCurve) -> bool:
    return bool(np.any(np.asarray(curve.licence_usd_per_extra_image) > 0)) and np.isfinite(
        curve.licence_included_images)


def _margin_beyond(curve: CostCurve) -> Value:
    return curve.margin_usd_per_image - curve.own_images_per_image * curve.licence_usd_per_extra_image


def _relief(curve: CostCurve) -> Value:
    return curve.licence_usd_per_extra_image * curve.licence_included_images

