"""Jobs that go together: they gather, their file is uploaded, their batch is created or found."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..attempts import Kind
from ..errors import LedgerError
from .openai_batch_api import patiently
from .openai_batch_spool import data_url_chars, request_line
from .openai_batch_terms import MOST_DATA_URL_CHARS
from .openai_body import VendorError
from .protocol import Reply, Trouble
from .transport import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .openai_batch_api import BatchApi
    from .openai_batch_run import Waiter
    from .openai_batch_spool import Span, Spool
    from .openai_batch_terms import BatchTerms
    from .protocol import Watcher

__all__ = ["Line", "Member", "Pool", "UnsentError", "looked_for", "pool_name"]

_SERVER_FAULT, _TIMEOUT = 500, 408


class UnsentError(Exception):
    """Nothing was asked of the vendor that could cost anything.

    Attributes:
        reply: NOT_STARTED, and why; FAILED where asking again would be answered alike.
    """

    def __init__(self, reply: Reply) -> None:
        kind = Kind.FAILED if reply.trouble is Trouble.OUR_REQUEST else Kind.NOT_STARTED
        self.reply = replace(reply, kind=kind, refusal=None, possibly_billed=False)
        super().__init__(reply.code)


class Line:
    """A job as it will stand in the file.

    Raises:
        UnsentError: the vendor takes none so large.
    """

    def __init__(self, waiter: Waiter, *, terms: BatchTerms) -> None:
        self.pieces = request_line(waiter.job)
        self.bytes = sum(map(len, self.pieces))
        if self.bytes > terms.most_bytes or data_url_chars(waiter.job) > MOST_DATA_URL_CHARS:
            raise UnsentError(Reply(Kind.NOT_STARTED, code="too_large", trouble=Trouble.OUR_REQUEST))


@dataclass(eq=False)
class Member:
    """A job in a pool; `ready` once it is on the disk and on the books, or will never be."""

    waiter: Waiter
    watcher: Watcher
    span: Span | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Pool:
    """Jobs of one endpoint and model.

    Attributes:
        name: what the batch will bear; when it was given is part of it.
        requests, bytes: of all that ever joined.
        full: nobody joins any more.
        is_asked: the vendor may have been asked to create the batch.
    """

    url: str
    spool: Spool
    name: str = field(default_factory=lambda: f"{int(time.time()):x}-{secrets.token_hex(8)}")
    members: dict[str, Member] = field(default_factory=dict)
    requests: int = 0
    bytes: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    is_asked: bool = False

    async def join(self, member: Member, line: Line) -> None:
        """Put a job with the others, on the disk and on the books.

        Raises:
            UnsentError: disk or books take no more.
        """
        attempt_id, joined = member.waiter.job.attempt_id, False
        self.members[attempt_id] = member
        try:
            member.span = await self.spool.append(line.pieces)
            await member.watcher.submitted(pool_name(self.name, attempt_id), None)
            joined = True
        except LedgerError:
            raise UnsentError(Reply(Kind.NOT_STARTED, code="books_unavailable")) from None
        except OSError:
            raise UnsentError(Reply(Kind.NOT_STARTED, code="disk_full")) from None
        finally:
            member.ready.set()
            if not joined:
                self.left(attempt_id)

    def left(self, attempt_id: str) -> None:
        """Nobody waits for a job any more; it is not sent unless it was."""
        if not self.is_asked:
            self.members.pop(attempt_id, None)

    def answer(self, reply: Reply) -> None:
        """The same for everybody who is left."""
        for attempt_id, member in self.members.items():
            if not member.waiter.answer.done():
                member.waiter.answer.set_result(replace(reply, provider_job=pool_name(self.name, attempt_id)))

    async def filled(self, wait_s: float, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Wait until it has waited long enough or is full, and everybody who joined is ready."""
        ends = {asyncio.ensure_future(sleep(wait_s)), asyncio.ensure_future(self.full.wait())}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        self.full.set()
        for member in list(self.members.values()):
            await member.ready.wait()

    async def created(self, api: BatchApi, *, terms: BatchTerms, sleep: Callable[[float], Awaitable[None]]) -> str:
        """The id of its batch; one whose creation nobody answered for is looked for by its name.

        Raises:
            UnsentError: there is none.
            NoAnswer, VendorError: nobody knows.
        """
        file_id = await self._uploaded(api)
        self.is_asked = True
        try:
            return await api.create(file_id, self.url, name=self.name)
        except VendorError as error:
            unmade = error.reply
            if error.status < _SERVER_FAULT and error.status != _TIMEOUT:
                raise UnsentError(unmade) from None
        except NoAnswer as error:
            unmade = Reply(Kind.NOT_STARTED, trouble=Trouble.OUTAGE, code=error.code)
            if not error.sent:
                raise UnsentError(unmade) from None
        found = await looked_for(self.name, api, terms=terms, sleep=sleep)
        if found is None:
            raise UnsentError(unmade)
        return found

    async def told(self, batch_id: str) -> None:
        """Write the batch's own name on the books of all; where they fail, the pool's name finds it too."""
        async def tell(attempt_id: str, member: Member) -> None:
            with contextlib.suppress(LedgerError):
                await member.watcher.submitted(f"{batch_id} {attempt_id}", None)

        await asyncio.gather(*(tell(attempt_id, member) for attempt_id, member in self.members.items()))

    async def _uploaded(self, api: BatchApi) -> str:
        try:
            file = await self.spool.only([member.span for member in self.members.values() if member.span])
            return await api.upload(file)
        except VendorError as error:
            raise UnsentError(error.reply) from None
        except NoAnswer as error:
            raise UnsentError(Reply(Kind.NOT_STARTED, trouble=Trouble.OUTAGE, code=error.code)) from None
        except OSError:
            raise UnsentError(Reply(Kind.NOT_STARTED, code="disk_full")) from None
        finally:
            self.spool.close()


def pool_name(name: str, attempt_id: str) -> str:
    """A job's name on the books before its batch has one."""
    return f"pool_{name} {attempt_id}"


async def looked_for(name: str, api: BatchApi, *, terms: BatchTerms,
                     sleep: Callable[[float], Awaitable[None]]) -> str | None:
    """The batch of a pool, None where there is none; one created a moment ago may not be listed yet.

    Raises:
        NoAnswer, VendorError: the vendor does not say.
    """
    told = name.partition("-")[0]
    since = int(told, 16) if told.isascii() and told.isalnum() else 0
    for left in reversed(range(terms.looks)):
        found = await patiently(lambda: api.find(name, since=since), terms=terms, sleep=sleep)
        if found is not None:
            return found
        if left:
            await sleep(terms.between_looks_s)
    return None
