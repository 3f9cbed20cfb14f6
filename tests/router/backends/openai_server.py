"""OpenAI's Images API on a loopback port, written from its published types and error notes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from router.quantities import Size
from tests.router.backends.files import base64_of, jpeg, png
from tests.router.backends.loopback import Loopback, give

if TYPE_CHECKING:
    from tests.router.backends.loopback import Seen

__all__ = ["OpenAIServer"]

_HEADERS = {"x-request-id": "req_loopback", "x-ratelimit-remaining-images": "4",
            "x-ratelimit-remaining-requests": "90", "openai-processing-ms": "12000"}
_ERRORS: dict[str, tuple[int, str, str, dict[str, str]]] = {
    "refused": (400, "image_generation_user_error", "moderation_blocked", {}),
    "money": (429, "insufficient_quota", "insufficient_quota", {}),
    "billing_limit": (400, "invalid_request_error", "billing_hard_limit_reached", {}),
    "account": (401, "invalid_request_error", "invalid_api_key", {}),
    "forbidden": (403, "invalid_request_error", "unsupported_country_region_territory", {}),
    "busy": (429, "requests", "rate_limit_exceeded", {"retry-after": "7", "retry-after-ms": "6500"}),
    "our_request": (400, "invalid_request_error", "unknown_parameter", {}),
    "unknown_model": (404, "invalid_request_error", "model_not_found", {}),
    "broken": (500, "server_error", "", {}),
    "unavailable": (503, "server_error", "", {"retry-after": "30"}),
}


@dataclass
class OpenAIServer(Loopback):
    """Courses: `ok`, the errors above, and the misbehaviours below."""

    padding: int = 0
    unburdened: bool = False

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/images/generations", self._images), web.post("/v1/images/edits", self._images),
                web.get("/v1/models", self._models)]

    async def _models(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await give(request))
        course = self.course()
        if course in _ERRORS:
            return _error(course)
        if course != "ok":
            found = await self.shared(course, request, b'{"data": []}')
            assert found is not None
            return found
        return web.json_response({"object": "list", "data": [{"id": "gpt-image-2"}, {"id": "gpt-9"}]})

    async def _images(self, request: web.Request) -> web.StreamResponse:
        seen = await give(request)
        self.seen.append(seen)
        course = self.course()
        if course in _ERRORS:
            return _error(course)
        if str(seen.fields.get("stream")).lower() == "true":
            return await self._stream(request, seen, course)
        if course == "broken_and_cut":
            response = web.StreamResponse(status=500, headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"error":')
            assert request.transport is not None
            request.transport.close()
            return response
        body, kind = self.answer(seen, course), self.kind(seen, course)
        if course == "heavy":
            heavy = body + b" " * 2**25
            response = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(len(heavy))})
            await response.prepare(request)
            await response.write(heavy)
            self.unburdened = True
            return response
        shared = await self.shared(course, request, body, kind)
        return shared or web.Response(body=body, content_type=kind, headers=_HEADERS)

    def kind(self, seen: Seen, course: str) -> str:
        """The media type of a 200."""
        del seen, course
        return "application/json"

    def answer(self, seen: Seen, course: str) -> bytes:
        """The body of a 200."""
        wanted = int(seen.fields.get("n", 1))
        made = self._draw(seen, course)
        items: list[dict[str, Any]] = [{"b64_json": made} for _ in range(wanted)]
        document: dict[str, Any] = {
            "created": 1790000000, "background": "opaque", "data": items, "output_format": "png", "quality": "medium",
            "size": seen.fields["size"], "usage": _usage(wanted, seen)}
        if course == "empty":
            document["data"] = []
        if course == "too_few":
            document["data"] = items[1:]
        if course == "null_picture":
            document["data"] = [{"b64_json": None}] * wanted
        if course == "by_address":
            document["data"] = [{"url": "https://example.com/1.png", "revised_prompt": None}] * wanted
        if course == "error_in_200":
            document = {"error": {"message": "died", "type": "server_error", "param": None, "code": None}}
        if course == "refused_in_200":
            document = {"error": {"message": "no", "type": "image_generation_user_error", "code": "moderation_blocked"}}
        if course == "no_usage":
            del document["usage"]
        if course == "strange":
            document = {"usage": document.pop("usage"), "novelty": {"b64_json": "no picture"}, **document,
                        "data": [{"revised_prompt": 'a "quoted" \\ one', **item, "more": [1]} for item in items]}
            return json.dumps(document, indent=2).replace("/", "\\/").encode()
        return json.dumps(document).encode()

    def _draw(self, seen: Seen, course: str) -> str:
        size = Size.parse(seen.fields["size"])
        if course == "wrong_size":
            size = Size(size.width * 2, size.height)
        file = (jpeg(size.width, size.height) if seen.fields.get("output_format") == "jpeg"
                else png(size.width, size.height, padding=self.padding))
        return base64_of(file[:-40] if course == "cut_picture" else file)

    async def _stream(self, request: web.Request, seen: Seen, course: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_HEADERS})
        await response.prepare(request)
        kind = "image_edit" if "edits" in seen.path else "image_generation"
        made = {"b64_json": self._draw(seen, course), "created_at": 1, "size": seen.fields["size"], "quality": "low",
                "background": "opaque", "output_format": "png"}

        async def tell(name: str, data: dict[str, Any]) -> None:
            await response.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

        await response.write(b": heartbeat\r\n\r\n")
        for at in range(int(seen.fields.get("partial_images", 0))):
            name = f"{kind}.partial_image"
            await tell(name, {"type": name, "partial_image_index": at, **made})
        if course == "stream_error":
            await tell("error", {"error": {"message": "died", "type": "server_error", "code": "server_error"}})
        elif course == "stream_refused":
            await tell("error", {"error": {"type": "image_generation_user_error", "code": "moderation_blocked"}})
        elif course == "stream_dropped":
            assert request.transport is not None
            request.transport.close()
        elif course != "stream_cut":
            await tell("something.new", {"type": "something.new", "b64_json": 5})
            await response.write(b"data: [DONE\n\n")
            for _ in range(int(seen.fields.get("n", 1))):
                await tell(f"{kind}.completed", {"type": f"{kind}.completed", **made, "usage": _usage(1, seen)})
        if course == "stream_goes_on":
            await asyncio.sleep(60)
        return response


def _usage(wanted: int, seen: Seen) -> dict[str, Any]:
    image_in = 300 * len(seen.files)
    return {"input_tokens": 50 + image_in, "input_tokens_details": {"text_tokens": 50, "image_tokens": image_in},
            "output_tokens": 1056 * wanted, "output_tokens_details": {"image_tokens": 1056 * wanted, "text_tokens": 0},
            "total_tokens": 50 + image_in + 1056 * wanted}


def _error(course: str) -> web.Response:
    status, kind, code, headers = _ERRORS[course]
    error = {"message": "a sentence that may hold the prompt", "type": kind, "param": None, "code": code or None}
    return web.json_response({"error": error}, status=status, headers={**_HEADERS, **headers})
