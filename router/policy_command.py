"""`router policy`: look at a policy, check it, put it in force, go back, and see who did."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from .building import default_policy
from .errors import one_line
from .people import who
from .policy import DataRule, Policy, load_policy
from .policy_store import PolicyStore, Version
from .rollout_command import rollout

__all__ = ["audit", "check", "history", "policy_group", "publish", "rollback", "show"]

_FOLDER = click.option("--folder", type=click.Path(path_type=Path), default=Path("policies"), show_default=True,
                       help="Where published policies lie; router.toml names its current.toml.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("policy")
def policy_group() -> None:
    """What may go where: check, publish, history, rollback, audit, rollout."""


@policy_group.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@_JSON
def show(file: Path | None, *, as_json: bool) -> None:
    """What a policy says, segment by segment; the shipped default where no FILE is given."""
    policy = load_policy(file or default_policy(os.environ))
    click.echo(json.dumps(_document(policy), indent=2) if as_json else "\n".join(_lines(policy)))


@policy_group.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Whether a policy can be used: exit 0, or 2 with every problem."""
    policy = load_policy(file)
    click.echo(one_line(f"{policy.name} {policy.digest}: {len(policy.segments)} segments, no problem"))


@policy_group.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--why", default="", help="A reason for the audit.")
@_FOLDER
def publish(file: Path, *, why: str, folder: Path) -> None:
    """Put FILE in force; a running server takes it up within seconds."""
    _told(PolicyStore(folder).publish(file, at=datetime.now(tz=UTC), by=who(), why=why))


@policy_group.command()
@click.option("--to", "number", type=int, help="Version to go back to; the one before where left out.")
@click.option("--why", default="", help="A reason for the audit.")
@_FOLDER
def rollback(number: int | None, *, why: str, folder: Path) -> None:
    """Put an earlier version in force again."""
    _told(PolicyStore(folder).roll_back(number, at=datetime.now(tz=UTC), by=who(), why=why))


@policy_group.command()
@_FOLDER
@_JSON
def history(folder: Path, *, as_json: bool) -> None:
    """Every published version, oldest first."""
    known = PolicyStore(folder).history()
    if as_json:
        click.echo(json.dumps([{"version": version.number, "digest": version.digest, "name": version.name,
                                "in_force": version.in_force, "in_rollout": version.in_rollout}
                               for version in known], indent=2))
        return
    for version in known:
        click.echo(one_line(f"{version.number:>4}  {version.digest}  {version.name}"
                            f"{'  in force' if version.in_force else '  in roll-out' if version.in_rollout else ''}"))
    if not known:
        click.echo(f"nothing published in {folder}; start with: router policy publish FILE --folder {folder}")


@policy_group.command()
@_FOLDER
@_JSON
def audit(folder: Path, *, as_json: bool) -> None:
    """Who put which policy in force when, and why."""
    entries = PolicyStore(folder).audit()
    if as_json:
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    for entry in entries:
        action = str(entry.get("action", "published")).replace("_", " ")
        told = f"{entry['at']}  {entry['by']}  {action}  version {entry['version']}  {entry['digest']}  {entry['why']}"
        click.echo(one_line(told.rstrip()))


policy_group.add_command(rollout)


def _told(version: Version) -> None:
    ended = f"; the roll-out of version {version.ended_rollout} has ended with that" if version.ended_rollout else ""
    click.echo(one_line(f"version {version.number} ({version.name} {version.digest}) is in force{ended}"))


def _document(policy: Policy) -> dict[str, object]:
    return {
        "name": policy.name, "digest": policy.digest, "licences_held": sorted(policy.licences),
        "segments": {name: {
            "models": segment.models, "qualities": dict(segment.qualities), "size": str(segment.size),
            "deadline_s": segment.deadline_s, "words_limit": segment.words_limit, "on_refusal": segment.on_refusal,
            "at_limit": segment.at_limit, "accepted_share": dict(segment.accepted_share)}
            for name, segment in policy.segments.items()},
        "data_classes": {name: {
            "own_only": rule.own_only, "regions": rule.regions, "most_retention_days": rule.most_retention_days,
            "may_train": rule.may_train} for name, rule in policy.data_classes.items()},
        "fallbacks": dict(policy.fallbacks), "pacing": policy.pacing}


def _lines(policy: Policy) -> list[str]:
    lines = [one_line(f"{policy.name} {policy.digest}"),
             f"  licences held: {', '.join(sorted(policy.licences)) or 'none'}"]
    for name, segment in policy.segments.items():
        ladders = "; ".join(f"{who} {' then '.join(steps)}" for who, steps in segment.qualities.items())
        lines.append(f"  {name}: {' or '.join(segment.models) or 'any model'}, {segment.size}, {ladders}")
        lines.append(f"    up to {segment.words_limit} words where a model has a limit, {segment.deadline_s:g} s, "
                     f"refused: {segment.on_refusal}, at a limit: {segment.at_limit}")
    lines += [f"  {name} data: {_where(rule)}" for name, rule in policy.data_classes.items()]
    lines += [f"  after {name}: {' or '.join(next_ones) or 'nothing else'}" for name, next_ones in
              policy.fallbacks.items()]
    marks = ", ".join(f"{share:.0%}" for share in policy.pacing)
    return [*lines, f"  told at {marks} of a month's limit"] if marks else lines


def _where(rule: DataRule) -> str:
    if rule.own_only:
        return "own hosts only"
    terms = [f"kept at most {rule.most_retention_days} days"] if rule.most_retention_days is not None else []
    terms += [] if rule.may_train else ["not trained on"]
    terms += [f"in {' or '.join(rule.regions)}"] if rule.regions else []
    return f"hosted where it is {', '.join(terms)}" if terms else "anywhere"
