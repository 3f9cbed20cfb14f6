"""Demand of the past: a trace as CSV or Parquet, or the router's own books, with what each request was. An edge."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from router.ledger.open import open_books
from router.ledger.recorded import recorded_requests
from router.quantities import Size

from .errors import PlannerError
from .trace import DAY_S, Trace
from .trace_rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from router.ledger.books import Books

__all__ = ["Kind", "Past", "is_ledger", "plain_name", "read_past"]

_SCHEMES = ("sqlite:", "postgresql:", "postgresql+psycopg:")
_READ = ("n", "segment", "size", "width", "height", "quality", "operation", "model")
_MOST_IMAGES, _MOST_KINDS, _LONGEST, _LONGEST_DAYS = 10_000, 10_000, 200, 3_660
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Kind(NamedTuple):
    """What a request was, as far as its row says; empty where it does not."""

    segment: str = ""
    size: str = ""
    quality: str = ""
    operation: str = ""
    model: str = ""


@dataclass(frozen=True)
class Past:
    """What came.

    Attributes:
        trace: the requests.
        kinds: what they were; `kind` is the place there of each.
        source: file or ledger, as it may be shown.
        digest: SHA-256 over the instants (in microseconds), images, segments and times of all requests: the same from
            CSV, Parquet and the books.
    """

    trace: Trace
    kinds: tuple[Kind, ...]
    kind: NDArray[np.int64]
    source: str
    digest: str


def is_ledger(source: str) -> bool:
    """Whether a source is the address of the router's books and not a file."""
    return source.startswith(_SCHEMES)


def plain_name(segment: str) -> str:
    """A segment's name as a scenario and a policy can hold it; `unnamed` where there is none."""
    plain = segment if _PLAIN.fullmatch(segment) else re.sub(r"[^A-Za-z0-9]+", "-", segment).strip("-")[:50]
    return "unnamed" if plain.lower() in ("", "default") else plain


def read_past(source: str) -> Past:
    """Everything that a trace or the books hold; of a ledger what was asked for, which is more than was delivered.

    Columns of a trace: `arrived_at` (or `at`), `n` (1 where left out), `width` and `height` or `size`, `segment`,
    `quality`, `operation`, `model`, `service_s` (GPU-seconds of the whole request); others are passed over. The books
    hold no GPU-seconds: from sending to answer, a request also stood in line.

    Raises:
        PlannerError: a file or row that cannot be read, a clock that goes backwards, no request.
        LedgerError: the books cannot be read.
    """
    if not is_ledger(source):
        return _gathered(source, _rows_of_file(Path(source)))
    with closing(_Opened(source)) as opened:
        return _gathered(opened.books.shown, _rows_of_books(opened.books))


class _Opened:
    def __init__(self, url: str) -> None:
        self.books = open_books(url, create=False)

    def close(self) -> None:
        self.books.dispose()


_Row = tuple[str, float, tuple[str, ...], tuple[Any, ...], float | None]


def _rows_of_file(path: Path) -> Iterator[_Row]:
    for row in read_rows(path, _READ):
        yield f"{path}:{row.line}", row.at, row.names, row.cells, row.own_s


def _rows_of_books(books: Books) -> Iterator[_Row]:
    number = 0
    for number, row in enumerate(recorded_requests(books, _FIRST, until=_LAST), start=1):
        cells = (row["n"], row["segment"], row["size"], row["quality"], row["operation"],
                 row["actual_model"] or row["model"])
        yield (f"{books.shown}: request {number}", datetime.fromisoformat(str(row["at"])).timestamp(),
               ("n", "segment", "size", "quality", "operation", "model"), cells, None)
    if not number:
        raise PlannerError(f"{books.shown}: no ended request in the books; name the ledger that the router writes")


def _gathered(source: str, rows: Iterator[_Row]) -> Past:
    arrived: list[float] = []
    images: list[int] = []
    service: list[float] = []
    kind: list[int] = []
    kinds: dict[Kind, int] = {}
    known: dict[tuple[Any, ...], tuple[int, int]] = {}
    for place, at, names, cells, own_s in rows:
        found = known.get(cells)
        if found is None:
            if len(known) > _MOST_KINDS:
                known.clear()
            told = dict(zip(names, cells, strict=True))
            found = known[cells] = (_count(place, told.get("n", "")), kinds.setdefault(_kind(place, told), len(kinds)))
        if len(kinds) > _MOST_KINDS:
            raise PlannerError(f"{place}: more than {_MOST_KINDS:,} kinds of request (segment, size, quality, "
                               "operation, model); give columns that name kinds, not single requests")
        arrived.append(at)
        images.append(found[0])
        kind.append(found[1])
        service.append(float("nan") if own_s is None else own_s)
    if arrived[-1] - arrived[0] > _LONGEST_DAYS * DAY_S:
        raise PlannerError(f"{source}: {(arrived[-1] - arrived[0]) / DAY_S:,.0f} days from the first request to the "
                           f"last; up to {_LONGEST_DAYS:,} are read: mend the instant that is wrong")
    trace = Trace(np.array(arrived), np.array(images, dtype=np.int64), np.array(service))
    listed = tuple(kinds)
    return Past(trace, listed, np.array(kind, dtype=np.int64), source, _digest(trace, [
        listed[one].segment for one in kind]))


def _kind(place: str, told: dict[str, Any]) -> Kind:
    size = str(told.get("size") or "").strip()
    if not size and told.get("width") and told.get("height"):
        size = f"{told['width']}x{told['height']}"
    try:
        size = "" if size in ("", "auto") else str(Size.parse(size))
    except ValueError:
        raise PlannerError(f"{place}: size = {size[:40]!r}: no size; write it as 1024x1024, or width and height as "
                           "whole pixels") from None
    texts = {name: str(told.get(name) or "").strip() for name in ("segment", "quality", "operation", "model")}
    for name, text in texts.items():
        if len(text) > _LONGEST:
            raise PlannerError(f"{place}: {name} = {text[:40]!r}...: longer than {_LONGEST} characters; name it "
                               "shorter")
    return Kind(size=size, **texts)


def _count(place: str, value: Any) -> int:
    if value == "":
        return 1
    number = int(value) if isinstance(value, float) and value.is_integer() else value  # pandas writes whole floats
    text = str(number).strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(_MOST_IMAGES)) or not (
            1 <= int(text) <= _MOST_IMAGES):
        raise PlannerError(f"{place}: n = {str(value)[:40]!r}: no number of images; give 1 to {_MOST_IMAGES:,}")
    return int(text)


def _digest(trace: Trace, segments: Sequence[str]) -> str:
    found = hashlib.sha256()
    for values in (np.round(trace.arrived * 1e6).astype("<i8"), trace.images.astype("<i8"),
                   np.where(trace.timed, np.round(np.nan_to_num(trace.service) * 1e6), -1).astype("<i8")):
        found.update(values.tobytes())
    found.update("\n".join(segments).encode())
    return found.hexdigest()
