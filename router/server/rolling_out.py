"""A policy on trial over HTTP: begun, looked at, taken back and promoted by an administrator."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..adopting.rollout_report import rollout_json
from ..adopting.rollout_store import Rollouts
from ..adopting.terms_text import TERMS, read_terms
from ..errors import BadRequest, SettingsError
from .administration import MOST_POLICY_BYTES, check_policy, reason_of, unfit, who_of
from .problems import Problem
from .reading import read_document

if TYPE_CHECKING:
    from datetime import datetime

    from ..adopting.rollout import Rollout, Terms
    from ..policy_store import Version
    from .administration import Administration
    from .desk import Desk

__all__ = ["RollingOut"]


class RollingOut:
    """Handlers behind an admin tenant's key."""

    def __init__(self, desk: Desk, administration: Administration) -> None:
        self._desk, self._router, self._administration = desk, desk.router, administration

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Put the policy in `toml` on trial, on the terms of the body: `share` or `tenants`, `window`, its limits."""
        by, rollouts = who_of(self._administration.enter(request)), self._rollouts()
        with self._desk.room.one() as intake:
            document = await read_document(request, intake)
        text, why = document.pop("toml", None), reason_of(document.pop("why", ""))
        if not isinstance(text, str) or len(text) > MOST_POLICY_BYTES:
            raise BadRequest("toml: give the text of a policy", param="toml", code="invalid_type")
        check_policy(text.encode("utf-8", "replace"))
        terms = _terms(document)
        made = await self._administration.one_by_one(
            lambda at: _started(rollouts, text, terms, at=at, by=by, why=why))
        self._router.pilot.refresh()
        return web.json_response(rollout_json(made, None, at=made.started_at), status=201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What is on trial, and what was last made of it here."""
        self._administration.enter(request)
        rollouts, pilot = self._rollouts(), self._router.pilot
        running = await self._administration.one_by_one(lambda _: rollouts.running())
        if running is None:
            raise Problem(404, "nothing is in roll-out", code="not_found")
        pilot.refresh()
        found = pilot.judgement if pilot.rollout is not None and pilot.rollout.id == running.id else None
        return web.json_response(rollout_json(running, found, at=self._router.clock.now()))

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Take it back by hand; `?why=` goes into the audit."""
        by, rollouts = who_of(self._administration.enter(request)), self._rollouts()
        why = reason_of(request.query.get("why", ""))
        ended = await self._administration.one_by_one(lambda at: rollouts.stop(at=at, by=by, why=why))
        self._router.pilot.refresh()
        return web.json_response({"stopped": ended.version, "digest": ended.digest, "decides": ended.control_digest})

    async def promote(self, request: web.Request) -> web.StreamResponse:
        """Put what is on trial in force; `?why=` goes into the audit."""
        by, rollouts = who_of(self._administration.enter(request)), self._rollouts()
        why = reason_of(request.query.get("why", ""))
        return await self._administration.changed(lambda at: _promoted(rollouts, at=at, by=by, why=why))

    def _rollouts(self) -> Rollouts:
        return Rollouts(self._administration.store())


def _terms(document: dict[str, Any]) -> Terms:
    for name in document:
        if name not in TERMS:
            raise BadRequest(f"{name[:60]!r}: unknown; use only toml, why, {', '.join(TERMS)}", param="body",
                             code="unknown_parameter")
    try:
        return read_terms(document)
    except SettingsError as error:
        raise unfit(error) from None


def _started(rollouts: Rollouts, text: str, terms: Terms, *, at: datetime, by: str, why: str) -> Rollout:
    handle, name = tempfile.mkstemp(suffix=".toml")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        return rollouts.start(Path(name), terms, at=at, by=by, why=why)
    finally:
        Path(name).unlink()


def _promoted(rollouts: Rollouts, *, at: datetime, by: str, why: str) -> Version:
    version = rollouts.promote(None, at=at, by=by, why=why)
    if version is None:
        raise SettingsError("roll-out", ("nothing is in roll-out",))
    return version
