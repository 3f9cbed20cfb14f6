"""The server: OpenAI's Images API over one router, and what an operator needs beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .administration import Administration
from .asking import Asking
from .desk import BEGUN, Desk
from .job_answers import JobAnswers
from .making import Making
from .operating import Operating
from .rolling_out import RollingOut
from .watching import Watching

if TYPE_CHECKING:
    from ..live import Router

__all__ = ["make_app"]


def make_app(router: Router) -> web.Application:
    """The application over an open router; who made the router closes it."""
    desk = Desk(router)
    app = web.Application(middlewares=[desk.edge], client_max_size=router.settings.server.most_body_bytes)
    app.on_response_prepare.append(_begun)
    making, asking, operating, administration = Making(desk), Asking(desk), Operating(desk), Administration(desk)
    for prefix in ("/v1", ""):
        app.router.add_post(f"{prefix}/images/generations", making.generations)
        app.router.add_post(f"{prefix}/images/edits", making.edits)
        app.router.add_post(f"{prefix}/images/variations", making.variations)
        app.router.add_get(f"{prefix}/models", asking.models)
        app.router.add_get(f"{prefix}/models/{{name:.+}}", asking.model)
    jobs = JobAnswers(desk)
    app.router.add_get("/v1/images/jobs", jobs.many)
    app.router.add_get("/v1/images/jobs/{id}", jobs.one)
    app.router.add_delete("/v1/images/jobs/{id}", jobs.cancel)
    app.router.add_post("/v1/images/jobs/{id}/cancel", jobs.cancel)
    app.router.add_get("/v1/images/jobs/{id}/result", jobs.result)
    app.router.add_post("/v1/decide", asking.decide)
    app.router.add_post("/v1/shadow", Watching(desk).shadow)
    app.router.add_post("/v1/images/{id}/outcome", asking.outcome)
    app.router.add_get("/v1/images/files/{name}", asking.file)
    app.router.add_get("/v1/admin/policy", administration.policy)
    app.router.add_post("/v1/admin/policy", administration.publish)
    app.router.add_get("/v1/admin/policy/history", administration.history)
    app.router.add_post("/v1/admin/policy/rollback", administration.roll_back)
    rolling_out = RollingOut(desk, administration)
    app.router.add_post("/v1/admin/policy/rollout", rolling_out.start)
    app.router.add_get("/v1/admin/policy/rollout", rolling_out.show)
    app.router.add_delete("/v1/admin/policy/rollout", rolling_out.stop)
    app.router.add_post("/v1/admin/policy/rollout/promote", rolling_out.promote)
    app.router.add_get("/v1/admin/spend", administration.spend)
    app.router.add_get("/healthz", operating.health)
    app.router.add_get("/readyz", operating.ready)
    app.router.add_get("/metrics", operating.metrics)
    app.router.add_get("/openapi.json", operating.openapi)
    return app


async def _begun(request: web.Request, _response: web.StreamResponse) -> None:
    request[BEGUN] = True
