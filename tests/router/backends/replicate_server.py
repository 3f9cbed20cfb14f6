"""Replicate's predictions on a loopback port: submit, state, files, account."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.router.backends.files import jpeg, png
from tests.router.backends.loopback import HTML, Loopback, give, half_closed, hung_up

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReplicateServer"]

_ERRORS: dict[str, tuple[int, Any, dict[str, str]]] = {
    "busy": (429, {"detail": "Request was throttled.", "status": 429}, {"Retry-After": "6"}),
    "throttled": (429, {"detail": "Request was throttled. Your rate limit resets in ~30s."}, {}),
    "throttled_before": (429, {"detail": "Request was throttled. Expected available in 1 second."}, {}),
    "throttled_too": (429, {"detail": "Request was throttled.", "retry_after": 10}, {}),
    "throttled_wordless": (429, {"detail": "Request was throttled."}, {}),
    "money": (402, {"title": "Insufficient credit", "detail": "a sentence", "status": 402}, {}),
    "account": (401, {"title": "Unauthenticated", "detail": "a sentence", "status": 401}, {}),
    "our_request": (422, {"title": "Input validation failed", "detail": "- input.width: a sentence", "status": 422,
                          "invalid_fields": []}, {}),
    "broken": (500, {"detail": "Internal"}, {}),
    "unavailable": (503, {"detail": "Unavailable"}, {"Retry-After": "30"}),
}
_FAILURES = {
    "refused": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
    "refused_in_words": "NSFW content detected. Try running it again, or try a different prompt.",
    "failed": "CUDA error: a sentence",
    "out_of_memory": "The model ran out of memory (E1001)",
}


@dataclass
class ReplicateServer(Loopback):
    """Courses: `ok`, the errors and failures above, and what `_state` and `_file` know."""

    jobs: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/account", self._account), web.get("/v1/predictions/{job}", self._state),
                web.get("/files/{job}", self._file),
                web.post("/v1/models/{owner}/{model}/predictions", self._submit)]

    def _turned_away(self, request: web.Request) -> web.Response | None:
        ours = request.headers.get("Authorization") == f"Bearer {self.key}"
        return None if ours else _error("account")

    async def _account(self, request: web.Request) -> web.StreamResponse:
        course = self.course()
        if course != "ok":
            return await self.shared(course, request, b"{}") or _error("account")
        return self._turned_away(request) or web.json_response({"type": "organization", "username": "acme"})

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        seen = await give(request)
        assert set(seen.fields) == {"input"}
        self.seen.append(replace(seen, fields=seen.fields["input"]))
        course = self.course()
        if (away := self._turned_away(request)) is not None:
            return away
        if course in _ERRORS:
            return _error(course)
        job = f"p{len(self.jobs) + 1}"
        self.jobs[job] = (course, seen.fields["input"])
        task = self._task(job, "starting") if course != "at_once" else self._task(job, "succeeded")
        if course == "foreign_job":
            task["urls"]["get"] = f"http://127.0.0.1:9/v1/predictions/{job}"
        if course == "no_job":
            del task["urls"]
        shared = await self.shared(course, request, json.dumps(task).encode()) if course != "late" else None
        return shared or web.json_response(task, status=201)

    def _task(self, job: str, status: str) -> dict[str, Any]:
        course, _ = self.jobs[job]
        output: Any = f"{self.url}/files/{job}" if status == "succeeded" else None
        if output and course in ("in_a_list", "strange"):
            output = [output]
        if output and course == "foreign_picture":
            output = "https://files.example.com/1.png"
        if course == "empty":
            output = []
        base = f"{self.url}/v1/predictions/{job}"
        return {"id": job, "model": "a/b", "version": "hidden", "input": {}, "logs": "", "error": None,
                "status": status, "output": output, "metrics": {"predict_time": 1.0}, "novelty": [{}],
                "urls": {"get": base, "cancel": f"{base}/cancel", "web": "https://replicate.com/p/x"}}

    async def _state(self, request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        asked = self.asked[job] = self.asked.get(job, 0) + 1
        if (away := self._turned_away(request)) is not None:
            return away
        if job not in self.jobs:
            return web.json_response({"detail": "Not found", "status": 404}, status=404)
        course, _ = self.jobs[job]
        if course == "job_account":
            return _error("account")
        if course == "job_unreachable" or (course == "job_flaky" and asked == 1):
            return web.json_response({}, status=502)
        if course == "job_flaky" and asked == 2:
            return web.Response(text=HTML, content_type="text/html")
        if course == "job_flaky" and asked == 3:
            return await hung_up(request)
        if course in _FAILURES:
            return web.json_response(self._task(job, "failed") | {"error": _FAILURES[course]})
        if course in ("canceled", "aborted"):
            return web.json_response(self._task(job, course))
        if asked <= {"late": 6, "unknown_state": 3}.get(course, 1):
            word = "reticulating" if course == "unknown_state" else "processing"
            return web.json_response(self._task(job, word))
        return web.json_response(self._task(job, "succeeded"))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await give(request))
        course, fields = self.jobs[request.match_info["job"]]
        width, height = fields["width"] * (2 if course == "wrong_size" else 1), fields["height"]
        is_jpeg = fields["output_format"] == "jpg"
        file, kind = (jpeg(width, height), "image/jpeg") if is_jpeg else (png(width, height), "image/png")
        if course == "picture_gone":
            return web.Response(status=404)
        if course == "picture_lost":
            return await half_closed(request, file, kind)
        return web.Response(body=file[:-20] if course == "cut_picture" else file, content_type=kind)


def _error(course: str) -> web.Response:
    status, body, headers = _ERRORS[course]
    return web.json_response(body, status=status, headers=headers)
