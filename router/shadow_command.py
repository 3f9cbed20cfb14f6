"""`router shadow`: what a policy would have done with a recorded day, or with what a server watched."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from .adopting.comparing import Comparison
from .adopting.comparison_report import comparison_json, comparison_lines
from .adopting.traffic import BadRow, Recorded, Traffic, read_recorded
from .adopting.watched import unfit_row, watched_row
from .building import catalogue_of, policy_of, settings_of, shipped_settings
from .days import asked_day
from .decide import compile_policy, decide
from .errors import BadRequest, SettingsError, one_line
from .ledger.open import open_books
from .ledger.recorded import recorded_requests
from .ledger.shadows import shadow_rows
from .request_checks import check_request
from .states import States
from .tenants import for_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .decide import Compiled
    from .ledger.books import Books
    from .ledger.shadow_protocol import ShadowRow
    from .settings import Settings

__all__ = ["report", "run", "shadow_group"]

_TOLD_ROWS = 20
_LEDGER = click.option("--ledger", "url", help="As in sqlite:///breakeven.sqlite or postgresql://user@host/name.")
_DAY = click.option("--day", help="Of the books, in UTC, as in 2026-11-24.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class _Asked(TypedDict):
    traffic: Path | None
    url: str | None
    day: str | None
    policy: Path | None
    settings: Path | None
    on: str | None
    data: Path | None
    as_json: bool


@click.group("shadow")
def shadow_group() -> None:
    """What would have been done, and what it would have cost, beside what really happened. Nothing is sent."""


@shadow_group.command()
@click.argument("traffic", type=click.Path(path_type=Path), required=False)
@_LEDGER
@_DAY
@click.option("--policy", type=click.Path(path_type=Path), help="A policy; the settings' or the shipped default.")
@click.option("--settings", type=click.Path(path_type=Path), help="A router.toml; the shipped sandbox where left out.")
@click.option("--on", help="Day of the prices, as in 2026-11-22; the day of the books, or today, where left out.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@_JSON
def run(**asked: Unpack[_Asked]) -> None:
    """Decide a recorded day again: TRAFFIC is CSV or JSON lines; --ledger with --day reads the router's own books."""
    if (asked["traffic"] is None) == (asked["url"] is None):
        raise click.UsageError("give a file of TRAFFIC, or --ledger with --day")
    settings = (settings_of(asked["settings"], os.environ, data=asked["data"]) if asked["settings"]
                else shipped_settings(os.environ, asked["data"]))
    policy = policy_of(asked["policy"] or settings.policy, os.environ, data=asked["data"])
    day = _day(asked["day"]) if asked["url"] else None
    on = asked_day(asked["on"]) if asked["on"] or day is None else day
    compiled = compile_policy(policy, catalogue_of(settings, os.environ, data=asked["data"], on=on), on=on)
    told, bad, ignored = _run(asked, compiled, settings, day=day)
    if asked["as_json"]:
        click.echo(json.dumps({"policy": {"name": policy.name, "digest": policy.digest}, "prices_of": on.isoformat(),
                               "bad_rows": bad, "ignored_columns": ignored} | comparison_json(told), indent=2))
        return
    click.echo(one_line(f"policy {policy.name} {policy.digest}, prices of {on}, every backend idle"))
    click.echo("\n".join(map(one_line, comparison_lines(told))))


@shadow_group.command()
@click.option("--ledger", "url", envvar="BREAKEVEN_LEDGER", show_envvar=True, show_default=True,
              default="sqlite:///breakeven.sqlite", help="The books of the server that watched.")
@click.option("--day", required=True, help="In UTC, as in 2026-11-24.")
@_JSON
def report(url: str, *, day: str, as_json: bool) -> None:
    """What a server that watches has seen on a day, beside what it was told really happened."""
    told, since = Comparison(), _midnight(_day(day))
    with _opened(url) as books:
        for row in shadow_rows(books, since, until=since + timedelta(days=1)):
            told.add(row)
    if as_json:
        click.echo(json.dumps({"day": day} | comparison_json(told), indent=2))
        return
    digests = ", ".join(told.digests) or "none"
    click.echo(one_line(f"watched on {day}, policies {digests}"))
    click.echo("\n".join(map(one_line, comparison_lines(told))))


def _run(asked: _Asked, compiled: Compiled, settings: Settings, *, day: date | None) -> (
        tuple[Comparison, int, list[str]]):
    """The comparison, how many rows could not be read, and the columns that mean nothing here."""
    told, bad = Comparison(), 0
    path = asked["traffic"]
    traffic = Traffic(path) if path is not None else None
    for number, found in enumerate(traffic if traffic is not None else _own_rows(asked["url"] or "", day), start=1):
        if isinstance(found, BadRow):
            bad += 1
            if bad <= _TOLD_ROWS:
                click.echo(one_line(f"{path}:{found.number}: {found.problem}"), err=True)
            continue
        told.add(_decided(found, compiled, settings, row_id=str(number)))
    if bad > _TOLD_ROWS:
        click.echo(f"and {bad - _TOLD_ROWS:,} more rows that cannot be read", err=True)
    ignored = sorted(traffic.ignored) if traffic is not None else []
    if ignored:
        click.echo(one_line(f"columns passed over: {', '.join(ignored[:_TOLD_ROWS])}"), err=True)
    if not told.requests:
        raise SettingsError(str(path or f"{day}"), ("no request that can be read; nothing is compared",))
    return told, bad, ignored


def _own_rows(url: str, day: date | None) -> Iterator[Recorded | BadRow]:
    since = _midnight(day or datetime.now(tz=UTC).date())
    with _opened(url) as books:
        for number, row in enumerate(recorded_requests(books, since, until=since + timedelta(days=1)), start=1):
            try:
                yield read_recorded(row)
            except BadRequest as error:
                yield BadRow(number, str(error))


def _decided(found: Recorded, compiled: Compiled, settings: Settings, *, row_id: str) -> ShadowRow:
    at = found.at or datetime.combine(compiled.on, datetime.min.time(), UTC)
    tenant = next((tenant for tenant in settings.tenants if tenant.name == found.request.tenant), None)
    request = for_tenant(tenant, found.request)
    try:
        check_request(request)
        decision = decide(compiled, request, states=States(), now=time.monotonic())
        return watched_row(decision, found.actual, row_id=row_id, at=at)
    except BadRequest as error:
        return unfit_row(request, error, actual=found.actual, compiled=compiled, row_id=row_id, at=at)


def _day(text: str | None) -> date:
    if text is None:
        raise click.UsageError("--day: give the day of the books, as in 2026-11-24")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--day = {text!r}: not a date; write it as 2026-11-24") from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


@contextmanager
def _opened(url: str) -> Iterator[Books]:
    books = open_books(url, create=False)
    try:
        yield books
    finally:
        books.dispose()
