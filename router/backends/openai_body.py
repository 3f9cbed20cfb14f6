"""What a request to OpenAI's Images API says and how its answer reads: the same by either lane."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from .answers import picture_texts, read_usage
from .replies import delivered_texts, error_code, from_status, word
from .transport import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..vendors import Vendor
    from .protocol import Job, Reply

__all__ = ["VendorError", "failed", "image_fields", "reply_of", "translated"]


class VendorError(ConnectionError):
    """The vendor answered with an error.

    Attributes:
        status: of HTTP.
        reply: what it means for the work that was asked for.
    """

    def __init__(self, status: int, reply: Reply) -> None:
        self.status, self.reply = status, reply
        super().__init__(f"HTTP {status} {reply.code}")


@contextmanager
def translated(vendor: Vendor) -> Iterator[None]:
    """Errors of OpenAI's package in our words.

    Raises:
        VendorError: an answer that is an error.
        NoAnswer: the network failed.
    """
    import httpx2  # noqa: PLC0415
    import openai  # noqa: PLC0415

    try:
        yield
    except openai.APIStatusError as error:
        code = word(error.code) or word(error.type)
        raise VendorError(error.status_code, from_status(
            error.status_code, code=code, headers=error.response.headers, vendor=vendor)) from None
    except (openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError) as error:
        raise NoAnswer.of(error) from None


def image_fields(job: Job) -> dict[str, Any]:
    """The body of a request without its pictures, and without previews."""
    request = job.request
    fields: dict[str, Any] = {"model": job.wire_model, "prompt": request.prompt, "n": job.n, "size": str(job.size),
                              "output_format": request.output_format}
    if request.output_compression is not None and request.output_format in ("jpeg", "webp"):
        fields["output_compression"] = request.output_compression
    wishes = {"quality": job.quality, "background": request.background, "safety_identifier": request.safety_identifier}
    if request.operation == "generate":
        wishes["moderation"] = request.moderation
    return fields | {name: wish for name, wish in wishes.items() if wish not in ("", "auto")}


def reply_of(document: Mapping[str, Any], job: Job, *, vendor: Vendor) -> Reply:
    """What the body of a 200 means."""
    if document.get("error"):
        return failed(document, vendor=vendor)
    reply = delivered_texts(job, picture_texts(document), vendor=vendor)
    return replace(reply, usage=read_usage(document))


def failed(document: Mapping[str, Any], *, vendor: Vendor) -> Reply:
    """An error that came after a status of 200, and so after the work began."""
    code = error_code(document) or word(document.get("code"))
    return from_status(500, code=code, headers={}, vendor=vendor)
