"""Jobs over HTTP: accepted with 202, shown, listed, cancelled, and their images fetched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..errors import BadRequest
from ..images import kept_names
from ..ledger.job_protocol import FINAL
from ..quantities import usd_from_micro
from .answers import send_images, urls_of
from .problems import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from ..jobs.desk import JobView
    from ..ledger.job_protocol import JobRow
    from ..settings import Tenant
    from .desk import Desk
    from .exchange import Exchange
    from .wishes import Wishes

__all__ = ["JobAnswers", "accept_job", "job_document", "refuse_waiting", "wants_job"]

_ASYNC = "respond-async"
_MOST_LISTED, _USUALLY_LISTED = 100, 20
_STATES = ("queued", "running", "done", "failed", "refused", "cancelled")
_SOONEST_S, _LATEST_S = 1.0, 60.0


def wants_job(request: web.Request) -> bool:
    """Whether a client prefers to fetch the answer later (RFC 7240)."""
    told = ",".join(request.headers.getall("Prefer", []))
    return any(word.partition(";")[0].strip().lower() == _ASYNC for word in told.split(","))


def refuse_waiting(wishes: Wishes) -> None:
    """Work that can wait has no caller on the line, and nobody to tell of it otherwise.

    Raises:
        BadRequest: a field that only a job has.
    """
    if wishes.request.urgency == "can_wait":
        raise BadRequest("routing.urgency = 'can_wait': only a job can wait; send the header Prefer: respond-async",
                         param="routing.urgency", code="needs_job")
    if wishes.webhook_url:
        raise BadRequest("routing.webhook_url: only a job has events; send the header Prefer: respond-async",
                         param="routing.webhook_url", code="needs_job")


async def accept_job(exchange: Exchange) -> web.StreamResponse:
    """Accept a request as a job.

    Raises:
        BadRequest: it asks to be streamed.
    """
    if exchange.wishes.stream:
        raise BadRequest("stream: a job is fetched when it is done; leave out stream, or the header Prefer",
                         param="stream", code="invalid_value")
    view = await exchange.router.submit(exchange.wishes.request, idempotency_key=exchange.key,
                                        webhook_url=exchange.wishes.webhook_url, request_id=exchange.request_id,
                                        is_retry=exchange.is_retry)
    headers = {"Location": f"/v1/images/jobs/{view.row.id}", "Preference-Applied": _ASYNC,
               "x-request-id": view.row.id, "x-router-request-id": view.row.id}
    return web.json_response(job_document(view, base=exchange.base_url), status=202, headers=headers | _again(view))


class JobAnswers:
    """Handlers of a tenant's jobs; another tenant's do not exist for it."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._router = desk, desk.router

    async def one(self, request: web.Request) -> web.StreamResponse:
        """A job as it stands."""
        view = await self._found(request)
        return web.json_response(job_document(view, base=self._base(request)), headers=_again(view))

    async def many(self, request: web.Request) -> web.StreamResponse:
        """The tenant's jobs, the latest first."""
        tenant, query = self._enter(request), request.query
        state, most = query.get("status", ""), _count(query.get("limit", ""))
        if state and state not in _STATES:
            raise BadRequest(f"status: give one of {', '.join(_STATES)}", param="status", code="invalid_value")
        views = await self._router.jobs.page(tenant, most=most + 1, after=query.get("after", "")[:100], state=state,
                                             key=query.get("idempotency_key", "")[:255])
        shown, base = views[:most], self._base(request)
        return web.json_response({"object": "list", "data": [job_document(view, base=base) for view in shown],
                                  "has_more": len(views) > most})

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Ask that a job be ended; one that has ended stays as it is."""
        tenant = self._enter(request)
        view = await self._router.jobs.cancel(tenant, request.match_info["id"])
        if view is None:
            raise _unknown()
        return web.json_response(job_document(view, base=self._base(request)), headers=_again(view))

    async def result(self, request: web.Request) -> web.StreamResponse:
        """The answer the request would have had on the line: images, or the error."""
        view = await self._found(request)
        row = view.row
        if row.state not in FINAL:
            raise Problem(409, f"the job is {row.state}; ask again later", code="job_not_done",
                          retry_after_s=_pause_s(view))
        if row.state != "done":
            raise _failure(row)
        images = await self._router.jobs.images(row)
        if images is None:
            raise Problem(410, f"the images were kept until {_told(row.expires_at)}; ask for new ones",
                          code="result_expired", request_id=row.id)
        wants_urls = request.query.get("response_format", "b64_json") == "url"
        urls = urls_of(self._base(request), images.kept) if wants_urls else ()
        return await send_images(request, images, wishes=None, urls=urls)

    async def _found(self, request: web.Request) -> JobView:
        view = await self._router.jobs.find(self._enter(request), request.match_info["id"])
        if view is None:
            raise _unknown()
        return view

    def _enter(self, request: web.Request) -> str:
        tenant: Tenant | None = self._desk.enter(request)
        return tenant.name if tenant else ""

    def _base(self, request: web.Request) -> str:
        return self._router.settings.server.public_url or f"{request.scheme}://{request.host}"


def job_document(view: JobView, *, base: str) -> dict[str, Any]:
    """A job as JSON; seconds since 1970 as OpenAI's objects have them, US dollars as text.

    Args:
        view: the job.
        base: how the caller reaches this server.
    """
    row = view.row
    done = row.state == "done"
    names = kept_names(row.answer)[0] if done and row.answer else ()
    return {
        "id": row.id, "object": "image.job", "status": row.state, "operation": row.operation or None,
        "segment": row.segment or None, "urgency": row.urgency, "n": row.n, "created_at": _seconds(row.created_at),
        "started_at": _seconds(row.started_at), "ended_at": _seconds(row.ended_at),
        "deadline_at": _seconds(row.due_at), "expires_at": _seconds(row.expires_at), "position": view.position,
        "estimate_s": None if view.estimate_s is None else round(view.estimate_s, 1),
        "cancel_asked": row.cancel_asked, "usd": str(usd_from_micro(row.usd_micro)),
        "waiting_for": row.code or None if row.state == "queued" else None,
        "error": None if done or row.state not in FINAL else _error(row),
        "result_url": f"{base}/v1/images/jobs/{row.id}/result" if done else None,
        "data": [{"url": url} for url in urls_of(base, names)] if done else None}


def _error(row: JobRow) -> dict[str, Any]:
    return {"message": row.message, "code": row.code, "http_status": row.http_status}


def _failure(row: JobRow) -> Problem:
    refused = row.state == "refused"
    return Problem(row.http_status or 502, row.message or f"the job is {row.state}",
                   code="moderation_blocked" if refused else row.code,
                   kind="image_generation_user_error" if refused else "", request_id=row.id)


def _unknown() -> Problem:
    return Problem(404, "no such job of yours", code="not_found")


def _again(view: JobView) -> dict[str, str]:
    """When it is worth asking again, while it runs."""
    return {} if view.is_over else {"Retry-After": str(math.ceil(_pause_s(view)))}


def _pause_s(view: JobView) -> float:
    return min(_LATEST_S, max(_SOONEST_S, (view.estimate_s or 0.0) / 2))


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _told(at: datetime | None) -> str:
    return "their time" if at is None else at.isoformat(timespec="seconds")


def _count(text: str) -> int:
    if not text:
        return _USUALLY_LISTED
    if not text.isdecimal() or not 1 <= int(text[:9]) <= _MOST_LISTED:
        raise BadRequest(f"limit: give 1 to {_MOST_LISTED}", param="limit", code="invalid_value")
    return int(text)
