"""`planner replay`: past traffic through the router's own decide and flow under another policy."""

from __future__ import annotations

import csv
import gc
import json
import os
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click
from rich.console import Console
from rich.progress import Progress

from planner.errors import PlannerError
from router.building import catalogue_of, policy_of, settings_of, shipped_settings
from router.decide import compile_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from planner.replay.asked import Asked
    from planner.replay.lives import Ended
    from planner.replay.report import Replayed
    from router.policy import Policy
    from router.settings import Settings

__all__ = ["replay"]

_TOLD_EVERY, _COLLECT_EVERY = 5_000, 100_000
_URLS = ("sqlite:", "postgresql:", "postgresql+psycopg:")
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_DAY = click.DateTime(["%Y-%m-%d"])


class _Asked(TypedDict):
    policy: Path | None
    against: Path | None
    settings: Path | None
    since: datetime | None
    until: datetime | None
    on: datetime | None
    rows: Path | None
    seed: int
    failed_share: float
    own_cv: float
    data: Path | None
    as_json: bool


@click.command()
@click.argument("source", metavar="TRACE_OR_LEDGER")
@click.option("--policy", type=click.Path(path_type=Path), help="A policy; the settings' or the shipped default.")
@click.option("--against", type=click.Path(path_type=Path), help="Another policy, shown beside it.")
@click.option("--settings", type=click.Path(path_type=Path), help="A router.toml; the shipped sandbox where left out.")
@click.option("--from", "since", type=_DAY, help="Of a ledger: the first day, UTC.")
@click.option("--to", "until", type=_DAY, help="Of a ledger: the day after the last, UTC.")
@click.option("--on", type=_DAY, help="Day of the prices (today).")
@click.option("--rows", type=click.Path(path_type=Path), help="Write every request here as CSV; must not exist.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the vendors' times.")
@click.option("--failed-share", type=click.FloatRange(0, 0.99), default=0.0, show_default=True,
              help="Share of hosted calls that fail unbilled.")
@click.option("--own-cv", type=click.FloatRange(0, 5), default=0.0, show_default=True,
              help="Spread of a card's time around the law's, where the trace states none.")
@click.option("--data", type=click.Path(path_type=Path), help="Overlay folder of tables (or BREAKEVEN_DATA).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(source: str, **asked: Unpack[_Asked]) -> None:
    """What past traffic would have cost, and how long it would have waited, under a policy. Nothing is sent.

    TRACE_OR_LEDGER is a CSV or Parquet file with arrived_at (ISO 8601, UTC) and whatever else is known of a request
    (n, width, height, size, segment, model, quality, data_class, service_s ...), or the address of the router's books.
    """
    if asked["rows"] is not None and asked["rows"].exists():
        raise PlannerError(f"{asked['rows']}: is there already; name a new file for --rows")
    settings = (settings_of(asked["settings"], os.environ, data=asked["data"]) if asked["settings"]
                else shipped_settings(os.environ, asked["data"]))
    chosen = [asked["policy"] or settings.policy, *([asked["against"]] if asked["against"] else [])]
    policies = [policy_of(path, os.environ, data=asked["data"]) for path in chosen]
    with ExitStack() as open_files:
        write = _writer(open_files, asked["rows"])
        made = [_replayed(source, policy, settings, asked=asked, write=write) for policy in policies]
    from planner.replay.report import replay_json, replay_lines  # noqa: PLC0415 (as below)

    if asked["as_json"]:
        names = ("replay", "against")
        click.echo(json.dumps({name: replay_json(one) for name, one in zip(names, made, strict=False)}, indent=2))
        return
    click.echo("\n".join(replay_lines(made)))


def _replayed(source: str, policy: Policy, settings: Settings, *, asked: _Asked,
              write: Callable[[str, Ended], None] | None) -> Replayed:
    from planner.replay.driver import Driver  # noqa: PLC0415 (--help stays fast)
    from planner.replay.report import Replayed, cards_cost  # noqa: PLC0415 (as above)
    from planner.replay.sums import Sums  # noqa: PLC0415 (as above)
    from planner.replay.world import Faults, World  # noqa: PLC0415 (as above)

    on = asked["on"].date() if asked["on"] else datetime.now(tz=UTC).date()
    compiled = compile_policy(policy, catalogue_of(settings, os.environ, data=asked["data"], on=on), on=on)
    sums = Sums()
    world = World(settings, faults=Faults(asked["failed_share"], asked["own_cv"]), seed=asked["seed"])

    def ended(end: Ended) -> None:
        sums.ended(end)
        if write is not None:
            write(policy.digest, end)

    driver = Driver(compiled, settings, world=world, ended=ended, paid=sums.paid)
    with _seldom_collecting():
        driver.run(_told(_requests(source, settings, asked), quiet=asked["as_json"]))
    worked = {one.name: world.hours_worked(one.name) for one in settings.backends if one.own is not None}
    return Replayed(policy.name, policy.digest, sums, cards_cost(settings, sums, worked=worked))


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """A replay makes nothing that refers to itself in circles; looking for it often takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_EVERY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _requests(source: str, settings: Settings, asked: _Asked) -> Iterator[Asked]:
    from planner.replay.sources import Readings, ledger_requests, trace_requests  # noqa: PLC0415 (as above)

    readings = Readings(settings)
    if not source.startswith(_URLS):
        return trace_requests(Path(source), readings)
    since, until = asked["since"] or _FIRST, asked["until"] or _LAST
    return ledger_requests(source, readings, since=since.replace(tzinfo=UTC), until=until.replace(tzinfo=UTC))


def _told(requests: Iterator[Asked], *, quiet: bool) -> Iterator[Asked]:
    console = Console(stderr=True)
    with Progress("{task.description}", "{task.completed:,.0f} requests", transient=True, console=console,
                  disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("replaying", total=None)
        for number, one in enumerate(requests):
            if not number % _TOLD_EVERY:
                bar.update(task, completed=number)
            yield one


def _writer(open_files: ExitStack, path: Path | None) -> Callable[[str, Ended], None] | None:
    if path is None:
        return None
    try:
        file = open_files.enter_context(path.open("x", newline="", encoding="utf-8"))
    except OSError as error:
        raise PlannerError(f"{path}: cannot be written ({type(error).__name__}); name another file") from None
    rows: Any = csv.writer(file)
    rows.writerow(("policy", "number", "arrived_at", "segment", "n", "state", "why", "options", "usd", "latency_s",
                   "waited_s"))

    def write(digest: str, end: Ended) -> None:
        asked = end.asked
        rows.writerow((digest, end.number, datetime.fromtimestamp(asked.at, UTC).isoformat(), asked.request.segment,
                       asked.request.n, end.state, end.why,
                       " ".join(f"{name}={images}" for name, images in end.images.items()),
                       f"{end.usd_micro / 1e6:.6f}", f"{end.latency_s:.3f}", f"{end.waited_s:.3f}"))

    return write
