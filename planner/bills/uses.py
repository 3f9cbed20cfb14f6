"""What a line of an export tells: images made, money charged, time covered, or nothing that counts here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from router.quantities import Size

__all__ = ["DAY_S", "Charge", "Event", "Kind", "MorePages", "Passed", "Row", "Span", "Use"]

DAY_S = 86_400.0


@dataclass(frozen=True)
class Row:
    """A line of a CSV file, or a document of a JSON file; `place` says where it stands."""

    place: str
    cells: dict[str, object]


@dataclass(frozen=True)
class Kind:
    """Images of one sort, in the source's own words; what it does not say is empty or None.

    Attributes:
        names: what the model may be called in our price table, the likeliest first; empty where it is not said.
        operation: `generate` or `edit`.
    """

    source: str
    names: tuple[str, ...]
    size: Size | None = None
    quality: str | None = None
    operation: str = "generate"


@dataclass(frozen=True)
class Use:
    """Images made between two instants (seconds since 1970), or at one.

    Attributes:
        requests: None where the source does not say.
        usd: what the source says they cost; None where it does not.
        project, key: as they may be shown: never a secret.
        identity: what no second row may repeat; empty where rows have no name of their own.
        grouped_by: what an aggregate is parted by.
        assumed: facts that the row does not say, as in `one image a request`.
    """

    place: str
    begin: float
    end: float
    kind: Kind
    images: int
    requests: int | None = None
    usd: Decimal | None = None
    project: str = ""
    key: str = ""
    identity: str = ""
    grouped_by: frozenset[str] = frozenset()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Charge:
    """Money of a bill between two instants; `model` is empty where the item is no image model's."""

    place: str
    begin: float
    end: float
    usd: Decimal
    source: str
    item: str
    model: str
    identity: str = ""
    grouped_by: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Span:
    """A bucket of time that the source covers, with images or without."""

    place: str
    source: str
    begin: float
    end: float


@dataclass(frozen=True)
class Passed:
    """A row that is no image and no money, and why."""

    source: str
    why: str


@dataclass(frozen=True)
class MorePages:
    """A page that others follow: later ones after `at`, its end, or `older` ones before it."""

    source: str
    at: float
    older: bool = False


Event = Use | Charge | Span | Passed | MorePages
