"""The price tables from files: base data, then overlay folders, then the checks no single row can make."""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from .catalog import table_files
from .errors import TableError
from .price_contract import load_contract
from .price_rows import Confirmation, Offer, Published, Rate, TokenCount, TokenFactor
from .price_table import PriceTable
from .tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

__all__ = ["CONFIRMATIONS", "load_prices", "load_published"]

CONFIRMATIONS = "confirmations.csv"
_NOT_RATES = frozenset({"offers.csv", "published.csv", "token_factors.csv", "token_counts.csv", CONFIRMATIONS})
Row = TypeVar("Row")


def load_prices(roots: Sequence[Path]) -> PriceTable:
    """The price tables of all folders; a row of a later folder stands in place of the row of the same id.

    Raises:
        TableError: a row cannot be read, two rows claim one day, or a rate belongs to no offer.
    """
    offers = {row.model: row for _, row in _read(roots, "offers.csv", Offer)}
    rates = _rates(roots)
    _refuse_overlaps(rates)
    by_component: dict[tuple[str, str], list[Rate]] = defaultdict(list)
    for path, row in sorted(rates.values(), key=lambda pair: pair[1].valid_from):
        if row.model not in offers:
            raise TableError(path, row.line, key="model", value=row.model, problem="no such offer",
                             remedy="add it to prices/offers.csv, or mend the name")
        by_component[row.model, row.component].append(row)
    factors = {(row.family, row.quality): row.factor for _, row in _read(roots, "token_factors.csv", TokenFactor)}
    counts = {(row.family, row.quality, row.size): row.tokens
              for _, row in _read(roots, "token_counts.csv", TokenCount)}
    return PriceTable(MappingProxyType(offers), MappingProxyType({key: tuple(rows)
                                                                 for key, rows in by_component.items()}),
                      MappingProxyType(factors), MappingProxyType(counts), _confirmed(roots, rates),
                      load_contract(roots, models=tuple(offers)))


def load_published(roots: Sequence[Path]) -> tuple[Published, ...]:
    """The vendors' published figures, to hold the price function against."""
    return tuple(row for _, row in _read(roots, "published.csv", Published))


def _read(roots: Sequence[Path], name: str, row_type: type[Row]) -> Iterator[tuple[Path, Row]]:
    for path in table_files(roots, f"prices/{name}"):
        yield from ((path, row) for row in read_rows(path, row_type))


def _rates(roots: Sequence[Path]) -> dict[str, tuple[Path, Rate]]:
    rates: dict[str, tuple[Path, Rate]] = {}
    for root in roots:
        here: dict[str, tuple[Path, Rate]] = {}
        for path in table_files([root], "prices/*.csv"):
            for row in () if path.name in _NOT_RATES else read_rows(path, Rate):
                if row.id in here:
                    twin, twin_row = here[row.id]
                    raise TableError(path, row.line, key="id", value=row.id,
                                     problem=f"also the id of {twin.name}:{twin_row.line}",
                                     remedy="give every row its own id; to replace a shipped row, use an overlay")
                here[row.id] = (path, row)
        rates |= here
    return rates


def _refuse_overlaps(rates: Mapping[str, tuple[Path, Rate]]) -> None:
    last: dict[tuple[object, ...], Rate] = {}
    for path, row in sorted(rates.values(), key=lambda pair: pair[1].valid_from):
        before = last.get(row.key)
        if before is not None and before.valid_from == row.valid_from:
            raise TableError(path, row.line, key="valid_from", value=str(row.valid_from),
                             problem=f"overlapping dates: {before.id} prices the same from the same day",
                             remedy="give the newer row a later valid_from, or the same id in an overlay")
        if before is not None and before.valid_to is not None and before.valid_to >= row.valid_from:
            raise TableError(path, row.line, key="valid_from", value=str(row.valid_from),
                             problem=f"overlapping dates: {before.id} is announced to hold until {before.valid_to}",
                             remedy="start the newer row after that day, or mend valid_to")
        last[row.key] = row


def _confirmed(roots: Sequence[Path], rates: Mapping[str, object]) -> Mapping[str, tuple[date, ...]]:
    days: dict[str, tuple[date, ...]] = {}
    for path, row in _read(roots, CONFIRMATIONS, Confirmation):
        if row.row not in rates:
            raise TableError(path, row.line, key="row", value=row.row, problem="no such price row",
                             remedy="name an id that planner prices check --json lists")
        days[row.row] = (*days.get(row.row, ()), row.on)
    return MappingProxyType(days)
