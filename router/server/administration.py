"""What an administrator may do over HTTP: publish a policy, go back, see who did, and read what was spent."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from ..errors import BadRequest, SettingsError
from ..policy import load_policy, read_policy
from ..policy_store import PolicyStore
from ..quantities import usd_from_micro
from ..text_files import parse_toml
from .problems import Problem
from .reading import read_body, read_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ledger.values import MonthTotal
    from ..policy_store import Version
    from ..settings import Tenant
    from .desk import Desk

__all__ = ["MOST_POLICY_BYTES", "Administration", "check_policy", "reason_of", "unfit", "version_json", "who_of"]

Changed = TypeVar("Changed")
MOST_POLICY_BYTES = 256 * 1024
_LONGEST_REASON = 200
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class Administration:
    """Handlers behind an admin tenant's key; on an open server everybody on this machine is one."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._router = desk, desk.router
        self._one_at_a_time = asyncio.Lock()

    async def policy(self, request: web.Request) -> web.StreamResponse:
        """The policy in force, with its text where the file on disk is the one in force."""
        self.enter(request)
        policy = self._router.policy
        return web.json_response({"name": policy.name, "digest": policy.digest, "segments": list(policy.segments),
                                  "toml": await asyncio.to_thread(self._text)})

    async def publish(self, request: web.Request) -> web.StreamResponse:
        """Put the TOML document of the body in force, from the next request on; `?why=` goes into the audit."""
        by, store = who_of(self.enter(request)), self.store()
        with self._desk.room.one() as intake:
            text = await read_body(request, intake, most=MOST_POLICY_BYTES)
        check_policy(text)
        why = reason_of(request.query.get("why", ""))
        return await self.changed(lambda at: _published(store, text, at=at, by=by, why=why))

    async def history(self, request: web.Request) -> web.StreamResponse:
        """Every version, oldest first, and who put which in force when."""
        self.enter(request)
        store = self.store()
        versions, audit = await asyncio.to_thread(lambda: (store.history(), store.audit()))
        return web.json_response({"object": "list", "data": [version_json(version) for version in versions],
                                  "audit": list(audit)})

    async def roll_back(self, request: web.Request) -> web.StreamResponse:
        """Put an earlier version in force again: the one before, or the body's `to`."""
        by, store = who_of(self.enter(request)), self.store()
        with self._desk.room.one() as intake:
            document = await read_document(request, intake) if request.can_read_body else {}
        number, why = document.get("to"), reason_of(document.get("why", ""))
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise BadRequest("to: give the number of a version", param="to", code="invalid_type")
        return await self.changed(lambda at: store.roll_back(number, at=at, by=by, why=why))

    async def spend(self, request: web.Request) -> web.StreamResponse:
        """What a month cost so far, by tenant, segment, model, quality and backend; amounts are text in US dollars."""
        self.enter(request)
        month = request.query.get("month") or f"{self._router.clock.now():%Y-%m}"
        if not _MONTH.fullmatch(month):
            raise BadRequest("month: write it as 2026-11", param="month", code="invalid_value")
        totals = await self._router.ledger.month_totals(month)
        return web.json_response({"month": month, "usd": str(usd_from_micro(sum(
            total.settled_micro_usd for total in totals))), "data": [_total(total) for total in totals]})

    def enter(self, request: web.Request) -> Tenant | None:
        """Whose request it is: an administrator's.

        Raises:
            Problem: 401 or 403.
        """
        self._desk.enter(request)
        return self._desk.doors.admin(request)

    def store(self) -> PolicyStore:
        """The folder of published policies.

        Raises:
            Problem: 409, the policy is a plain file.
        """
        path = self._router.settings.policy
        if path is None or path != PolicyStore(path.parent).current:
            raise Problem(409, "this server reads its policy from a plain file; to publish over HTTP, have policy in "
                          "router.toml name the current.toml of a folder made by: router policy publish",
                          code="no_policy_store")
        return PolicyStore(path.parent)

    async def changed(self, change: Callable[[datetime], Version]) -> web.StreamResponse:
        """Change the files, then this process at once; other processes notice within seconds."""
        version = await self.one_by_one(change)
        policy = await asyncio.to_thread(load_policy, version.path)
        self._router.pilot.refresh()
        if policy.digest != self._router.policy.digest:
            self._router.use_policy(policy)
        return web.json_response(version_json(version))

    async def one_by_one(self, change: Callable[[datetime], Changed]) -> Changed:
        """Change the files beside the event loop.

        Raises:
            BadRequest: what was asked cannot be done.
        """
        async with self._one_at_a_time:
            try:
                return await asyncio.to_thread(change, datetime.now(tz=UTC))
            except SettingsError as error:
                raise unfit(error) from None

    def _text(self) -> str | None:
        path = self._router.settings.policy
        try:
            same = path is not None and load_policy(path).digest == self._router.policy.digest
            return path.read_text(encoding="utf-8-sig") if path is not None and same else None
        except (SettingsError, OSError):
            return None


def check_policy(text: bytes) -> None:
    """Refuse what is no policy before any file is touched; every problem together."""
    try:
        read_policy(parse_toml(text.decode("utf-8-sig")), "policy")
    except UnicodeDecodeError:
        raise BadRequest("policy: not UTF-8", param="body", code="invalid_policy") from None
    except tomllib.TOMLDecodeError as error:
        raise BadRequest(f"policy: not TOML: {error}", param="body", code="invalid_policy") from None
    except SettingsError as error:
        raise unfit(error) from None


def _published(store: PolicyStore, text: bytes, *, at: datetime, by: str, why: str) -> Version:
    handle, name = tempfile.mkstemp(suffix=".toml")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        return store.publish(Path(name), at=at, by=by, why=why)
    finally:
        Path(name).unlink()


def unfit(error: SettingsError) -> BadRequest:
    """What is wrong with a policy, without the names of files here."""
    return BadRequest("; ".join(f"policy: {problem}" for problem in error.problems), param="body",
                      code="invalid_policy")


def who_of(tenant: Tenant | None) -> str:
    """For the audit."""
    return f"tenant {tenant.name}" if tenant is not None else "open server"


def reason_of(why: object) -> str:
    """A reason for the audit.

    Raises:
        BadRequest: too long, or not printable.
    """
    if not isinstance(why, str) or len(why) > _LONGEST_REASON or not why.isprintable():
        raise BadRequest(f"why: give up to {_LONGEST_REASON} characters", param="why", code="invalid_value")
    return why


def version_json(version: Version) -> dict[str, Any]:
    """A version as a document."""
    told = {"version": version.number, "digest": version.digest, "name": version.name, "in_force": version.in_force,
            "in_rollout": version.in_rollout}
    return told | ({"ended_rollout": version.ended_rollout} if version.ended_rollout else {})


def _total(total: MonthTotal) -> dict[str, Any]:
    return {"tenant": total.tenant, "segment": total.segment, "model": total.model, "quality": total.quality,
            "backend": total.backend, "requests": total.requests, "attempts": total.attempts, "images": total.images,
            "failures": total.failures, "usd": str(usd_from_micro(total.settled_micro_usd))}
