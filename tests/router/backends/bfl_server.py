"""Black Forest Labs' API on a loopback port: submit, state, delivery, balance."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.router.backends.files import jpeg, png
from tests.router.backends.loopback import HTML, Loopback, give, half_closed, hung_up

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BflServer"]

_DETAIL: list[dict[str, Any]] = [{"loc": ["body", "width"], "msg": "a sentence", "type": "value_error"}]
_ERRORS: dict[str, tuple[int, Any, dict[str, str]]] = {
    "busy": (429, {"detail": "too many active tasks"}, {"Retry-After": "6"}),
    "money": (402, {"detail": "Insufficient credits"}, {}),
    "account": (403, {"detail": "Not authenticated"}, {}),
    "our_request": (422, {"detail": _DETAIL}, {}),
    "broken": (500, {"message": "Internal"}, {}),
    "unavailable": (503, {"error": "a word", "retry_after": 3}, {"Retry-After": "30"}),
}
_STATES = {"refused": "Request Moderated", "refused_output": "Content Moderated", "failed": "Error",
           "failed_too": "Failed"}


@dataclass
class BflServer(Loopback):
    """Courses: `ok`, the errors and states above, and what `_state` and `_deliver` know."""

    jobs: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    fetched: dict[str, int] = field(default_factory=dict)
    credit: float = 4.5

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/credits", self._credits), web.get("/v1/get_result", self._state),
                web.get("/delivery/{job}", self._deliver), web.post("/v1/{model}", self._submit)]

    def _turned_away(self, request: web.Request) -> web.Response | None:
        ours = request.headers.get("x-key") == self.key
        return None if ours else web.json_response({"detail": "Not authenticated"}, status=403)

    async def _credits(self, request: web.Request) -> web.StreamResponse:
        course = self.course()
        if course != "ok":
            return await self.shared(course, request, b"{}") or web.json_response({}, status=403)
        return self._turned_away(request) or web.json_response({"credits": 123.5})

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        seen = await give(request)
        self.seen.append(seen)
        course = self.course()
        if (away := self._turned_away(request)) is not None:
            return away
        if course in _ERRORS:
            status, body, headers = _ERRORS[course]
            return web.json_response(body, status=status, headers=headers)
        job = f"task-{len(self.jobs) + 1}"
        self.jobs[job] = (course, seen.fields)
        host = "http://127.0.0.1:9" if course == "foreign_job" else self.url
        task: dict[str, Any] = {"id": job, "polling_url": f"{host}/v1/get_result?id={job}", "cost": self.credit,
                                "input_mp": 0, "output_mp": 1.0, "novelty": [1]}
        if course == "no_cost":
            task["cost"] = None
        if course == "no_job":
            task = {"id": job}
        shared = await self.shared(course, request, json.dumps(task).encode()) if course != "late" else None
        return shared or web.json_response(task)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        job = request.query["id"]
        asked = self.asked[job] = self.asked.get(job, 0) + 1
        if (away := self._turned_away(request)) is not None:
            return away
        course, _ = self.jobs.get(job, ("task_not_found", {}))
        if course == "task_not_found":
            return web.json_response({"id": job, "status": "Task not found", "result": None}, status=404)
        if course == "job_account":
            return web.json_response({"detail": "Not authenticated"}, status=403)
        if course == "job_unreachable" or (course == "job_flaky" and asked == 1):
            return web.json_response({}, status=502)
        if course == "job_flaky" and asked == 2:
            return web.Response(text=HTML, content_type="text/html")
        if course == "job_flaky" and asked == 3:
            return await hung_up(request)
        if course in _STATES:
            return web.json_response({"id": job, "status": _STATES[course], "result": None, "details": {"x": 1}})
        running = {"late": 6, "unknown_state": 3}.get(course, 1)
        if asked <= running:
            word = "Reticulating Splines" if course == "unknown_state" else "Pending"
            return web.json_response({"id": job, "status": word, "result": None, "progress": 0.5})
        return web.json_response(self._ready(job, course))

    def _ready(self, job: str, course: str) -> dict[str, Any]:
        host = "https://delivery.example.com" if course == "foreign_picture" else self.url
        result: dict[str, Any] | None = {
            "sample": f"{host}/delivery/{job}?sig=a%2Fb%3A" + "s" * (1500 if course == "strange" else 5),
            "prompt": "p", "seed": 7, "start_time": 1.0, "end_time": 2.0, "duration": 1.0}
        if course == "empty":
            result = None
        document = {"novelty": {}, "id": job, "result": result, "progress": None, "details": None, "preview": None}
        return document | {"state" if course == "strange" else "status": "Ready"}

    async def _deliver(self, request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        self.seen.append(await give(request))
        fetched = self.fetched[job] = self.fetched.get(job, 0) + 1
        course, fields = self.jobs[job]
        width, height = fields["width"] * (2 if course == "wrong_size" else 1), fields["height"]
        is_jpeg = fields["output_format"] == "jpeg"
        file = jpeg(width, height) if is_jpeg else png(width, height)
        kind = "image/jpeg" if is_jpeg else "image/png"
        if course == "picture_gone":
            return web.Response(status=404)
        if course == "picture_lost" or (course == "picture_flaky" and fetched == 1):
            return await half_closed(request, file, kind)
        if course == "picture_redirect":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/x.png"})
        return web.Response(body=file[:-20] if course == "cut_picture" else file, content_type=kind)
