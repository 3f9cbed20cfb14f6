"""Questions that cost nothing: decide only, models, a stored picture; and what a person made of an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..decision_report import decision_json
from ..errors import BadRequest
from ..request import MOST_IMAGES
from .descriptors import models_document
from .problems import Problem
from .reading import read_document, read_question

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["Asking"]

_LONGEST_REVIEW_S = 1e7


class Asking:
    """Handlers that never send anything to a backend."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._router = desk, desk.router

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Decide only. An edit states `references`, the sizes of its images, in place of the images."""
        tenant = self._desk.enter(request)
        with self._desk.room.one() as intake:
            wishes = await read_question(request, intake, tenant=tenant)
            return web.json_response(decision_json(await self._router.decide(wishes.request)))

    async def outcome(self, request: web.Request) -> web.StreamResponse:
        """Note what a person made of an image; whoever knows a request's id may."""
        self._desk.enter(request)
        with self._desk.room.one() as intake:
            document = await read_document(request, intake)
        verdict = document.get("verdict", document.get("outcome", ""))
        if verdict not in ("accepted", "rejected", "edited"):
            raise BadRequest("verdict: give accepted, rejected or edited", param="verdict", code="invalid_verdict")
        known = await self._router.record_outcome(
            request.match_info["id"], image=_image(document), verdict=str(verdict),
            reason=_reason(document), reviewer_seconds=_seconds(document))
        if not known:
            raise Problem(404, "no such request", code="not_found")
        return web.json_response({"recorded": True})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A stored picture; its unguessable name is the key."""
        path = self._router.store.path_of(request.match_info["name"])
        if path is None:
            raise Problem(404, "no such file, or it has expired", code="not_found")
        kind = path.suffix.lstrip(".")
        return web.FileResponse(path, headers={
            "Content-Type": f"image/{kind}", "X-Content-Type-Options": "nosniff", "Cache-Control": "private"})

    async def models(self, request: web.Request) -> web.StreamResponse:
        """Every model with what it can do."""
        self._desk.enter(request)
        return web.json_response(models_document(self._router.compiled))

    async def model(self, request: web.Request) -> web.StreamResponse:
        """One model by its id."""
        self._desk.enter(request)
        wanted = request.match_info["name"]
        found = [entry for entry in models_document(self._router.compiled)["data"] if entry["id"] == wanted]
        if not found:
            raise Problem(404, f"no such model: {wanted[:80]!r}", code="model_not_found", param="model")
        return web.json_response(found[0])


def _image(document: dict[str, Any]) -> int:
    image = document.get("image", 0)
    if isinstance(image, bool) or not isinstance(image, int) or not 0 <= image < MOST_IMAGES:
        raise BadRequest("image: give its number, from 0", param="image", code="invalid_type")
    return image


def _reason(document: dict[str, Any]) -> str:
    reason = document.get("reason", "")
    if not isinstance(reason, str):
        raise BadRequest("reason: give a text", param="reason", code="invalid_type")
    return reason


def _seconds(document: dict[str, Any]) -> float | None:
    seconds = document.get("reviewer_seconds")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not (
            math.isfinite(seconds) and 0 <= seconds <= _LONGEST_REVIEW_S):
        raise BadRequest("reviewer_seconds: give seconds, 0 or more", param="reviewer_seconds", code="invalid_type")
    return float(seconds)
