"""OpenAI's Batch and Files APIs on a loopback port, written from its published types and its guide to batches."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.router.backends.loopback import Seen, give, hung_up
from tests.router.backends.openai_server import _ERRORS, OpenAIServer, _error

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OpenAIBatchServer"]

_URLS = ("/v1/images/generations", "/v1/images/edits")
_DONE = ("expired", "cancelled")


@dataclass
class OpenAIBatchServer(OpenAIServer):
    """A batch goes through `states` as it is asked about, and ends in the last.

    Attributes:
        faults: what happens to the next calls of an operation (upload, create, retrieve, list, content): an error of
            the Images API, `lost` (done, but nobody is told), `hung_up` (not done), `html`, or `cut` (half a file).
        courses: how single requests go, by custom id: as in the Images API, or `missing` for a line in neither file.
        finished: requests that are done when the batch expires or is cancelled.
        ranges: the vendor lets a download begin in the middle, after it did not so many times.
        refuses: the code with which validation fails.
        id_first: `custom_id` stands at the start of a line.
        unnamed: answers in which a batch that is over names no files yet.
    """

    states: tuple[str, ...] = ("validating", "in_progress", "finalizing", "completed")
    faults: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    courses: dict[str, str] = field(default_factory=dict)
    finished: int = 10**9
    ranges: bool = False
    ranges_ignored: int = 0
    refuses: str = ""
    id_first: bool = True
    unnamed: int = 0
    uploads: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    batches: list[dict[str, Any]] = field(default_factory=list)
    upload_sizes: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    cut_after: int = 1000

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.post("/v1/files", self._upload), web.post("/v1/batches", self._create),
                web.get("/v1/batches", self._list), web.get("/v1/batches/{id}", self._retrieve),
                web.post("/v1/batches/{id}/cancel", self._cancel), web.get("/v1/files/{id}/content", self._content)]

    def count(self, operation: str) -> int:
        """How often it was asked."""
        return self.asked.count(operation)

    async def _fault(self, operation: str, request: web.Request) -> web.StreamResponse | None:
        self.asked.append(operation)
        course = self.faults[operation].popleft() if self.faults[operation] else "ok"
        if course in _ERRORS:
            return _error(course)
        return None if course in ("ok", "lost", "cut") else await self.shared(course, request, b"{}")

    def _lost(self, operation: str) -> bool:
        """Whether the call that is being answered is done but not told."""
        return bool(self.faults[operation]) and self.faults[operation][0] in ("lost", "cut")

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        seen = await give(request)
        self.seen.append(seen)
        lost = self._lost("upload")
        if (fault := await self._fault("upload", request)) is not None:
            return fault
        assert seen.fields["purpose"] == "batch"
        assert seen.fields["expires_after[anchor]"] == "created_at"
        assert 3600 <= int(seen.fields["expires_after[seconds]"]) <= 2592000
        name, file_name, _, content = seen.files[0]
        assert name == "file"
        assert file_name.endswith(".jsonl")
        file_id = f"file-in{len(self.uploads)}"
        self.uploads[file_id] = [json.loads(line) for line in content.splitlines()]
        self.upload_sizes.append(len(content))
        if lost:
            return await hung_up(request)
        return web.json_response({"id": file_id, "object": "file", "bytes": len(content), "created_at": 1790000000,
                                  "filename": file_name, "purpose": "batch", "status": "processed"})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        seen = await give(request)
        self.seen.append(seen)
        lost = self._lost("create")
        if (fault := await self._fault("create", request)) is not None:
            return fault
        told = seen.fields
        assert told["completion_window"] == "24h"
        assert told["endpoint"] in _URLS
        assert 3600 <= told["output_expires_after"]["seconds"] <= 2592000
        batch = self.add_batch(told["input_file_id"], endpoint=told["endpoint"], metadata=told["metadata"])
        if lost:
            return await hung_up(request)
        return web.json_response(self._told(batch))

    def add_batch(self, file_id: str, *, endpoint: str, metadata: dict[str, str],
                  created_at: int | None = None) -> dict[str, Any]:
        lines = self.uploads.get(file_id, [])
        batch = {"id": f"batch_{len(self.batches)}", "object": "batch", "endpoint": endpoint, "input_file_id": file_id,
                 "completion_window": "24h", "metadata": metadata, "left": deque(self.states), "status": "validating",
                 "created_at": created_at or int(metadata.get("breakeven_batch", "6ab00000").partition("-")[0], 16),
                 "lines": lines}
        models = {line["body"]["model"] for line in lines}
        names = [line["custom_id"] for line in lines]
        bad = (any(set(line) != {"custom_id", "method", "url", "body"} or line["method"] != "POST"
                   or line["url"] != endpoint for line in lines) or len(models) > 1 or len(set(names)) < len(names))
        if self.refuses or bad:
            batch["left"], batch["refused"] = deque(["validating", "failed"]), self.refuses or "invalid_json_line"
        self.batches.append(batch)
        return batch

    def _told(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch as the vendor tells of it."""
        status, lines = batch["status"], batch["lines"]
        done, failed = ([*self._output(batch)], [*self._errors(batch)]) if status in ("completed", *_DONE) else ([], [])
        told = {name: batch[name] for name in ("id", "object", "endpoint", "input_file_id", "completion_window",
                                               "metadata", "created_at", "status")}
        told |= {"output_file_id": f"out-{batch['id']}" if done else None,
                 "error_file_id": f"err-{batch['id']}" if failed else None, "errors": None,
                 "request_counts": {"total": len(lines), "completed": len(done), "failed": len(failed)}}
        if status in ("completed", *_DONE) and self.unnamed:
            self.unnamed -= 1
            told |= {"output_file_id": None, "error_file_id": None}
        if status == "failed":
            told["errors"] = {"object": "list", "data": [{"code": batch["refused"], "message": "a sentence", "line": 1,
                                                          "param": None}]}
        return told

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        if (fault := await self._fault("retrieve", request)) is not None:
            return fault
        for batch in self.batches:
            if batch["id"] == request.match_info["id"]:
                if batch["left"]:
                    batch["status"] = batch["left"].popleft()
                return web.json_response(self._told(batch))
        return _error("unknown_model")

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if (fault := await self._fault("list", request)) is not None:
            return fault
        newest = self.batches[::-1]
        after = request.query.get("after")
        start = next((at + 1 for at, batch in enumerate(newest) if batch["id"] == after), 0)
        page = newest[start:start + int(request.query["limit"])]
        return web.json_response({
            "object": "list", "data": [self._told(batch) for batch in page],
            "has_more": start + len(page) < len(newest), "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None})

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        batch = next(batch for batch in self.batches if batch["id"] == request.match_info["id"])
        batch["status"], batch["left"] = "cancelling", deque(["cancelling", "cancelled"])
        return web.json_response(self._told(batch))

    async def _content(self, request: web.Request) -> web.StreamResponse:
        cut = self._lost("content")
        self.seen.append(Seen("GET", request.path, dict(request.headers), {}))
        if (fault := await self._fault("content", request)) is not None:
            return fault
        kind, _, batch_id = request.match_info["id"].partition("-")
        batch = next(batch for batch in self.batches if batch["id"] == batch_id)
        names = self._output(batch) if kind == "out" else self._errors(batch)
        start, response = 0, web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        asked = request.headers.get("Range")
        self.ranges_ignored -= asked is not None
        if self.ranges and asked and self.ranges_ignored < 0:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            response = web.StreamResponse(status=206, headers={"Content-Range": f"bytes {start}-999/1000"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        sent = 0
        for line in names:
            data = self._line(batch, line)
            part = data[max(start - sent, 0):]
            sent += len(data)
            if cut and sent >= self.cut_after:
                await response.write(part[:len(part) // 2])
                return await hung_up(request)
            if part:
                await response.write(part)
        return response

    def _course(self, line: dict[str, Any]) -> str:
        return self.courses.get(line["custom_id"], "ok")

    def _run(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        """Requests that were begun, in another order than they came."""
        lines = batch["lines"][:self.finished] if batch["status"] in _DONE else batch["lines"]
        return list(reversed(lines))

    def _output(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        return (line for line in self._run(batch) if self._course(line) not in (*_ERRORS, "missing", "request_timeout"))

    def _errors(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        run = [line["custom_id"] for line in self._run(batch)]
        return (line for line in batch["lines"] if line["custom_id"] not in run
                or self._course(line) in (*_ERRORS, "request_timeout"))

    def _line(self, batch: dict[str, Any], line: dict[str, Any]) -> bytes:
        """A line of the output or of the errors."""
        name, course, body = line["custom_id"], self._course(line), line["body"]
        told: dict[str, Any] = {"id": f"batch_req_{name}", "custom_id": name, "response": None, "error": None}
        if batch["status"] in _DONE and line not in batch["lines"][:self.finished]:
            told["error"] = {"code": f"batch_{batch['status']}", "message": "This request could not be executed."}
        elif course == "request_timeout":
            told["error"] = {"code": "request_timeout", "message": "a sentence"}
        elif course in _ERRORS:
            status, kind, code, _ = _ERRORS[course]
            error = {"message": "a sentence that may hold the prompt", "type": kind, "param": None, "code": code}
            told["response"] = {"status_code": status, "request_id": f"req_{name}", "body": {"error": error}}
        elif course == "not_json":
            return f'{{"custom_id": "{name}", "response": {{"status_code": 200\n'.encode()
        else:
            files = (("", "", "", b""),) * len(body.get("images", ()))
            answer = json.loads(self.answer(Seen("POST", line["url"], {}, body, files), course))
            told["response"] = {"status_code": 200, "request_id": f"req_{name}", "body": answer}
        if not self.id_first:
            told["custom_id"] = told.pop("custom_id")  # the last word of the line
        return json.dumps(told).encode() + b"\n"
