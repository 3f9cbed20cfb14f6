"""Who stands behind a backend of the books: a vendor, or cards of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.errors import OutOfReach
from router.quantities import Size
from router.service_time import ServiceAsk, timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.own_gpus import OwnGpus
    from router.price_table import PriceTable
    from router.service_time import Law
    from router.settings import Settings
    from router.vendors import Vendor

    from .cells import Cell

__all__ = ["Place", "Places"]


@dataclass(frozen=True)
class Place:
    """A backend as finance sees it.

    Attributes:
        vendor: id of the vendor, or of the engine on our hosts; the backend's own name where nobody knows better.
        provider: the vendor's name; empty for cards of ours.
        own: whether images are made on hosts of ours; `gpus` says on which cards, where the settings are given.
    """

    backend: str
    vendor: str
    provider: str
    own: bool
    region: str = ""
    gpus: OwnGpus | None = None


@dataclass
class Places:
    """Every backend of a month's books.

    Attributes:
        vendors: by id.
        prices: says whose a price row is, for backends that no settings name.
        settings: of the router, where given; they know cards, regions and whose a backend is.
        law: seconds of an image on own cards, where the settings do not state them; None without settings.
    """

    vendors: Mapping[str, Vendor]
    prices: PriceTable
    settings: Settings | None = None
    law: Law | None = None
    _known: dict[tuple[str, str], Place] = field(default_factory=dict)
    _seconds_us: dict[tuple[str, str, str], int | None] = field(default_factory=dict)
    _sellers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sellers = {row.id: row.model.partition("/")[0] for row in self.prices.rows()}

    def of(self, cell: Cell) -> Place:
        """The place behind a cell."""
        key = cell.backend, cell.price_row
        if key not in self._known:
            self._known[key] = self._found(*key)
        return self._known[key]

    def own(self) -> tuple[Place, ...]:
        """The backends of the settings whose cards are ours."""
        backends = () if self.settings is None else self.settings.backends
        return tuple(self._found(backend.name, "") for backend in backends if backend.is_own)

    def busy_us(self, cell: Cell) -> int:
        """Microseconds of a card that a cell's images took.

        Images times the seconds of one, as the settings state them or the throughput law gives them, because the
        books' own times hold the waiting before the card; only where neither knows, those.
        """
        place = self.of(cell)
        if place.gpus is None:
            return cell.elapsed_us
        key = cell.backend, cell.model, cell.size
        if key not in self._seconds_us:
            self._seconds_us[key] = self._image_us(place.gpus, cell)
        each = self._seconds_us[key]
        return cell.elapsed_us if each is None else each * cell.images

    def _image_us(self, gpus: OwnGpus, cell: Cell) -> int | None:
        seconds = gpus.seconds_per_image
        if seconds is None and self.law is not None:
            try:
                size = Size.parse(cell.size)
                ask = ServiceAsk(cell.model, gpus.gpu, gpus.engine, gpus.precision, gpus.compile, size, gpus.steps)
                seconds = timing(self.law, ask).seconds_per_image
            except (OutOfReach, ValueError):
                return None
        return None if seconds is None else round(seconds * 1_000_000)

    def _found(self, backend: str, price_row: str) -> Place:
        named = () if self.settings is None else self.settings.backends
        for one in named:
            if one.name == backend:
                return Place(backend, one.vendor.id, "" if one.is_own else one.vendor.name, one.is_own, one.region,
                             one.own)
        vendor = self._sellers.get(price_row) or (backend if backend in self.vendors else "")
        known = self.vendors.get(vendor)
        if known is not None:
            return Place(backend, vendor, "" if known.own else known.name, known.own)
        if vendor or price_row:
            return Place(backend, vendor or backend, vendor or backend, own=False)
        if self.settings is not None:
            raise PlannerError(f"{self.settings.where}: no backend {backend!r}, and the books name no price of it; add "
                               "it back as it was that month, or give that month's settings")
        return Place(backend, backend, "", own=True)
