"""The worker as an ASGI app: OpenAI's Images API over the works. The same app runs under uvicorn and in Ray Serve."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import RouterError
from ..server.problems import Problem, problem_of
from .answering import document, file_headers, finished_event, progress_event
from .keeping import Kept, Shelf
from .metrics import Metrics
from .reading import read_order
from .sending import Streamed, Whole, until_gone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from .fine_tunes import FineTune
    from .reading import Asked
    from .tickets import Ticket
    from .works import Works

__all__ = ["Desk", "make_app"]

_SILENCE_S = 15.0
_READ_S = 120.0
_MOST_READ_AT_ONCE = 16
_NO_METHOD = 405


def make_app(works: Works, *, shelf: Mapping[str, FineTune], key: str = "", names: tuple[str, ...] = ()) -> Starlette:
    """The app over works that it starts and stops itself.

    Args:
        works: not yet entered.
        shelf: fine-tunes by the name that requests use.
        key: what `Authorization: Bearer` must say; empty for everybody who reaches it.
        names: more names that requests may call the model by.
    """
    from starlette.applications import Starlette  # noqa: PLC0415 (comes with the extra `worker`)
    from starlette.exceptions import HTTPException  # noqa: PLC0415 (as above)
    from starlette.routing import Route  # noqa: PLC0415 (as above)

    desk = Desk(works, shelf=shelf, key=key, names=names)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with works:
            yield

    return Starlette(lifespan=lifespan, exception_handlers={HTTPException: desk.no_such_path}, routes=[
        Route("/v1/images/generations", desk.images, methods=["POST"]),
        Route("/v1/images/edits", desk.images, methods=["POST"]),
        Route("/v1/models", desk.models), Route("/v1/loras", desk.loras),
        Route("/v1/images/progress/{request_id}", desk.progress),
        Route("/health", desk.health), Route("/metrics", desk.metrics)])


class Desk:
    """Answers every path."""

    def __init__(self, works: Works, *, shelf: Mapping[str, FineTune], key: str, names: tuple[str, ...]) -> None:
        self._works, self._shelf, self._key, self._names = works, shelf, key, names
        self._kept, self._numbers = Shelf(), Metrics(works)
        self._named: dict[str, Ticket] = {}
        self._reading = asyncio.Semaphore(_MOST_READ_AT_ONCE)

    async def images(self, request: Request) -> ASGIApp:
        """Make pictures."""
        try:
            self._let_in(request)
            return await self._make(request, await self._read(request))
        except RouterError as error:
            return self._refused(request, problem_of(error))

    async def no_such_path(self, _: Request, error: Exception) -> Response:
        """404 and 405 in the shape of every other error."""
        from starlette.responses import Response  # noqa: PLC0415 (as above)

        status = int(getattr(error, "status_code", 404))
        told = "this path does not take that method" if status == _NO_METHOD else "no such path; see docs/worker.md"
        problem = Problem(status, told, code="not_found" if status != _NO_METHOD else "method_not_allowed")
        return Response(problem.body(), status_code=status, media_type="application/json",
                        headers=problem.all_headers())

    async def health(self, _: Request) -> Response:
        """Whether requests are taken; reads four numbers and no card."""
        from starlette.responses import JSONResponse  # noqa: PLC0415 (as above)

        works = self._works
        body = {"status": works.state, "model": works.facts.loaded_as, "waiting": works.waiting,
                "under_way": works.under_way, "waiting_s": round(works.waiting_s, 1)}
        return JSONResponse(body, status_code=200 if works.state == "ready" else 503)

    async def metrics(self, _: Request) -> Response:
        """Every metric as text."""
        from starlette.responses import Response  # noqa: PLC0415 (as above)

        return Response(self._numbers.page(), media_type=self._numbers.content_type)

    async def models(self, request: Request) -> Response:
        """What is loaded, as OpenAI lists models."""
        facts = self._works.facts
        about = {"weights": facts.weights, "card": facts.model, "pipeline": facts.pipeline, "dtype": facts.dtype,
                 "device": facts.device_name, "default_steps": facts.default_steps, "parameters": facts.parameters,
                 "quantisation": facts.quantisation, "compile": facts.compile, "cache": facts.cache}
        return self._listed(request, [{"id": name, "object": "model", "created": 0, "owned_by": "worker",
                                       "worker": about} for name in (facts.loaded_as, *self._names)])

    async def loras(self, request: Request) -> Response:
        """Fine-tunes that requests may name."""
        return self._listed(request, [{"id": each.name, "object": "lora", "bytes": each.file_bytes,
                                       "tensors": each.tensors} for each in self._shelf.values()])

    async def progress(self, request: Request) -> Response:
        """Steps done of a request that named itself and is under way."""
        from starlette.responses import JSONResponse  # noqa: PLC0415 (as above)

        try:
            self._let_in(request)
        except Problem as problem:
            return self._refused(request, problem)
        ticket = self._named.get(request.path_params["request_id"])
        if ticket is None:
            return self._refused(request, Problem(404, "no such request is under way", code="not_found"))
        progress = ticket.progress
        return JSONResponse({"steps_done": progress.steps_done, "steps": progress.steps,
                             "waiting": ticket.begun is None})

    async def _read(self, request: Request) -> Asked:
        """A body in time; only so many are read at once, since each may be large."""
        from starlette.requests import ClientDisconnect  # noqa: PLC0415 (as above)

        try:
            async with asyncio.timeout(_READ_S), self._reading:
                return await read_order(request, facts=self._works.facts, limits=self._works.limits,
                                        fine_tunes=self._shelf, names=self._names)
        except TimeoutError:
            raise Problem(408, f"the body did not come within {_READ_S:.0f} s; send it again", code="timeout",
                          retry_after_s=1.0) from None
        except ClientDisconnect:
            raise Problem(400, "the caller hung up while sending", code="hung_up") from None

    async def _make(self, request: Request, asked: Asked) -> ASGIApp:
        if asked.stream:
            return self._stream(request, asked)
        kept = self._kept.take(asked.order, now=monotonic())
        if kept is not None:
            self._numbers.hear("kept_answers", 1)
            return self._answer(request, asked, kept)
        ticket = self._works.take(asked.order)
        gone = asyncio.ensure_future(until_gone(request.receive))
        with self._known(ticket):
            try:
                await asyncio.wait((ticket.done, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                # Cancelled, or gone: nobody waits for it any more.
                gone.cancel()
                hung_up = not ticket.done.done()
                self._works.leave(ticket)
        if hung_up:
            raise Problem(499, "the caller hung up", code="hung_up")
        return self._answer(request, asked, Kept(ticket, ticket.done.result(), monotonic()))

    def _answer(self, request: Request, asked: Asked, kept: Kept) -> ASGIApp:
        path = request.scope["route"].path

        def sent(whole: bool, seconds: float) -> None:
            self._numbers.answered(path, status=200 if whole else 499)
            if whole:
                self._numbers.hear("send_s", seconds)
                return
            self._numbers.hear("undelivered", 1)
            self._kept.keep(asked.order, kept)

        if asked.as_file:
            media = {"Content-Type": f"image/{asked.order.output_format}"}
            return Whole(kept.files[0], {**media, **file_headers(kept.ticket)}, sent=sent)
        body = document(kept.ticket, asked, files=kept.files, facts=self._works.facts)
        return Whole(body, {"Content-Type": "application/json"}, sent=sent)

    def _stream(self, request: Request, asked: Asked) -> ASGIApp:
        news = asyncio.Event()
        ticket = self._works.take(asked.order, lambda _: news.set())
        ticket.done.add_done_callback(lambda _: news.set())
        edit = request.url.path.endswith("/edits")
        self._numbers.answered(request.scope["route"].path, status=200)
        return Streamed(_events(ticket, asked, news, operation="image_edit" if edit else "image_generation"),
                        leave=lambda: self._works.leave(ticket))

    def _refused(self, request: Request, problem: Problem) -> Response:
        from starlette.responses import Response  # noqa: PLC0415 (as above)

        self._numbers.answered(request.scope["route"].path, status=problem.status, code=problem.code)
        return Response(problem.body(), status_code=problem.status, media_type="application/json",
                        headers=problem.all_headers())

    def _let_in(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if self._key and not hmac.compare_digest(given.encode(), f"Bearer {self._key}".encode()):
            raise Problem(401, "this worker has another key; send Authorization: Bearer KEY", code="invalid_api_key")

    def _listed(self, request: Request, rows: list[dict[str, Any]]) -> Response:
        from starlette.responses import JSONResponse  # noqa: PLC0415 (as above)

        try:
            self._let_in(request)
        except Problem as problem:
            return self._refused(request, problem)
        return JSONResponse({"object": "list", "data": rows})

    @contextlib.contextmanager
    def _known(self, ticket: Ticket) -> Iterator[None]:
        name = ticket.order.request_id
        if name:
            self._named[name] = ticket
        try:
            yield
        finally:
            if self._named.get(name) is ticket:
                del self._named[name]


async def _events(ticket: Ticket, asked: Asked, news: asyncio.Event, *, operation: str) -> AsyncIterator[bytes]:
    """Every step that is done, then the pictures; a line of silence where nothing happens for long."""
    while not ticket.done.done():
        try:
            async with asyncio.timeout(_SILENCE_S):
                await news.wait()
        except TimeoutError:
            yield b": waiting\n\n"
            continue
        news.clear()
        if ticket.steps_done and not ticket.done.done():
            yield progress_event(ticket.progress, operation=operation)
    error = ticket.done.exception()
    if error is None:
        for file in ticket.done.result():
            yield finished_event(ticket, asked, file=file, operation=operation)
    elif isinstance(error, RouterError):
        yield b"event: error\ndata: " + problem_of(error).body() + b"\n\n"
