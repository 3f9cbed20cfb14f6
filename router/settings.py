"""What runs where: backends, tenants, budgets, server and books, from `router.toml`. Secrets print as stars."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .errors import SettingsError
from .own_gpus import read_own_gpus
from .server_settings import JobSettings, ServerSettings, StoreSettings, read_jobs, read_server, read_store
from .toml_fields import Fields, read_document, twins
from .vendor_limits import read_tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal
    from pathlib import Path

    from .own_gpus import OwnGpus
    from .vendor_limits import VendorLimit
    from .vendors import Vendor

__all__ = ["BackendSettings", "Secret", "Settings", "Tenant", "load_settings", "read_settings"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SIGNING = re.compile(r"whsec_([A-Za-z0-9+/]{32,86})={0,2}")
_SIGNING_BYTES = range(24, 65)
_NO_LIMITS: Mapping[str, tuple[VendorLimit, ...]] = MappingProxyType({})
_ADDRESS = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")


@dataclass(frozen=True)
class Secret:
    """A text that is never shown."""

    value: str

    def __repr__(self) -> str:
        return "***" if self.value else "(none)"

    __str__ = __repr__


@dataclass(frozen=True)
class BackendSettings:
    """One place that makes images.

    Attributes:
        vendor: id of its row in `backends/vendors.csv`.
        models: cards it serves; empty for every one the vendor sells.
        simulated: a built-in simulator answers in the vendor's place, at the vendor's prices, and says so.
        time_scale: of the simulator; 1 is as slow as the vendor, 0.1 ten times faster.
        region: where it stands, as in `eu`; empty where nobody said.
        retention_days, may_train: the terms you have with the vendor; None where nobody said.
        usd_per_month: a hard limit of its own.
        tier: of the account, which says its limits where they are not written out.
        deployments: what a model is called in this account, by the vendor's own name.
    """

    name: str
    vendor: Vendor
    base_url: str
    key: Secret
    key_env: str
    models: tuple[str, ...]
    loras: tuple[str, ...]
    simulated: bool
    time_scale: float
    region: str
    retention_days: int | None
    may_train: bool | None
    images_per_minute: int | None
    concurrent: int | None
    usd_per_month: Decimal | None
    own: OwnGpus | None
    tier: str = ""
    deployments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def is_own(self) -> bool:
        """Whether images are made on hosts of ours."""
        return self.vendor.own


@dataclass(frozen=True)
class Tenant:
    """Who may ask, how they show it, and how much they may spend.

    Attributes:
        key_sha256: hexadecimal SHA-256 of each of its keys; the keys themselves stand nowhere.
        admin: may publish policies and read everybody's books.
        answers: what it gets where it does not say: `b64_json` or `url`.
        keep_prompts: its prompts are written to the books in clear.
        webhook_secrets: sign what its webhooks are told, each of them, so that one can be changed for the next.
    """

    name: str
    key_sha256: tuple[str, ...]
    admin: bool
    usd_per_month: Decimal | None
    project_usd_per_month: Mapping[str, Decimal]
    images_per_minute: int | None
    data_class: Literal["public", "confidential", "restricted"]
    segment: str
    answers: Literal["b64_json", "url"]
    keep_prompts: bool
    webhook_secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class Settings:
    """Everything a router is built from.

    Attributes:
        ledger: address of the books, as in `sqlite:///breakeven.sqlite`; it may hold a password and prints as stars.
        hash_key: keys the hashes of prompts.
        retention_days: how long rows of single requests are kept; roll-ups stay.
    """

    where: str
    backends: tuple[BackendSettings, ...]
    tenants: tuple[Tenant, ...]
    ledger: Secret
    hash_key: Secret
    retention_days: int
    usd_per_month: Decimal | None
    policy: Path | None
    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    jobs: JobSettings = field(default_factory=JobSettings)

    @property
    def open_to_all(self) -> bool:
        """No tenant has a key, so that whoever reaches the server may use it."""
        return not any(tenant.key_sha256 for tenant in self.tenants)


def load_settings(path: Path, vendors: Mapping[str, Vendor], *, environ: Mapping[str, str],
                  limits: Mapping[str, tuple[VendorLimit, ...]] = _NO_LIMITS) -> Settings:
    """The settings of a file; paths in it are taken from the file's folder.

    Raises:
        SettingsError: they cannot be used; every problem is in the text.
    """
    return read_settings(read_document(path), vendors, environ=environ, where=str(path), folder=path.parent,
                         limits=limits)


def read_settings(document: Mapping[str, Any], vendors: Mapping[str, Vendor], *, environ: Mapping[str, str],
                  where: str, folder: Path, limits: Mapping[str, tuple[VendorLimit, ...]] = _NO_LIMITS) -> Settings:
    """The settings of a parsed document.

    Args:
        document: as `parse_toml` gives it.
        vendors: the rows that backends may name.
        environ: the process environment, for the keys that are named and never written.
        where: what to call it in messages.
        folder: what relative paths start from.
        limits: what accounts may do, by vendor, for backends that name their tier.

    Raises:
        SettingsError: every problem together.
    """
    problems: list[str] = []
    fields = Fields(dict(document), "", problems)
    books, money = fields.table("ledger"), fields.table("budget")
    policy = fields.text("policy")
    made = Settings(
        where, tuple(_backend(table, vendors, environ, limits) for table in fields.tables("backend")),
        tuple(_tenant(table, environ) for table in fields.tables("tenant")), Secret(_books_url(books, environ, folder)),
        Secret(environ.get(books.variable("hash_key_env", "BREAKEVEN_HASH_KEY"), "")),
        books.count("retention_days", 400, least=1) or 400, money.usd("usd_per_month"),
        folder / policy if policy else None, read_server(fields.table("server")),
        read_store(fields.table("store"), folder), read_jobs(fields.table("jobs")))
    for table in (books, money, fields):
        table.done()
    _refuse_twins("backend", (backend.name for backend in made.backends), problems)
    _refuse_twins("tenant", (tenant.name for tenant in made.tenants), problems)
    if twins(key for tenant in made.tenants for key in tenant.key_sha256):
        problems.append("tenant.key_sha256: one key stands twice, and nobody knows whose it is; give each its own")
    if not made.backends:
        problems.append("backend: none; add a [[backend]] with name and vendor")
    if problems:
        raise SettingsError(where, tuple(problems))
    return made


def _backend(fields: Fields, vendors: Mapping[str, Vendor], environ: Mapping[str, str],
             limits: Mapping[str, tuple[VendorLimit, ...]]) -> BackendSettings:
    name = fields.plain_name("name")
    if "vendor" not in fields:
        fields.refuse("vendor", "missing", remedy=f"use one of {', '.join(vendors)}")
    vendor = vendors[fields.word("vendor", next(iter(vendors)), words=tuple(vendors))]
    key_env = fields.variable("key_env", vendor.key_env)
    simulated = fields.flag("simulated")
    base_url = fields.text("base_url", vendor.base_url)
    if not (simulated and not base_url) and not _ADDRESS.fullmatch(base_url):
        fields.refuse("base_url", "no address", remedy='write it as "https://host/v1", without a name or a key in it')
    if "{" in base_url and not simulated:
        fields.refuse("base_url", "lacks what is your account's own", remedy=f"write out {vendor.base_url}")
    models = fields.texts("models")
    if vendor.own and not models:
        fields.refuse("models", "missing", remedy='name what it serves, as in ["flux-2-klein-4b"]')
    tier, most = read_tier(fields, vendor, rows=limits.get(vendor.id, ()), models=models)
    made = BackendSettings(
        name, vendor, base_url.rstrip("/"), Secret(environ.get(key_env, "").strip()), key_env,
        models, fields.texts("loras"), simulated,
        fields.number("time_scale", 1.0, most=100) or 0.0, fields.text("region"),
        fields.count("retention_days", most=36_500), fields.flag("may_train") if "may_train" in fields else None,
        fields.count("images_per_minute", most.images_per_minute, least=1),
        fields.count("concurrent", most.concurrent, least=1), fields.usd("usd_per_month"),
        read_own_gpus(fields.table("gpus")) if vendor.own else None, tier,
        _deployments(fields.table("deployments")) if vendor.protocol == "openai" else MappingProxyType({}))
    fields.done()
    return made


def _deployments(fields: Fields) -> Mapping[str, str]:
    return MappingProxyType({name: fields.text(name, needed=True) for name in fields.names()})


def _tenant(fields: Fields, environ: Mapping[str, str]) -> Tenant:
    keys = fields.texts("key_sha256")
    if not all(_DIGEST.fullmatch(key) for key in keys):
        fields.refuse("key_sha256", "no SHA-256", remedy="write 64 hexadecimal digits: printf %s KEY | sha256sum")
    projects = fields.table("project_usd_per_month")
    made = Tenant(fields.plain_name("name"), keys, fields.flag("admin"), fields.usd("usd_per_month"),
                  {name: amount for name in projects.names() if (amount := projects.usd(name)) is not None},
                  fields.count("images_per_minute", least=1),
                  fields.word("data_class", "public", words=("public", "confidential", "restricted")),
                  fields.text("segment"), fields.word("answers", "b64_json", words=("b64_json", "url")),
                  fields.flag("keep_prompts"), _webhook_secrets(fields, environ))
    fields.done()
    return made


def _webhook_secrets(fields: Fields, environ: Mapping[str, str]) -> tuple[Secret, ...]:
    found = []
    for name in fields.variables("webhook_secret_env"):
        text = environ.get(name, "").strip()
        if not _signs(text):
            fields.refuse("webhook_secret_env", f"{name} holds no signing secret" if text else f"{name} is not set",
                          remedy='set it to what this prints: echo "whsec_$(openssl rand -base64 32)"')
        found.append(Secret(text))
    return tuple(found)


def _signs(text: str) -> bool:
    """Whether a text is a secret of Standard Webhooks: 24 to 64 bytes in base64."""
    known = _SIGNING.fullmatch(text)
    return known is not None and len(known[1]) % 4 != 1 and len(known[1]) * 3 // 4 in _SIGNING_BYTES


def _books_url(fields: Fields, environ: Mapping[str, str], folder: Path) -> str:
    named, url = fields.variable("url_env"), fields.text("url", "sqlite:///breakeven.sqlite")
    if not url:
        fields.refuse("url", "empty", remedy='write it as "sqlite:///books.sqlite", or leave it out')
    if named and not (url := environ.get(named, "").strip()):
        fields.refuse("url_env", f"{named} is not set", remedy="set it to the address of the books")
    relative = re.fullmatch(r"sqlite:///(?!/)(.+)", url)
    return f"sqlite:///{folder.resolve() / relative[1]}" if relative else url


def _refuse_twins(kind: str, names: Iterable[str], problems: list[str]) -> None:
    problems += [f"{kind}.name = {name!r}: stands twice; give each its own" for name in twins(names)]
