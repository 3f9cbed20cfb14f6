"""`router doctor`: whether everything a router needs is there, at no cost: no image is asked for."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .building import catalogue_of, policy_of, settings_of, shipped_settings
from .days import asked_day
from .errors import LedgerError, RouterError, SettingsError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .settings import BackendSettings, Settings

__all__ = ["doctor"]


@dataclass(frozen=True)
class _Finding:
    what: str
    works: bool
    told: str
    facts: Mapping[str, str] = field(default_factory=dict)


@click.command()
@click.option("--settings", "settings_path", type=click.Path(path_type=Path),
              help="A router.toml; the shipped sandbox where left out.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(settings_path: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Check keys, standing, limits, books, pictures and policy; exit 1 where something is amiss. Costs nothing."""
    known = settings_of(settings_path, os.environ, data=data) if settings_path else shipped_settings(os.environ, data)
    found = asyncio.run(_findings(known, data))
    if as_json:
        click.echo(json.dumps([finding.__dict__ for finding in found], indent=2))
    for finding in () if as_json else found:
        facts = "  ".join(f"{key} {value}" for key, value in finding.facts.items())
        mark, more = "ok  " if finding.works else "NO  ", f"  ({facts})" if facts else ""
        click.echo(one_line(f"{mark} {finding.what}: {finding.told}{more}"))
    if not all(finding.works for finding in found):
        sys.exit(1)


async def _findings(settings: Settings, data: Path | None) -> list[_Finding]:
    return [*_tables(settings, data), await _books(settings), _pictures(settings), *_tenants(settings),
            *[await _backend(settings, backend, data) for backend in settings.backends]]


def _tables(settings: Settings, data: Path | None) -> Iterator[_Finding]:
    where = settings.policy or "the shipped default"
    try:
        policy = policy_of(settings.policy, os.environ, data=data)
        yield _Finding("policy", works=True, told=f"{policy.name} {policy.digest} from {where}")
    except SettingsError as error:
        yield _Finding("policy", works=False, told=str(error))
    try:
        options = catalogue_of(settings, os.environ, data=data, on=asked_day(None)).options
        yield _Finding("options", works=bool(options), told=f"{len(options)} to choose from" if options else
                       "none: no backend serves a model that is sold today")
    except RouterError as error:
        yield _Finding("options", works=False, told=str(error))


async def _books(settings: Settings) -> _Finding:
    from .ledger.open import open_ledger  # noqa: PLC0415 (the books' library is loaded where it is needed)

    try:
        ledger = open_ledger(settings.ledger.value)
        try:
            await ledger.spent(())
        finally:
            await ledger.close()
    except LedgerError as error:
        return _Finding("books", works=False, told=str(error))
    return _Finding("books", works=True, told="open, durable")


def _pictures(settings: Settings) -> _Finding:
    folder = settings.store.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return _Finding("pictures", works=False, told=f"{folder}: cannot be written ({type(error).__name__}); "
                        "answers by url and late answers need it")
    return _Finding("pictures", works=True, told=f"{folder}, kept for {settings.store.ttl_s} s")


def _tenants(settings: Settings) -> Iterator[_Finding]:
    if settings.open_to_all:
        from .server.doors import is_loopback  # noqa: PLC0415 (the server's libraries are loaded where they are needed)

        yield _Finding("tenants", works=is_loopback(settings.server.host), told="none has a key: the server listens on "
                       f"loopback alone, and server.host is {settings.server.host}")
    each_tenant = bool(settings.tenants) and all(tenant.usd_per_month is not None for tenant in settings.tenants)
    each_backend = all(backend.usd_per_month is not None or backend.simulated for backend in settings.backends)
    if settings.usd_per_month is None and not each_tenant and not each_backend:
        yield _Finding("budget", works=False, told="nothing limits a month; set budget.usd_per_month")
    if not settings.hash_key.value:
        yield _Finding("hash key", works=True, told="made and kept beside the pictures; set BREAKEVEN_HASH_KEY where "
                       "several machines share the books")


async def _backend(settings: Settings, backend: BackendSettings, data: Path | None) -> _Finding:
    from .backends.registry import open_backends  # noqa: PLC0415 (clients are made where they are needed)

    name = f"backend {backend.name}"
    if not (backend.simulated or backend.is_own or backend.key.value):
        return _Finding(name, works=False, told=f"no key: {backend.key_env} is not set")
    only = replace(settings, backends=(backend,))
    opened = open_backends(only, data=data, environ=os.environ)[backend.name]
    try:
        found = await opened.diagnose()
    finally:
        await opened.close()
    limits = {"tier": backend.tier or None, "images/min": backend.images_per_minute, "concurrent": backend.concurrent}
    facts = dict(found.facts) | {key: str(value) for key, value in limits.items() if value is not None}
    return _Finding(name, works=found.works, told=found.problem or "answers", facts=facts)
