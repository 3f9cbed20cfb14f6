"""What can be asked for: backend x model x quality x tier, each with what it can do and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from .energy import busy_watts, energy_of
from .errors import OutOfReach
from .gpus import find_gpu
from .prices import PriceAsk, quote
from .quantities import WATT_SECONDS_PER_KWH
from .service_time import ServiceAsk, timing
from .sides import Sides

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from datetime import date

    from .models import ModelCard, Models
    from .own_gpus import OwnGpus
    from .price_table import PriceTable
    from .prices import Quote
    from .quantities import Size
    from .request import ImageRequest
    from .service_time import Law, Timing
    from .settings import BackendSettings

__all__ = ["TRAVEL_S", "Catalogue", "Option", "Seconds", "options_of", "price_ask"]

_P95_OF_LAW = 1.25  # one image at a time repeats within a few per cent; the rest is a margin for the host
TRAVEL_S = 0.5
"""Seconds the router adds to a card's own for the way there and back."""
_PICO_USD = Decimal("1e-12")
_TIMES_KEPT = 4096


@dataclass(frozen=True, eq=False)
class Option:
    """One thing to ask for.

    Attributes:
        label: unique, as in `openai/gpt-image-2@medium` or `openai/gpt-image-2@low+batch`; what stands before the slash
            is the backend's name.
        model: the offer it is priced as; empty for own GPUs.
        wire_model: the provider's own name.
        quality: empty for models that have none.
    """

    label: str
    backend: BackendSettings
    card: ModelCard
    model: str
    wire_model: str
    quality: str
    tier: str
    sides: Sides = field(default_factory=Sides)

    @property
    def kind(self) -> Hashable:
        """Options of one kind cost and take the same: what a price and a service time are worked out from."""
        return self.model, self.card.id, self.quality, self.tier, self.backend.vendor.id, self.backend.own

    @cached_property
    def is_batched(self) -> bool:
        """It answers within a day and is paid for at the price of that."""
        return self.tier == "batch"

    @cached_property
    def most_images(self) -> int:
        """Images of one call."""
        return self.backend.vendor.max_images


@dataclass(frozen=True)
class Seconds:
    """How long one image takes, without waiting."""

    p50: float
    p95: float


@dataclass(frozen=True)
class Catalogue:
    """Every option, with the tables that price and time them."""

    options: tuple[Option, ...]
    models: Models
    prices: PriceTable
    law: Law
    _timed: dict[ServiceAsk, Timing] = field(default_factory=dict, compare=False, repr=False)

    def seconds(self, option: Option, request: ImageRequest, *, size: Size) -> Seconds:
        """How long one image of an option takes: by the throughput law on own GPUs, by the vendor's row elsewhere.

        Raises:
            OutOfReach: the law does not reach so far.
        """
        own, vendor = option.backend.own, option.backend.vendor
        if own is None:
            if option.is_batched and vendor.batch_p50_s and vendor.batch_p95_s:
                return Seconds(vendor.batch_p50_s, vendor.batch_p95_s)
            return Seconds(vendor.p50_s, vendor.p95_s)
        if own.seconds_per_image is not None:
            return Seconds(own.seconds_per_image + TRAVEL_S, own.seconds_per_image * _P95_OF_LAW + TRAVEL_S)
        made = self._made(option, request, size=size)
        p95 = max(made.high, made.seconds_per_image * _P95_OF_LAW)
        return Seconds(made.seconds_per_image + TRAVEL_S, p95 + TRAVEL_S)

    def price(self, option: Option, request: ImageRequest, *, size: Size, on: date) -> tuple[Decimal, Quote | None]:
        """USD of one image, and the quote behind it: the list price, or the power that own GPUs draw for it.

        An idle card of ours is paid for whether it works or not, so an image costs its power alone.

        Raises:
            PriceError: it cannot be priced.
            OutOfReach: its time or its power on own GPUs is not known.
        """
        own = option.backend.own
        if own is not None:
            joules = Decimal(str(self._joules(own, option, request, size=size)))
            return (joules / WATT_SECONDS_PER_KWH * own.usd_per_kwh).quantize(_PICO_USD), None
        made = quote(self.prices, price_ask(option, request, size=size), on=on)
        return made.usd, made

    def _joules(self, own: OwnGpus, option: Option, request: ImageRequest, *, size: Size) -> float:
        """Of one image while its card works; waiting and the way to the card cost none."""
        seconds, made = own.seconds_per_image, None
        if seconds is None:
            made = self._made(option, request, size=size)
            seconds = made.seconds_per_image
        if own.watts is not None:
            return own.watts * seconds
        if made is not None and (energy := energy_of(self.law, made)) is not None:
            return energy.joules_per_image
        power = busy_watts(self.law, find_gpu(self.law.gpus, own.gpu))
        if power is None:
            raise OutOfReach(f"gpus.gpu = {own.gpu!r}: its power is in no table; state gpus.watts")
        return power.watts * seconds

    def _made(self, option: Option, request: ImageRequest, *, size: Size) -> Timing:
        own = option.backend.own
        if own is None:
            raise ValueError(option.label)
        ask = ServiceAsk(option.card.id, own.gpu, own.engine, own.precision, own.compile, size,
                         request.steps or own.steps, references=len(request.references))
        known = self._timed.get(ask)
        if known is None:
            if len(self._timed) >= _TIMES_KEPT:
                self._timed.clear()
            known = self._timed[ask] = timing(self.law, ask)
        return known


def price_ask(option: Option, request: ImageRequest, *, size: Size, n: int = 1,
              prompt_tokens: int | None = None) -> PriceAsk:
    """The question to the price function for images of an option."""
    stepped = option.backend.vendor.steps and option.card.family == "flux"
    streams = option.backend.vendor.streams and not option.is_batched
    return PriceAsk(option.model, size, request.operation, option.quality or None, n, option.tier,
                    tuple(picture.size for picture in request.references), request.steps if stepped else None,
                    request.partial_images if streams else 0, prompt_tokens)


def options_of(backends: Sequence[BackendSettings], models: Models, *, prices: PriceTable, on: date) -> (
        tuple[Option, ...]):
    """Every option of the backends on a day, in their order.

    Raises:
        OutOfReach: a backend names a model nobody knows.
    """
    return tuple(option for backend in backends for option in (
        _own_options(backend, models) if backend.is_own else _hosted_options(backend, models, prices, on)))


def _own_options(backend: BackendSettings, models: Models) -> Iterator[Option]:
    for name in backend.models:
        card = models.find(name)
        yield Option(f"{backend.name}/{card.id}", backend, card, "", card.id, "", "sync")


def _hosted_options(backend: BackendSettings, models: Models, prices: PriceTable, on: date) -> Iterator[Option]:
    wanted = {models.find(name).id for name in backend.models}
    for known in prices.options(on):
        offer = prices.offers[known.model]
        if offer.dispatcher != backend.vendor.id or (wanted and known.card not in wanted):
            continue
        if offer.rule == "unpublished" or offer.not_routable or (
                known.tier == "batch" and backend.vendor.batch_p50_s is None):
            continue
        name = f"{backend.name}/{known.model.partition('/')[2]}" + (f"@{known.quality}" if known.quality else "")
        yield Option(name if known.tier == "sync" else f"{name}+{known.tier}", backend, models.find(known.card),
                     known.model, backend.deployments.get(offer.vendor_model, offer.vendor_model), known.quality or "",
                     known.tier, offer.sides)
