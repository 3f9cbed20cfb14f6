"""What is logged of an error: its type and where it happened. Its text could hold a prompt or a key and is left out."""

from __future__ import annotations

import logging
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

__all__ = ["LOG", "keep_quiet", "log_fault"]

LOG = logging.getLogger("breakeven.server")


class _TypesOnly(logging.Filter):
    """The HTTP library logs what it cannot parse, word for word."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the error's text and the traceback's values out; every record is kept."""
        if record.exc_info and record.exc_info[1] is not None:
            record.msg, record.args = f"{record.getMessage()} ({_told(record.exc_info[1])})", ()
            record.exc_info = record.exc_text = None
        return True


def log_fault(error: BaseException) -> None:
    """Log a fault of ours."""
    LOG.error("fault %s", _told(error))


def keep_quiet(loop: asyncio.AbstractEventLoop) -> logging.Logger:
    """Have neither the loop nor the HTTP library print what a client sent; the logger is for the library."""
    loop.set_exception_handler(_unheard)
    warnings.filterwarnings("ignore", module=r"aiohttp\.multipart")  # prints the client's own header
    logger = logging.getLogger("breakeven.http")
    if not logger.filters:
        logger.addFilter(_TypesOnly())
    return logger


def _unheard(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    LOG.error("%s %s", str(context.get("message", ""))[:80], _told(error) if error is not None else "")


def _told(error: BaseException) -> str:
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {places}" if places else type(error).__name__
