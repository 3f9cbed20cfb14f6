"""What an hour of a rented GPU costs: dated offers of providers, and the cheapest of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 (the loader reads field types at run time)
from typing import TYPE_CHECKING, Literal, get_args

from router.quantities import Day  # noqa: TC001 (the same)
from router.tables import Invalid, Source

from .errors import PlannerError
from .overlay import read_overlaid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date
    from pathlib import Path

__all__ = ["RENT_KINDS", "Rent", "RentKind", "cheapest", "load_rents", "offers"]

RentKind = Literal["on-demand", "community", "spot", "reserved", "capacity-block", "serverless", "serverless-active"]
RENT_KINDS: tuple[str, ...] = get_args(RentKind)


@dataclass(frozen=True)
class Rent:
    """One offer: a GPU of a provider, by the hour.

    Attributes:
        usd_per_gpu_h: the instance's price divided by its GPUs; CPU and memory included unless `note` says otherwise.
        gpus_per_instance: how many GPUs come at once; fewer cannot be had at this price.
        superseded: a newer row of the provider replaces it; kept to show how rents move, never offered.
        as_of: the day the price was seen, as precise as the source says.
    """

    id: str
    provider: str
    gpu: str
    gpus_per_instance: int
    instance: str
    region: str
    kind: RentKind
    usd_per_gpu_h: Decimal
    billing: str
    superseded: bool
    confidence: Literal["A", "B", "C", "D"]
    as_of: Day
    source: Source
    note: str
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row without a name, a GPU or a price above 0."""
        for key in ("id", "provider", "gpu"):
            if not getattr(self, key):
                raise Invalid(key, "", "empty", f"give the offer its {key}")
        if self.usd_per_gpu_h <= 0:
            raise Invalid("usd_per_gpu_h", self.usd_per_gpu_h, "a rent is above 0",
                          "write USD per GPU and hour, or leave the row out where the price is not known")
        if self.gpus_per_instance < 1:
            raise Invalid("gpus_per_instance", self.gpus_per_instance, "an instance has at least one GPU",
                          "write 1 or more")

    def age_days(self, on: date) -> int:
        """Days since the price was seen, counted from the earliest day its date may mean."""
        return self.as_of.age_days(on)


def load_rents(roots: Iterable[Path]) -> tuple[Rent, ...]:
    """Every offer of `gpus/rents.csv` in the given folders; a later folder's row replaces the row of the same id.

    Raises:
        TableError: a row cannot be read, or one file names an id twice.
    """
    return read_overlaid(roots, "gpus/rents.csv", as_rows=Rent)


def offers(rents: Iterable[Rent], gpu: str, *, kinds: Collection[str], on: date,
           at_most_gpus: int | None = None) -> tuple[Rent, ...]:
    """Offers for a GPU that were known on a day and are not superseded, cheapest first; empty where there is none.

    Args:
        rents: the loaded table.
        gpu: canonical id, as in `h100-sxm`.
        kinds: the kinds that will do, as in `{"on-demand", "community"}`.
        on: an offer first seen after this day does not count.
        at_most_gpus: leave out instances with more GPUs than this.
    """
    fitting = (rent for rent in rents
               if rent.gpu == gpu and rent.kind in kinds and not rent.superseded and rent.as_of.earliest <= on
               and (at_most_gpus is None or rent.gpus_per_instance <= at_most_gpus))
    return tuple(sorted(fitting, key=lambda rent: (rent.usd_per_gpu_h, rent.gpus_per_instance, rent.id)))


def cheapest(rents: Iterable[Rent], gpu: str, *, kinds: Collection[str], on: date,
             at_most_gpus: int | None = None) -> Rent:
    """The cheapest offer for a GPU on a day, by kind; see `offers` for the arguments.

    Raises:
        PlannerError: the table has no such offer; the text says what it does have.
    """
    known = tuple(rents)
    found = offers(known, gpu, kinds=kinds, on=on, at_most_gpus=at_most_gpus)
    if found:
        return found[0]
    raise PlannerError(f"gpus/rents.csv: gpu = {gpu!r}: no {' or '.join(sorted(kinds))} rent known on {on}"
                       f"{_size_text(at_most_gpus)}; {_remedy(known, gpu, on)}")


def _size_text(at_most_gpus: int | None) -> str:
    return "" if at_most_gpus is None else f" with at most {at_most_gpus} GPU{'s' * (at_most_gpus > 1)} an instance"


def _remedy(rents: tuple[Rent, ...], gpu: str, on: date) -> str:
    others = sorted({rent.kind for rent in offers(rents, gpu, kinds=RENT_KINDS, on=on)})
    if others:
        return f"known for it: {', '.join(others)}; or add a row with --data"
    known = sorted({rent.gpu for rent in rents})
    return f"use one of {', '.join(known)}, or add a row with --data"
