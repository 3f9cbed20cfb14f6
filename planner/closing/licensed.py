"""Images of licensed models that cards of ours made, reported to whoever sold the licence, each of them once.

A month's report holds the images of attempts that began in it, and of earlier reported months what came after their
report. What was reported stands in a register, by the month the attempts began in; a report is that month's sum less
what the register has of it already, so an attempt is in exactly one report, however late it was settled. The register
is written before the report, and a report made again is read out of it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, cast, func, make_url, select

from planner.actuals.cells import Cell
from planner.errors import PlannerError
from router.ledger.export import neutral
from router.ledger.rollups import open_count
from router.ledger.rows import from_us, month_bounds
from router.ledger.tables import attempts, months, rollups

from .line_file import add_lines, held, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

    from sqlalchemy import Connection

    from planner.actuals.opening import MonthsBooks
    from planner.actuals.places import Places

    from .made import MadeMonth

__all__ = ["COLUMNS", "Terms", "licence_report", "register_of", "write_licence_report"]

COLUMNS = ("report_month", "licence", "model", "made_in_month", "images", "images_ever_reported", "read_up_to_attempt",
           "attempts_open")
_REGISTER = "licences.jsonl"


@dataclass(frozen=True)
class Terms:
    """A licence that somebody holds: its name, and the cards of the models it covers."""

    name: str
    models: tuple[str, ...]


def register_of(url: str, plans: Path | None) -> Path:
    """Where the register of a ledger lies: beside a SQLite file, else in the folder of plans.

    Raises:
        PlannerError: no folder of plans is given for a ledger that is no file.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        beside = Path(parsed.database)
        return beside.with_name(f"{beside.name}.{_REGISTER}")
    if plans is None:
        raise PlannerError(f"{url}: no folder for the register of what was reported; give --plans, the same one each "
                           "month")
    return plans / _REGISTER


def licence_report(books: MonthsBooks, terms: Terms, *, register: Path, look_back: int,
                   read: MadeMonth | None = None) -> dict[str, Any]:
    """The report of a month, as the register holds it; made and registered where it is not there yet.

    Args:
        books: of the month.
        terms: the licence.
        register: a file of JSON lines.
        look_back: earlier months that are looked through for attempts that were settled late.
        read: the month, where it is added up already.

    Raises:
        PlannerError: the month is not over, or the register cannot be read or written.
    """
    month = books.month
    if not month.is_over:
        raise PlannerError(f"{month.text} is not over (UTC, and an hour to settle); a licence report is made once: "
                           "come back later")
    with held(register, wait=True):
        known = read_lines(register)
        for line in known:
            if line["month"] == month.text and line["licence"].lower() == terms.name.lower():
                return line
        made = _made(books, terms, known, look_back, read)
        add_lines(register, [made])
        return made


def write_licence_report(report: Mapping[str, Any], file: TextIO) -> int:
    """The report in CSV; how many images are in it."""
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    for row in report["rows"]:
        rows.writerow([report["month"], neutral(report["licence"]), neutral(row["model"]), row["made_in"],
                       row["images"], row["ever"], neutral(report["up_to"]), report["open"]])
    return sum(row["images"] for row in report["rows"])


def _made(books: MonthsBooks, terms: Terms, known: Sequence[Mapping[str, Any]], look_back: int,
          read: MadeMonth | None) -> dict[str, Any]:
    month, connection = books.month, books.connection
    before = _reported(known)
    earlier = sorted({line["month"] for line in known if line["month"] < month.text}, reverse=True)
    # Whatever name the licence went by then: an image of a model is reported once.
    rows = []
    for text in sorted({month.text, *_worth_reading(connection, earlier, look_back)}):
        sums = (_images(connection, text, terms.models, books.places) if read is None or text != month.text else
                {model: read.own_images[model] for model in terms.models if model in read.own_images})
        for model in sorted({*sums, *(name for made_in, name in before if made_in == text and name in terms.models)}):
            ever, then = sums.get(model, 0), before.get((text, model), 0)
            if ever != then:
                rows.append({"model": model, "made_in": text, "images": ever - then, "ever": ever})
    begin, end = month_bounds(month.text)
    inside = (attempts.c.reserved_at >= begin, attempts.c.reserved_at < end)
    last = connection.execute(select(attempts.c.id, attempts.c.reserved_at).where(*inside).order_by(
        attempts.c.reserved_at.desc(), attempts.c.id.desc()).limit(1)).first()
    still = open_count(connection, month.text) if read is None else read.unsettled
    return {"licence": terms.name, "month": month.text, "models": list(terms.models), "rows": rows,
            "up_to": "" if last is None else f"{last.id} ({from_us(last.reserved_at):%Y-%m-%dT%H:%M:%SZ})",
            "open": still, "made_at": month.now.isoformat(timespec="seconds")}


def _reported(known: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for line in known:
        for row in line["rows"]:
            key = (row["made_in"], row["model"])
            found[key] = found.get(key, 0) + row["images"]
    return found


def _worth_reading(connection: Connection, earlier: Sequence[str], look_back: int) -> list[str]:
    """The latest of the earlier months, and of the others those whose sums are kept and cost nothing to read."""
    kept = {row.month for row in connection.execute(select(months.c.month).where(
        (months.c.stale == 0) | months.c.pruned_at.is_not(None)))}
    return [*earlier[:look_back], *(text for text in earlier[look_back:] if text in kept)]


def _images(connection: Connection, month: str, models: Sequence[str], places: Places) -> dict[str, int]:
    """Images by model that cards of ours made in attempts that began in a month."""
    begin, end = month_bounds(month)
    tried, kept = attempts.c, rollups.c
    sums = connection.execute(select(months).where(months.c.month == month)).first()
    # Of sums without settings it is not known whether a backend of an unusual name is ours; rows name prices.
    if sums is not None and (sums.pruned_at is not None or (not sums.stale and places.settings is not None)):
        rows = [(row.backend, row.model, "", row.images) for row in connection.execute(select(
            kept.backend, kept.model, cast(func.sum(kept.images), BigInteger).label("images")).where(
            kept.month == month, kept.model.in_(models)).group_by(kept.backend, kept.model))]
    else:
        rows = [tuple(row) for row in connection.execute(select(
            tried.backend, tried.model, tried.price_row, cast(func.sum(tried.images), BigInteger)).where(
            tried.reserved_at >= begin, tried.reserved_at < end, tried.images > 0, tried.model.in_(models))
            .group_by(tried.backend, tried.model, tried.price_row))]
    found: dict[str, int] = {}
    for backend, model, price_row, images in rows:
        if images and places.of(Cell(backend=backend, model=model, price_row=price_row)).own:
            found[model] = found.get(model, 0) + images
    return found
