"""Errors of the router.

    RouterError
    ├── TableError      a table cannot be trusted: which file, line, key and value, and how to mend it
    ├── PriceError      no price can be named for what was asked: why, and what to ask instead
    ├── BriefError      a file of prompts cannot be read or written: which file, why, and what to do
    ├── CannotLoad      a model, or a file beside it, cannot be loaded as asked: which option, and what would work
    ├── NoReading       a graphics card's driver tells nothing: what is missing
    ├── OutOfMemory     a picture did not fit on the card; what was loaded still works
    ├── OutOfReach      the measurements do not reach the configuration asked for
    ├── SettingsError   settings or a policy cannot be used: every problem together, one line each
    ├── BadRequest      a request cannot be honoured as written: which parameter, and what to write instead
    ├── LedgerError     the books cannot be read or written, so nothing may be paid for
    ├── KeyInUse        an idempotency key is running elsewhere, or stands for another request
    └── NotDelivered    no image: refused, no money, no option, failed or too late; the decision tells why
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BadRequest", "BriefError", "CannotLoad", "KeyInUse", "LedgerError", "NoReading", "NotDelivered",
           "OutOfMemory", "OutOfReach", "PriceError", "RouterError", "SettingsError", "TableError", "one_line",
           "short_text"]

_LONGEST = 80


def one_line(text: str) -> str:
    """A message for a terminal: control characters escaped, so that it stays one line and steers nothing."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def short_text(value: object) -> str:
    """A value as a message shows it: quoted where it is text, control characters escaped, cut where it is long."""
    told = repr(value)
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}..."


class RouterError(Exception):
    """Base of everything the router raises on purpose; its text is one line for a person."""


class TableError(RouterError):
    """A table row that the loader refuses.

    Attributes:
        file, line: where the row stands (line 1 is the header; 0 where no line applies).
        key, value: the column or key, and what it held.
        remedy: what to write instead.
    """

    def __init__(self, file: Path, line: int, *, key: str, value: object, problem: str, remedy: str) -> None:
        self.file, self.line, self.key, self.value, self.remedy = file, line, key, value, remedy
        where = f"{file}:{line}" if line else str(file)
        super().__init__(f"{where}: {key} = {short_text(value)}: {problem}; {remedy}")


class PriceError(RouterError):
    """A question the price tables cannot answer; the text names the remedy. Never answered with 0."""


class BriefError(RouterError):
    """A file of prompts that cannot be read, or an answer that cannot be written; the text names file and remedy."""


class CannotLoad(RouterError):
    """A model, a fine-tune or an option of theirs that cannot be loaded; the text names it and what would work."""


class OutOfMemory(RouterError):
    """A batch did not fit on the card; its memory was given back, and the next one may fit."""


class NoReading(RouterError):
    """No card can be read; the text says what is missing. Without it nothing is known of joules, clocks and memory."""


class OutOfReach(RouterError):
    """The measurements do not reach this configuration; the text says what is missing and what would mend it."""


class SettingsError(RouterError):
    """Settings or a policy that cannot be used.

    Attributes:
        problems: every problem found, each with its key, its value and the remedy.
    """

    def __init__(self, where: str, problems: tuple[str, ...]) -> None:
        self.where, self.problems = where, problems
        super().__init__("; ".join(f"{where}: {problem}" for problem in problems))


class BadRequest(RouterError):
    """A request that cannot be honoured as written.

    Attributes:
        param: the parameter at fault.
        code: a stable word for it, as in `invalid_size`.
    """

    def __init__(self, message: str, *, param: str, code: str) -> None:
        self.param, self.code = param, code
        super().__init__(message)


class LedgerError(RouterError):
    """The books cannot be read or written; the text says what to mend. Nothing is paid for then."""


class KeyInUse(RouterError):
    """An idempotency key that cannot be answered now: its request is running, or it stands for another request.

    Attributes:
        running: true while it runs (ask again later); false where the parameters differ.
    """

    def __init__(self, *, running: bool) -> None:
        self.running = running
        super().__init__("the request of this idempotency key is still running; ask again later" if running else
                         "this idempotency key was used with other parameters; use a new key")


class NotDelivered(RouterError):
    """No image came of a request.

    Attributes:
        state: `no_option`, `refused`, `no_budget`, `queued`, `failed` or `timed_out`.
        request_id: its row in the books.
        code: the provider's or the limit's own word.
        retry_after_s: when it may be worth asking again; None where it is not.
        pending: an attempt still runs; its answer is kept for a repetition of the request.
    """

    def __init__(self, message: str, *, state: str, request_id: str, code: str = "",
                 retry_after_s: float | None = None, pending: bool = False) -> None:
        self.state, self.request_id, self.code = state, request_id, code
        self.retry_after_s, self.pending = retry_after_s, pending
        super().__init__(message)
