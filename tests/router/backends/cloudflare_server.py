"""Cloudflare Workers AI on a loopback port: a form in, an envelope out."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace

from aiohttp import web

from tests.router.backends.files import base64_of, png
from tests.router.backends.loopback import Loopback, give

__all__ = ["ACCOUNT", "CloudflareServer"]

ACCOUNT = "/client/v4/accounts/0123456789abcdef/ai"
_ERRORS: dict[str, tuple[int, int | None, dict[str, str]]] = {
    "refused": (400, 3030, {}),
    "money": (429, 3036, {}),
    "spent": (429, 4006, {}),
    "paid_plan": (403, 5035, {}),
    "account": (401, 10000, {}),
    "blocked": (403, 3023, {}),
    "busy": (429, 3040, {"Retry-After": "6"}),
    "our_request": (400, 5004, {}),
    "no_number": (400, None, {}),
    "timed_out": (408, 3007, {}),
    "broken": (500, 1000, {}),
    "unavailable": (503, None, {"Retry-After": "30"}),
}
_KNOWN = {"prompt", "width", "height", "seed", "steps"}


@dataclass
class CloudflareServer(Loopback):
    """Courses: `ok`, the errors above, `bare` without the envelope, `raw` bytes."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post(f"{ACCOUNT}/run/@cf/{{owner}}/{{model}}", self._run),
                web.get(f"{ACCOUNT}/models/search", self._search)]

    def _turned_away(self, request: web.Request) -> web.Response | None:
        return None if request.headers.get("Authorization") == f"Bearer {self.key}" else _error("account")

    async def _search(self, request: web.Request) -> web.StreamResponse:
        course = self.course()
        if course != "ok":
            return await self.shared(course, request, b"{}") or _error(course)
        return self._turned_away(request) or web.json_response({"success": True, "errors": [], "result": []})

    async def _run(self, request: web.Request) -> web.StreamResponse:
        assert request.content_type == "multipart/form-data"
        seen = await give(request)
        assert set(seen.fields) <= _KNOWN
        fields = {name: int(text) if text.isdigit() else text for name, text in seen.fields.items()}
        self.seen.append(replace(seen, fields=fields))
        course = self.course()
        if (away := self._turned_away(request)) is not None:
            return away
        if course in _ERRORS:
            return _error(course)
        file = png(fields["width"] * (2 if course == "wrong_size" else 1), fields["height"])
        made = {"image": base64_of(file[:-40] if course == "cut_picture" else file)}
        if course == "raw":
            return web.Response(body=base64.b64decode(made["image"]), content_type="image/png")
        if course == "empty":
            made = {}
        document = {"result": made, "success": True, "errors": [], "messages": []}
        if course == "bare":
            document = dict(made)
        if course == "error_in_200":
            document |= {"result": None, "success": False, "errors": [{"code": 3040, "message": "a sentence"}]}
        if course == "strange":
            document = {"novelty": {"image": "none"}, **document, "usage": {"neurons": 1.5}}
        body = json.dumps(document).encode()
        return await self.shared(course, request, body) or web.Response(body=body, content_type="application/json")


def _error(course: str) -> web.Response:
    status, number, headers = _ERRORS[course]
    errors = [] if number is None else [{"code": number, "message": "AiError: a sentence that may hold the prompt"}]
    return web.json_response({"success": False, "errors": errors, "messages": [], "result": None}, status=status,
                             headers=headers)
