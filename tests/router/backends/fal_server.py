"""fal's queue on a loopback port: submit, state, answer, media."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.router.backends.files import base64_of, jpeg, png
from tests.router.backends.loopback import HTML, Loopback, give

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FalServer"]

_POLICY = [{"loc": ["body", "prompt"], "msg": "a sentence", "type": "content_policy_violation"}]
_INVALID = [{"loc": ["body", "image_size"], "msg": "a sentence", "type": "value_error"}]
_ERRORS: dict[str, tuple[int, Any, dict[str, str]]] = {
    "busy": (429, {"detail": "slow down"}, {"Retry-After": "6"}),
    "money": (402, {"detail": "no credits"}, {}),
    "account": (401, {"detail": "Invalid key"}, {}),
    "forbidden": (403, {"detail": "locked"}, {}),
    "our_request": (422, {"detail": _INVALID}, {"X-Fal-Retryable": "false"}),
    "refused": (422, {"detail": _POLICY}, {}),
    "broken": (500, {"detail": "x"}, {"X-Fal-Error-Type": "runner_disconnected", "X-Fal-Retryable": "true"}),
    "unavailable": (503, {"detail": "x"}, {"X-Fal-Error-Type": "runner_scheduling_failure", "Retry-After": "30"}),
    "not_begun": (504, {"detail": "x"}, {"X-Fal-Error-Type": "request_timeout"}),
}


@dataclass
class FalServer(Loopback):
    """An error named `run_...` comes with the answer, not with the submission."""

    jobs: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/files/{job}/{at}", self._media), web.get("/{app:.+}/requests/{job}/status", self._state),
                web.get("/{app:.+}/requests/{job}", self._answer), web.post("/{model:.+}", self._submit)]

    def _turned_away(self, request: web.Request) -> web.Response | None:
        ours = request.headers.get("Authorization") == f"Key {self.key}"
        return None if ours else web.json_response({"detail": "Invalid key"}, status=401)

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        seen = await give(request)
        self.seen.append(seen)
        course = self.course()
        if (away := self._turned_away(request)) is not None:
            return away
        if course in _ERRORS:
            return _error(course)
        job = f"req-{len(self.jobs) + 1}"
        self.jobs[job] = (course, seen.fields)
        host = "http://127.0.0.1:9" if course == "foreign_job" else self.url
        base = f"{host}/fal-ai/flux-2/requests/{job}"
        task: dict[str, Any] = {"request_id": job, "status_url": f"{base}/status", "response_url": base,
                                "cancel_url": f"{base}/cancel", "queue_position": 0, "novelty": {}}
        if course == "no_job":
            task = {"request_id": job}
        shared = await self.shared(course, request, json.dumps(task).encode()) if course != "late" else None
        return shared or web.json_response(task)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        asked = self.asked[job] = self.asked.get(job, 0) + 1
        if (away := self._turned_away(request)) is not None:
            return away
        if job not in self.jobs:
            return web.json_response({"detail": "Request not found"}, status=404)
        course, _ = self.jobs[job]
        if course == "job_account":
            return web.json_response({"detail": "Invalid key"}, status=401)
        if course == "job_flaky" and asked == 1:
            return web.json_response({"detail": "x"}, status=502)
        if course == "job_flaky" and asked == 2:
            return web.Response(text=HTML, content_type="text/html")
        if asked <= {"late": 6, "unknown_state": 3}.get(course, 1):
            word = "WARMING_UP" if course == "unknown_state" else "IN_PROGRESS" if asked > 1 else "IN_QUEUE"
            return web.json_response({"status": word, "queue_position": 1}, status=202)
        document: dict[str, Any] = {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.0}}
        if course.startswith("run_"):
            document |= {"error": "a sentence", "error_type": "" if course == "run_broken" else course[4:]}
        return web.json_response(document)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        if (away := self._turned_away(request)) is not None:
            return away
        course, fields = self.jobs[job]
        if course.removeprefix("run_") in _ERRORS:
            return _error(course.removeprefix("run_"))
        if course == "run_quiet":
            return web.json_response({"detail": "x"})
        wanted = fields.get("num_images", 1)
        host = "https://media.example.com" if course == "foreign_picture" else self.url
        images = [{"url": f"{host}/files/{job}/{at}", "width": 1, "height": 1, "content_type": "image/png"}
                  for at in range(wanted)]
        if course == "inline":
            size = fields["image_size"]
            images = [{"url": f"data:image/png;base64,{base64_of(png(size['width'], size['height']))}"}] * wanted
        document: dict[str, Any] = {"images": images, "seed": 7, "timings": {"inference": 1.0}, "prompt": "p",
                                    "has_nsfw_concepts": [False] * wanted}
        if course == "empty":
            document["images"] = []
        if course == "too_few":
            document["images"] = images[1:]
        if course == "nsfw":
            document["has_nsfw_concepts"] = [True, *[False] * (wanted - 1)]
        if course == "strange":
            document = {"novelty": 1, **document, "has_nsfw_concepts": "none"}
        return web.json_response(document)

    async def _media(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await give(request))
        course, fields = self.jobs[request.match_info["job"]]
        size = fields["image_size"]
        width, height = size["width"] * (2 if course == "wrong_size" else 1), size["height"]
        is_jpeg = fields["output_format"] == "jpeg"
        file = jpeg(width, height) if is_jpeg else png(width, height)
        if course == "one_gone" and request.match_info["at"] == "0":
            return web.Response(status=404)
        return web.Response(body=file[:-20] if course == "cut_picture" else file,
                            content_type="image/jpeg" if is_jpeg else "image/png")


def _error(course: str) -> web.Response:
    status, body, headers = _ERRORS[course]
    return web.json_response(body, status=status, headers=headers)
