"""From settings and tables to the parts of a router. An edge: reads files and makes clients."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .catalog import data_roots
from .models import load_models
from .options import Catalogue, options_of
from .policy import load_policy
from .prices import load_prices
from .service_time import load_law
from .settings import load_settings, read_settings
from .toml_fields import read_document
from .vendor_limits import load_limits
from .vendors import load_vendors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from .policy import Policy
    from .settings import Settings

__all__ = ["SystemClock", "catalogue_of", "default_policy", "environment_settings", "policy_of", "settings_of",
           "shipped_settings"]

_DEFAULT_POLICY, _SANDBOX = "policies/default.toml", "router/sandbox.toml"


@dataclass(frozen=True)
class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def now(self) -> datetime:
        """The instant, aware UTC."""
        return datetime.now(tz=UTC)


def settings_of(path: Path, environ: Mapping[str, str], *, data: Path | None = None) -> Settings:
    """The settings of a file.

    Raises:
        SettingsError: they cannot be used.
        TableError: a table cannot be read.
    """
    roots = data_roots(data, environ)
    return load_settings(path, load_vendors(roots), environ=environ, limits=load_limits(roots))


def shipped_settings(environ: Mapping[str, str], data: Path | None = None) -> Settings:
    """The shipped sandbox: every vendor, simulated; books and pictures in the working folder.

    Raises:
        TableError: a table cannot be read.
    """
    path, roots = _shipped(_SANDBOX, environ, data), data_roots(data, environ)
    return read_settings(read_document(path), load_vendors(roots), environ=environ, where=str(path), folder=Path.cwd(),
                         limits=load_limits(roots))


def environment_settings(environ: Mapping[str, str], data: Path | None = None) -> Settings:
    """Settings with every hosted vendor whose key the environment holds; one open tenant, books in this folder.

    Vendors whose address is the account's own (Azure, Cloudflare) need a file that names it.

    Raises:
        SettingsError: no vendor's key is there.
    """
    vendors = load_vendors(data_roots(data, environ))
    able = [vendor for vendor in vendors.values()
            if vendor.key_env and not vendor.own and "{" not in vendor.base_url]
    found = [{"name": vendor.id, "vendor": vendor.id} for vendor in able if environ.get(vendor.key_env)]
    keys = ", ".join(vendor.key_env for vendor in able)
    return read_settings({"backend": found}, vendors, environ=environ, where=f"the environment ({keys})",
                         folder=Path.cwd())


def policy_of(path: Path | None, environ: Mapping[str, str], *, data: Path | None = None) -> Policy:
    """The policy of a file, or the shipped default.

    Raises:
        SettingsError: it cannot be used.
    """
    return load_policy(path or default_policy(environ, data))


def default_policy(environ: Mapping[str, str], data: Path | None = None) -> Path:
    """Where the shipped default policy lies; an overlay folder's outranks it."""
    return _shipped(_DEFAULT_POLICY, environ, data)


def _shipped(name: str, environ: Mapping[str, str], data: Path | None) -> Path:
    return next(found for root in reversed(data_roots(data, environ)) if (found := root / name).is_file())


def catalogue_of(settings: Settings, environ: Mapping[str, str], *, data: Path | None = None, on: date) -> Catalogue:
    """Every option of the settings' backends on a day.

    Raises:
        TableError: a table cannot be read.
        OutOfReach: a backend names a model nobody knows.
    """
    roots = data_roots(data, environ)
    models, prices = load_models(roots), load_prices(roots)
    return Catalogue(options_of(settings.backends, models, prices=prices, on=on), models, prices, load_law(roots))
