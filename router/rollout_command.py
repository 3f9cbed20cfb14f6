"""`router policy rollout`: a new policy for a share of the requests or for tenants, which is taken back by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from .adopting.rollout_report import rollout_json, rollout_lines
from .adopting.rollout_store import Rollouts
from .adopting.terms_text import read_terms
from .adopting.trial import asked_of_books, judged
from .errors import one_line
from .ledger.arms import arm_sums
from .ledger.open import open_books
from .people import who
from .policy import load_policy
from .policy_store import PolicyStore

if TYPE_CHECKING:
    from .adopting.judging import Judgement
    from .adopting.rollout import Rollout

__all__ = ["rollout"]


class _Asked(TypedDict):
    file: Path | None
    share: str | None
    tenants: str | None
    window: str
    most_cost: str
    most_refused: str
    most_failed: str
    least: int
    promote_after_window: bool
    what: str
    url: str | None
    why: str
    folder: Path
    as_json: bool


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--share", help="Of all requests, as in 10%.")
@click.option("--tenant", "tenants", help="Whose requests, as in acme or acme,shop.")
@click.option("--window", default="1h", show_default=True, help="How long it must hold: 30m, 1h, 2d.")
@click.option("--most-cost", default="+20%", show_default=True, help="How much dearer an image may be.")
@click.option("--most-refused", default="+5pp", show_default=True, help="How many more requests may be refused.")
@click.option("--most-failed", default="+2pp", show_default=True, help="How many more requests may fail.")
@click.option("--least", default=50, show_default=True, help="Its requests that must have ended before it is judged.")
@click.option("--promote-after-window", is_flag=True, help="Put it in force by itself when its window has passed.")
@click.option("--status", "what", flag_value="status", help="What is under way, and with --ledger how it fares.")
@click.option("--stop", "what", flag_value="stop", help="Take it back by hand.")
@click.option("--promote", "what", flag_value="promote", help="Put it in force.")
@click.option("--start", "what", flag_value="start", default=True, hidden=True)
@click.option("--ledger", "url", help="The books of the router, for --status.")
@click.option("--why", default="", help="A reason for the audit.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("policies"), show_default=True,
              help="Where published policies lie; router.toml names its current.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; of --status.")
def rollout(**asked: Unpack[_Asked]) -> None:
    """Let FILE decide a part of the requests; the running servers take it back where it does worse than it may."""
    rollouts, at, what = Rollouts(PolicyStore(asked["folder"])), datetime.now(tz=UTC), asked["what"]
    if (asked["file"] is None) == (what == "start"):
        raise click.UsageError("give a FILE to begin one, or one of --status, --stop, --promote without a FILE")
    if what == "status":
        _status(rollouts, asked["url"], at, as_json=asked["as_json"])
    elif what == "stop":
        ended = rollouts.stop(at=at, by=who(), why=asked["why"])
        click.echo(f"version {ended.version} {ended.digest} is taken back; {ended.control_digest} decides everything")
    elif what == "promote":
        version = rollouts.promote(None, at=at, by=who(), why=asked["why"])
        if version is not None:
            click.echo(one_line(f"version {version.number} ({version.name} {version.digest}) is in force"))
    elif asked["file"] is not None:
        terms = read_terms(_terms(asked))
        made = rollouts.start(asked["file"], terms, at=at, by=who(), why=asked["why"])
        click.echo("\n".join(map(one_line, rollout_lines(made, None, at=at))))


def _terms(asked: _Asked) -> dict[str, object]:
    tenants = [name.strip() for name in (asked["tenants"] or "").split(",") if name.strip()]
    return {"share": asked["share"], "tenants": tenants, "window": asked["window"], "most_cost": asked["most_cost"],
            "most_refused": asked["most_refused"], "most_failed": asked["most_failed"], "least": asked["least"],
            "promote_after_window": asked["promote_after_window"]}


def _status(rollouts: Rollouts, url: str | None, at: datetime, *, as_json: bool) -> None:
    running = rollouts.running()
    if running is None:
        click.echo(json.dumps(None) if as_json else one_line(f"nothing is in roll-out in {rollouts.store.folder}"))
        return
    found = _judged(rollouts, running, url, at) if url else None
    if as_json:
        click.echo(json.dumps(rollout_json(running, found, at=at), indent=2))
    else:
        click.echo("\n".join(map(one_line, rollout_lines(running, found, at=at))))


def _judged(rollouts: Rollouts, running: Rollout, url: str, at: datetime) -> Judgement:
    policies = load_policy(rollouts.store.current), rollouts.policy_of(running)
    books = open_books(url, create=False)
    try:
        sums = {ask: arm_sums(books, ask) for ask in asked_of_books(running) if ask is not None}
    finally:
        books.dispose()
    return judged(running, sums, at=at, policies=policies)
