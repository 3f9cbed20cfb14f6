"""OpenAI's Images API through its own package; bodies are read here, so that pictures are moved and not parsed."""

from __future__ import annotations

import importlib
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from .answers import NotJson, read_object, read_pictures, read_usage
from .event_stream import EventReader
from .holds import MOST_SMALL_BYTES, Hold, OpenGate, TooLarge, picture_bytes, read_body
from .openai_batch import BatchLane
from .openai_batch_terms import TERMS
from .openai_body import VendorError, failed, image_fields, reply_of, translated
from .protocol import Diagnosis
from .replies import delivered_texts, headroom, lost, word
from .transport import CONNECT_S, SILENCE_S, NoAnswer, open_session, settled, stated_length

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from contextlib import AbstractAsyncContextManager

    import openai

    from ..pictures import Picture
    from .openai_batch_terms import BatchTerms
    from .protocol import Job, Reply, Watcher
    from .wiring import Wiring

__all__ = ["OpenAIBackend"]

_BESIDE_GATE = 32 * 1024
_UNKNOWN_WISHES = ("seed", "steps", "lora")


class OpenAIBackend:
    """One OpenAI account; a client of the `openai` package that retries nothing, made when it is first needed."""

    def __init__(self, wiring: Wiring, *, batches: BatchTerms = TERMS) -> None:
        importlib.import_module("openai.resources.images")  # takes 0.7 s: now rather than with the first request
        self._wiring, self._vendor = wiring, wiring.settings.vendor
        self._client: openai.AsyncOpenAI | None = None
        self._batches = BatchLane(wiring, self._open, terms=batches)

    @property
    def name(self) -> str:
        """The name it has in the settings."""
        return self._wiring.settings.name

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Ask for the pictures and wait for them; previews are told as they come, and never out of a batch."""
        in_batch = job.lane == "batch"
        reply = await (self._batches.make(job, watcher) if in_batch else
                       settled(self._make(job, watcher), self._wiring))
        wishes = tuple(wish for wish in _UNKNOWN_WISHES if getattr(job.request, wish) is not None)
        previews = ("partial_images",) if in_batch and job.request.partial_images else ()
        return replace(reply, ignored=wishes + previews)

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """Work of a batch; the API has no other name for work that runs."""
        if self._batches.knows(provider_job):
            return await self._batches.collect(provider_job, job)
        return lost("not_collectable", sent=True, vendor=self._vendor)

    async def diagnose(self) -> Diagnosis:
        """List the models, which costs nothing."""
        import httpx2  # noqa: PLC0415
        import openai  # noqa: PLC0415

        try:
            async with self._open().models.with_streaming_response.list() as answer:
                body = await read_body(answer.iter_bytes(), Hold(OpenGate()), stated=stated_length(answer.headers),
                                       most=MOST_SMALL_BYTES)
            models = [item["id"] for item in read_object(body)["data"] if "image" in item["id"]]
        except openai.APIStatusError as error:
            return Diagnosis(works=False, problem=f"HTTP {error.status_code} {word(error.code)}".strip())
        except (openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError) as error:
            return Diagnosis(works=False, problem=NoAnswer.of(error).code)
        except (NotJson, TooLarge, KeyError, TypeError):
            return Diagnosis(works=False, problem="no list of models")
        return Diagnosis(works=True, facts={"image models": ", ".join(sorted(models)) or "none"})

    async def close(self) -> None:
        """Let go of connections; what was sent in batches stays with the vendor, to be collected."""
        await self._batches.close()
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _open(self) -> openai.AsyncOpenAI:
        if self._client is None:
            import httpx2  # noqa: PLC0415
            import openai  # noqa: PLC0415

            from .openai_transport import OpenAITransport  # noqa: PLC0415

            http = httpx2.AsyncClient(
                timeout=httpx2.Timeout(SILENCE_S, connect=CONNECT_S), follow_redirects=False, trust_env=False,
                transport=OpenAITransport(self._wiring.session or open_session, key_header=self._vendor.key_header))
            self._client = openai.AsyncOpenAI(api_key=self._wiring.settings.key.value or "none", http_client=http,
                                              base_url=self._wiring.settings.base_url, max_retries=0)
            self._client.organization = self._client.project = None  # the package read them from the environment
        return self._client

    async def _make(self, job: Job, watcher: Watcher) -> Reply:
        try:
            with Hold(self._wiring.gate) as hold, translated(self._vendor):
                async with self._call(job) as response:
                    reply = await self._read(job, watcher, response, hold)
                told = response.headers
                return replace(reply, request_id=word(told.get("x-request-id")), headroom=headroom(told),
                               held_bytes=hold.hand_over() if reply.pictures else 0)
        except VendorError as error:
            return error.reply

    def _call(self, job: Job) -> AbstractAsyncContextManager[Any]:
        images: Any = self._open().images.with_streaming_response
        request, fields = job.request, _fields(job)
        if request.operation == "generate":
            return images.generate(**fields)  # type: ignore[no-any-return]
        if request.mask is not None:
            fields["mask"] = _file("mask", request.mask)
        references = [_file(f"image-{at}", picture) for at, picture in enumerate(request.references)]
        return images.edit(image=references, **fields)  # type: ignore[no-any-return]

    async def _read(self, job: Job, watcher: Watcher, response: Any, hold: Hold) -> Reply:
        if "text/event-stream" in response.headers.get("content-type", ""):
            return await self._stream(job, watcher, response, hold)
        async with aclosing(_chunks(response)) as chunks:
            body = await read_body(chunks, hold, stated=stated_length(response.headers), most=picture_bytes(job))
        hold.keep(len(body))
        return reply_of(read_object(body), job, vendor=self._vendor)

    async def _stream(self, job: Job, watcher: Watcher, response: Any, hold: Hold) -> Reply:
        """Completed pictures; a stream that ends before the first of them is no answer, whatever its status."""
        done: list[dict[str, Any]] = []
        try:
            async with aclosing(_events(job, response, hold)) as events:
                async for event in events:
                    if event["type"] == "error" or event.get("error"):
                        return failed(event, vendor=self._vendor)
                    if event["type"].endswith(".completed"):
                        done.append(event)
                    elif event["type"].endswith(".partial_image"):
                        await _tell(watcher, event)
                        hold.keep(hold.bytes if done else 0)
                    if len(done) >= job.n:
                        break
        except NoAnswer:
            if not done:
                raise
        if not done:
            return lost("stream_cut", sent=True, vendor=self._vendor)
        reply = delivered_texts(job, (event.get("b64_json") for event in done), vendor=self._vendor)
        hold.keep(sum(len(picture.data) for picture in reply.pictures))
        return replace(reply, usage=read_usage(done[-1]))


async def _chunks(response: Any) -> AsyncGenerator[bytes]:
    import httpx2  # noqa: PLC0415

    try:
        async for chunk in response.iter_bytes():
            yield chunk
    except (httpx2.HTTPError, aiohttp.ClientError) as error:
        raise NoAnswer.of(error) from None


async def _events(job: Job, response: Any, hold: Hold) -> AsyncGenerator[dict[str, Any]]:
    """Each event's document; the gate is entered when one grows, and for all pictures at once."""
    reader = EventReader(most=picture_bytes(job, 1))
    async with aclosing(_chunks(response)) as chunks:
        async for chunk in chunks:
            for named in reader.feed(chunk):
                yield _event(named)
            if reader.waiting_bytes > _BESIDE_GATE:
                await hold.enter(picture_bytes(job))


def _event(named: tuple[str, bytearray]) -> dict[str, Any]:
    """An event's document with its type; what is none has an empty type."""
    name, data = named
    try:
        document = read_object(data)
    except NotJson:
        return {"type": ""}
    return {**document, "type": str(document.get("type") or name)}


async def _tell(watcher: Watcher, event: Mapping[str, Any]) -> None:
    pictures, _ = read_pictures((event.get("b64_json"),))
    index = event.get("partial_image_index")
    for picture in pictures:
        await watcher.partial(index if isinstance(index, int) else 0, picture)


def _file(name: str, picture: Picture) -> tuple[str, bytes, str]:
    return f"{name}.{picture.format}", picture.as_bytes(), f"image/{picture.format}"


def _fields(job: Job) -> dict[str, Any]:
    # Identity: to unpack a compressed answer would cost more than to move it. Whether images honour the key is not
    # documented; it does no harm.
    headers = {"Accept-Encoding": "identity", "Idempotency-Key": job.attempt_id, "X-Client-Request-Id": job.attempt_id}
    previews = job.request.partial_images
    streamed = {"stream": True, "partial_images": previews} if previews else {}
    return {**image_fields(job), **streamed, "extra_headers": headers}
