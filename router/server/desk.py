"""What every handler shares: the router, the doors, the meters; and the edge where every error becomes an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..errors import RouterError
from ..identity import new_request_id
from .doors import Doors
from .logs import log_fault
from .metrics import Metrics
from .problems import Problem, http_problem, problem_of
from .room import Room
from .tracing import Tracing

if TYPE_CHECKING:
    from ..live import Router
    from ..settings import Tenant

__all__ = ["BEGUN", "REQUEST_ID", "Desk"]

REQUEST_ID = web.RequestKey("request_id", str)
"""Its row in the books, from the moment its caller is known."""
BEGUN = web.RequestKey("begun", bool)
"""Its answer is on the way and can become no other."""
_HUNG_UP = 499


class Desk:
    """One per server."""

    def __init__(self, router: Router) -> None:
        self.router, self.doors, self.room = router, Doors(router.settings), Room(router.settings.server)
        self.metrics, self.tracing = Metrics(router.board, router.jobs_running), Tracing()
        router.hooks += [self.metrics.hear, self.tracing.hear]

    def enter(self, request: web.Request) -> Tenant | None:
        """Whose request it is; from here on it has an id.

        Raises:
            Problem: 401 or 403. Strangers get no row in the books, which they could fill.
        """
        request[REQUEST_ID] = new_request_id()
        return self.doors.tenant(request)

    @web.middleware
    async def edge(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Answer, whatever happens, and count how."""
        status = _HUNG_UP
        try:
            with self.tracing.under(request.headers):
                response = await self._answered(request, handler)
            status = response.status
            return response
        finally:
            resource = request.match_info.route.resource
            self.metrics.answered(resource.canonical if resource is not None else "other", status)

    async def _answered(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except (ConnectionError, asyncio.CancelledError):
            raise
        except RouterError as error:
            return self._told(request, problem_of(error, request.get(REQUEST_ID, "")))
        except web.HTTPException as error:
            return self._told(request, http_problem(error))
        except Exception as error:  # noqa: BLE001 (the server's edge: a fault of ours must not look like an outage)
            name = type(error).__name__
            self.metrics.fault(name)
            log_fault(error)
            return self._told(request, Problem(500, f"a fault of this server ({name}); it was counted",
                                               code="internal_error", request_id=request.get(REQUEST_ID, "")))

    def _told(self, request: web.Request, problem: Problem) -> web.Response:
        """An answer that has begun cannot become another one: the line is cut, so that nobody takes it for whole."""
        if not request.get(BEGUN, False):
            return problem.response()
        if request.transport is not None:
            request.transport.close()
        raise ConnectionResetError
