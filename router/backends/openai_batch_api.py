"""The questions of OpenAI's Batch API, each asked once, and the patience to ask one again."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from .answers import NotJson, read_object
from .holds import Hold, OpenGate, TooLarge, read_body
from .openai_batch_terms import INPUT_KEPT_S, OUTPUT_KEPT_S
from .openai_body import VendorError, translated
from .transport import NoAnswer, stated_length

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    import openai

    from ..vendors import Vendor
    from .openai_batch_terms import BatchTerms

__all__ = ["METADATA_KEY", "BatchApi", "patiently"]

METADATA_KEY = "breakeven_batch"
_MOST_BYTES = 8 * 1024 * 1024  # a hundred batches, each with the longest metadata and a list of errors
_PAGE, _MOST_PAGES = 100, 200
_CLOCKS_APART_S = 3600
_PARTIAL, _SERVER_FAULT = 206, 500
_ANSWER_S = 60.0
"""Longer than a question about a batch takes; after so long without a word it is asked again."""
_PASSING = (401, 403, 408, 409, 429)
"""Nothing was said of the work itself; a key that was withdrawn may be given back."""
_Found = TypeVar("_Found")


class BatchApi:
    """Asks through the backend's own client.

    Every method raises `VendorError` for an answer that is an error, and `NoAnswer` where none came or none that can
    be read.
    """

    def __init__(self, client: Callable[[], openai.AsyncOpenAI], *, vendor: Vendor) -> None:
        self._client, self._vendor = client, vendor

    async def upload(self, file: BinaryIO) -> str:
        """The id of a file of requests, which the vendor forgets after two days."""
        return _id(await self._told(lambda: self._client().files.with_streaming_response.create(
            file=("breakeven.jsonl", file, "application/jsonl"), purpose="batch",
            expires_after={"anchor": "created_at", "seconds": INPUT_KEPT_S})))

    async def create(self, file_id: str, url: str, *, name: str) -> str:
        """The id of a new batch, which bears our name."""
        return _id(await self._told(lambda: self._client().batches.with_streaming_response.create(
            input_file_id=file_id, endpoint=url, completion_window="24h",  # type: ignore[arg-type]
            metadata={METADATA_KEY: name}, output_expires_after={"anchor": "created_at", "seconds": OUTPUT_KEPT_S},
            timeout=_ANSWER_S)))

    async def retrieve(self, batch_id: str) -> dict[str, Any]:
        """How far a batch is."""
        return await self._told(lambda: self._client().batches.with_streaming_response.retrieve(
            batch_id, timeout=_ANSWER_S))

    async def find(self, name: str, *, since: float) -> str | None:
        """The id of the batch that bears a name; None where none does.

        Args:
            name: as in `create`.
            since: seconds since 1970 at which the name was given: where the list comes newest first, what is an hour
                older ends the search.
        """
        latest, after = float("inf"), ""
        for _ in range(_MOST_PAGES):
            page = await self._told(partial(self._page, after))
            batches = page.get("data")
            if not isinstance(batches, list) or not all(isinstance(batch, dict) for batch in batches):
                raise NoAnswer("unreadable", sent=True)
            for batch in batches:
                if isinstance(named := batch.get("metadata"), dict) and named.get(METADATA_KEY) == name:
                    return _id(batch)
                made_at = batch.get("created_at")
                latest = made_at if isinstance(made_at, int) and made_at <= latest else float("-inf")
            if not page.get("has_more") or not batches or float("-inf") < latest < since - _CLOCKS_APART_S:
                return None
            after = _id(batches[-1])
        raise NoAnswer("unanswered", sent=True)

    @contextlib.asynccontextmanager
    async def content(self, file_id: str, *, start: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """A file's bytes as they come, from `start` on if the vendor grants it: where they start, and the bytes."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with translated(self._vendor):
            async with self._client().files.with_streaming_response.content(file_id, extra_headers=headers) as answer:
                partial = answer.status_code == _PARTIAL
                if partial and not answer.headers.get("content-range", "").startswith(f"bytes {start}-"):
                    raise NoAnswer("unreadable", sent=True)
                yield start if partial else 0, answer.iter_bytes()

    def _page(self, after: str) -> AbstractAsyncContextManager[Any]:
        batches: Any = self._client().batches.with_streaming_response
        return batches.list(limit=_PAGE, timeout=_ANSWER_S, **({"after": after} if after else {}))  # type: ignore[no-any-return]

    async def _told(self, ask: Callable[[], AbstractAsyncContextManager[Any]]) -> dict[str, Any]:
        try:
            with translated(self._vendor):
                async with ask() as answer:
                    body = await read_body(answer.iter_bytes(), Hold(OpenGate()), most=_MOST_BYTES,
                                           stated=stated_length(answer.headers))
            return read_object(body)
        except (NotJson, TooLarge):
            raise NoAnswer("unreadable", sent=True) from None


async def patiently(ask: Callable[[], Awaitable[_Found]], *, terms: BatchTerms,
                    sleep: Callable[[float], Awaitable[None]]) -> _Found:
    """The first answer; a question that fails in passing is asked again, ever more slowly and for hours.

    Raises:
        NoAnswer: hours went by without one.
        VendorError: an answer that stays the same; what was made a moment ago may not be known everywhere yet.
    """
    wait, declined = terms.first_poll_s, 0
    for left in reversed(range(terms.most_misses)):
        asked_s = 0.0
        try:
            return await ask()
        except NoAnswer:
            if not left:
                raise
        except VendorError as error:
            declined += not (error.status in _PASSING or error.status >= _SERVER_FAULT)
            if not left or declined >= terms.looks:
                raise
            asked_s = error.reply.retry_after_s or 0.0
        await sleep(min(max(wait, asked_s), terms.longest_poll_s))
        wait = min(wait * terms.poll_growth, terms.longest_poll_s)
    raise NoAnswer("unanswered", sent=True)


def _id(document: dict[str, Any]) -> str:
    """The id of what a document tells of."""
    found = document.get("id")
    if not isinstance(found, str) or not found.isprintable() or " " in found or not found:
        raise NoAnswer("unreadable", sent=True)
    return found
