"""Work that a vendor does under its own id: ask until it is over, then fetch what it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..pictures import NotAPicture, read_picture
from .answers import NotJson, as_base64, as_text, read_object
from .holds import TooLarge, picture_bytes
from .transport import ForeignHost, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ..pictures import Picture
    from .holds import Hold
    from .protocol import Job
    from .transport import Answer, Transport

__all__ = ["fetch_pictures", "poll"]

_FIRST_WAIT_S, _LONGEST_WAIT_S, _BACKOFF = 0.5, 2.0, 1.2
_MOST_MISSES = 30
"""Questions in a row without a usable answer, about a minute; the work can be collected later."""
_MOST_FETCHES = 3
_OK, _PASSING, _SERVER_FAULT = 200, (408, 429), 500


async def poll(ask: Callable[[], Awaitable[Answer]], *, over: Callable[[Answer, dict[str, Any]], bool],
               sleep: Callable[[float], Awaitable[None]]) -> tuple[Answer, dict[str, Any]]:
    """The first answer that says the work is over, and its document.

    Asks after 0.5 s and then ever more slowly, every 2 s at last. The work is paid for, so that a question that fails
    is asked again.

    Raises:
        NoAnswer: nobody has answered for about a minute.
    """
    wait, misses = _FIRST_WAIT_S, 0
    while misses < _MOST_MISSES:
        await sleep(wait)
        wait, misses = min(wait * _BACKOFF, _LONGEST_WAIT_S), misses + 1
        try:
            answer = await ask()
            document = read_object(answer.body)
        except (NoAnswer, NotJson, TooLarge):
            continue
        if answer.status in _PASSING or answer.status >= _SERVER_FAULT:
            continue
        misses = 0
        if over(answer, document):
            return answer, document
    raise NoAnswer("unanswered", sent=True)


async def fetch_pictures(transport: Transport, places: Sequence[object], *, job: Job, hold: Hold,
                         sleep: Callable[[float], Awaitable[None]]) -> tuple[tuple[Picture, ...], int]:
    """The pictures at addresses or in data URIs, and how many places held none; no key is sent.

    Raises:
        NoAnswer, ForeignHost, TooLarge, NotAPicture: why not one could be had.
    """
    if len(places) > 1:
        await hold.enter(picture_bytes(job, len(places)))
    pictures: list[Picture] = []
    failure: Exception | None = None
    for place in places:
        try:
            pictures.append(await _picture(transport, place, job=job, hold=hold, sleep=sleep))
        except (NoAnswer, ForeignHost, TooLarge, NotAPicture) as error:
            failure = error
    if failure is not None and not pictures:
        raise failure
    hold.keep(sum(len(picture.data) for picture in pictures))
    return tuple(pictures), len(places) - len(pictures)


async def _picture(transport: Transport, place: object, *, job: Job, hold: Hold,
                   sleep: Callable[[float], Awaitable[None]]) -> Picture:
    if bytes(as_base64(place)[:4]) != b"http":
        return read_picture(as_base64(place), is_base64=True)
    for left in reversed(range(_MOST_FETCHES)):
        try:
            answer = await transport.ask("GET", as_text(place), hold=hold, most=picture_bytes(job, 1))
        except NoAnswer:
            if not left:
                raise
        else:
            if answer.status == _OK:
                return read_picture(memoryview(answer.body), is_base64=False)
        await sleep(_FIRST_WAIT_S)
    raise NoAnswer("unanswered", sent=True)
