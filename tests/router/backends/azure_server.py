"""Azure OpenAI's v1 API on a loopback port: OpenAI's schema, the key in a header of its own, errors in both styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.router.backends.openai_server import OpenAIServer

__all__ = ["AzureServer"]

_INNER = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": {"jailbreak": {"filtered": False}}}
_ERRORS: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "account": (401, {"code": "401", "message": "Access denied due to invalid subscription key"}, {}),
    "blocked": (403, {"code": "Forbidden", "message": "Your resource has been temporarily blocked because we detected "
                      "behavior that may violate our content policy"}, {}),
    "filtered": (400, {"code": "contentFilter", "message": "a sentence", "inner_error": _INNER}, {}),
    "filtered_too": (400, {"code": "content_filter", "message": "a sentence", "type": None, "param": "prompt"}, {}),
    "busy": (429, {"code": "RateLimitReached", "message": "a sentence"}, {"Retry-After": "6"}),
    "no_deployment": (404, {"code": "DeploymentNotFound", "message": "a sentence"}, {}),
}


@dataclass
class AzureServer(OpenAIServer):
    """Courses of OpenAI's server, and those above in Azure's words."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/openai/v1/images/generations", self._images),
                web.post("/openai/v1/images/edits", self._images), web.get("/openai/v1/models", self._models)]

    def _turned_away(self, request: web.Request) -> web.Response | None:
        ours = request.headers.get("api-key") == self.key and "Authorization" not in request.headers
        if not ours or (self.script and self.script[0] in _ERRORS):
            return _error(self.course() if ours else "account")
        return None

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return self._turned_away(request) or await super()._models(request)

    async def _images(self, request: web.Request) -> web.StreamResponse:
        return self._turned_away(request) or await super()._images(request)


def _error(course: str) -> web.Response:
    status, error, headers = _ERRORS[course]
    return web.json_response({"error": error}, status=status, headers=headers)
