"""Servers that speak OpenAI's Images API in a dialect, on a loopback port; each is as strict as its original."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiohttp import web

from tests.router.backends.loopback import give
from tests.router.backends.openai_server import OpenAIServer

if TYPE_CHECKING:
    from tests.router.backends.loopback import Seen

__all__ = ["CompatibleServer"]

_JSON_ALWAYS = ("empty", "error_in_200", "refused_in_200", "strange", "null_picture", "fetched")
_FORMATS = {"together": ("base64",), "deepinfra": ("",), "azure-flux": ("",), "vllm-omni": ("b64_json", "file", ""),
            "sglang": ("b64_json",), "worker": ("b64_json", "file", "")}
_UNKNOWN = {"together": ("size", "mask"), "azure-flux": ("size", "mask", "lora", "response_format"),
            "deepinfra": ("width", "seed", "steps", "response_format", "output_format"),
            "vllm-omni": ("mask", "width", "steps"), "sglang": ("lora", "mask"), "worker": ("mask",)}


@dataclass
class CompatibleServer(OpenAIServer):
    """`speaks` is the id of a row in `backends/dialects.csv`."""

    speaks: str = "worker"

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/health", self._health), web.get("/files/{at}", self._file),
                web.post("/v1/flux-2-pro", self._flux), web.get("/openai/v1/models", self._models),
                web.get("/v1/me", self._models)]

    async def _models(self, request: web.Request) -> web.StreamResponse:
        """DeepInfra gives its list to anybody, and the account to its owner alone."""
        is_open = self.speaks == "deepinfra" and request.path != "/v1/me"
        if not is_open and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": {"code": "invalid_api_key"}}, status=401)
        return await super()._models(request)

    async def _flux(self, request: web.Request) -> web.StreamResponse:
        assert self.speaks == "azure-flux"
        assert request.query_string == "api-version=preview"
        assert "Content-Length" in request.headers
        told = await request.json()
        if told.get("model") != "FLUX.2-pro" or told.get("n") != 1:
            return web.json_response({"error": {"code": "InternalServerError"}}, status=500)
        return await self._images(request)

    async def _health(self, request: web.Request) -> web.StreamResponse:
        course = self.course()
        if course != "ok":
            return await self.shared(course, request, b"{}") or web.json_response({}, status=503)
        return web.json_response({"status": "ok"})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await give(request))
        return web.Response(body=base64.b64decode(self._draw(self.seen[0], "ok")), content_type="image/png")

    async def _images(self, request: web.Request) -> web.StreamResponse:
        if self.script and self.script[0] == "detail":
            self.course()
            detail = [{"loc": ["body"], "msg": "a sentence", "type": "missing"}]
            return web.json_response({"detail": detail}, status=422)
        return await super()._images(request)

    def kind(self, seen: Seen, course: str) -> str:
        is_raw = seen.fields.get("response_format") == "file" and course not in _JSON_ALWAYS
        return "image/png" if is_raw else super().kind(seen, course)

    def answer(self, seen: Seen, course: str) -> bytes:
        fields = dict(seen.fields)
        assert fields.get("response_format", "") in _FORMATS[self.speaks]
        assert not set(_UNKNOWN[self.speaks]) & {*fields, *(name for name, *_ in seen.files)}
        if "width" in fields:
            fields["size"] = f"{fields['width']}x{fields['height']}"
        seen = replace(seen, fields=fields)
        if course == "fetched":
            items = [{"url": f"{self.url}/files/{at}"} for at in range(int(fields.get("n", 1)))]
            self.seen[0] = seen
            return json.dumps({"data": items}).encode()
        if self.kind(seen, course) == "image/png":
            return base64.b64decode(self._draw(seen, "ok" if course == "cut_picture" else course))[:(
                -20 if course == "cut_picture" else None)]
        return super().answer(seen, course)
