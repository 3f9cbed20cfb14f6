"""Answers in OpenAI's shape. Pictures go from the provider's answer to the socket as they are: no parsing, no copy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..images import Images
    from ..pictures import Picture
    from .wishes import Wishes

__all__ = ["answer_headers", "completed_event", "ignored_header", "partial_event", "send_images", "urls_of",
           "write_chunks"]

_LONGEST_HEADER = 400
_SLICE = 128 * 1024
"""What the socket does not take at once is copied into its buffer, so a whole picture is never offered at once."""


def answer_headers(images: Images, wishes: Wishes | None, *ignored: str) -> dict[str, str]:
    """What was asked and what was delivered, by whom, at what cost; `ignored` are fields this answer passes over.

    Of a job, whose wishes are gone when it is fetched, the model asked for is not told.
    """
    told = {
        "x-request-id": images.request_id, "x-router-request-id": images.request_id,
        "x-router-backend": images.backend, "x-router-model": images.model, "x-router-option": images.option,
        "x-router-quality": images.quality or "none", "x-router-cost-usd": f"{images.usd:.6f}",
        "x-router-attempts": str(images.attempts),
        "x-router-asked-size": images.asked_size, "x-router-delivered-size": str(images.size),
        "x-router-asked-n": str(images.asked_n), "x-router-delivered-n": str(len(images.pictures)),
        "x-router-state": images.state}
    flags = {"x-router-simulated": images.simulated, "x-router-replayed": images.replayed,
             "x-router-stepped-down": images.stepped_down}
    told |= {name: "true" for name, holds in flags.items() if holds}
    told |= {"x-router-policy": images.policy} if images.policy else {}
    told |= {"x-router-asked-model": wishes.request.model[:80]} if wishes else {}
    told |= ignored_header((*(wishes.ignored if wishes else ()), *images.ignored, *ignored))
    return {name: value.encode("ascii", "replace").decode() for name, value in told.items()}


def ignored_header(names: Sequence[str]) -> dict[str, str]:
    """The fields that changed nothing, where there are any."""
    told = ",".join(name for name in dict.fromkeys(names) if name.isascii() and name.isprintable() and "," not in name)
    return {"x-router-ignored": told[:_LONGEST_HEADER]} if told else {}


async def send_images(request: web.Request, images: Images, *, wishes: Wishes | None, urls: tuple[str, ...]) -> (
        web.StreamResponse):
    """Send an answer, base64 text or addresses; it is as long as its pictures and is never built as a whole."""
    chunks = list(_chunks(images, urls))
    unkept = ("response_format",) if wishes and wishes.answers == "url" and not urls else ()
    headers = answer_headers(images, wishes, *unkept)
    response = web.StreamResponse(headers=headers | {"Content-Type": "application/json"})
    response.content_length = sum(len(chunk) for chunk in chunks)
    await response.prepare(request)
    await write_chunks(response, chunks)
    await response.write_eof()
    return response


async def write_chunks(response: web.StreamResponse, chunks: Iterable[bytes | memoryview]) -> None:
    """Write to a line as fast as its reader reads."""
    for chunk in chunks:
        view = memoryview(chunk)
        for at in range(0, len(view), _SLICE):
            await response.write(view[at:at + _SLICE])


def partial_event(operation: str, picture: Picture, *, index: int, created_at: int, quality: str) -> (
        tuple[bytes | memoryview, ...]):
    """A preview as a server-sent event, in pieces."""
    kind = "image_edit" if operation == "edit" else "image_generation"
    return _event(f"{kind}.partial_image", picture, {
        "partial_image_index": index, "created_at": created_at, "size": str(picture.size), "quality": quality or "auto",
        "background": "auto", "output_format": picture.format})


def completed_event(operation: str, images: Images, *, index: int) -> tuple[bytes | memoryview, ...]:
    """A finished image as a server-sent event, in pieces; what headers say of a whole answer stands in `router`."""
    kind, picture = "image_edit" if operation == "edit" else "image_generation", images.pictures[index]
    return _event(f"{kind}.completed", picture, {
        "created_at": images.created_at, "size": str(picture.size), "quality": images.quality or "auto",
        "background": "auto", "output_format": picture.format, "usage": _usage(images),
        "router": {"request_id": images.request_id, "backend": images.backend, "model": images.model,
                   "option": images.option, "cost_usd": f"{images.usd:.6f}", "state": images.state,
                   "asked_size": images.asked_size, "delivered_size": str(images.size), "asked_n": images.asked_n,
                   "delivered_n": len(images.pictures), "simulated": images.simulated, "replayed": images.replayed,
                   "policy": images.policy, "stepped_down": images.stepped_down, "ignored": images.ignored}})


def urls_of(base: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses of stored pictures."""
    return tuple(f"{base}/v1/images/files/{name}" for name in names)


def _chunks(images: Images, urls: tuple[str, ...]) -> Iterator[bytes | memoryview]:
    yield f'{{"created": {images.created_at}, "data": ['.encode()
    for at, picture in enumerate(images.pictures):
        comma = b", " if at else b""
        if urls:
            yield comma + json.dumps({"url": urls[at]}).encode()
            continue
        yield comma + b'{"b64_json": "'
        yield picture.as_base64()
        yield b'"}'
    tail = {"background": "auto", "output_format": images.pictures[0].format, "quality": images.quality or "auto",
            "size": str(images.size), "usage": _usage(images)}
    yield b"], " + json.dumps(tail)[1:].encode()


def _usage(images: Images) -> Mapping[str, Any]:
    """Tokens as the provider counted them; zeros where it counts none."""
    usage = images.usage
    if usage is None:
        return {"input_tokens": 0, "input_tokens_details": {"text_tokens": 0, "image_tokens": 0}, "output_tokens": 0,
                "total_tokens": 0}
    sent = usage.input_text_tokens + usage.input_image_tokens
    made = usage.output_image_tokens + usage.output_text_tokens
    return {"input_tokens": sent, "output_tokens": made, "total_tokens": sent + made, "input_tokens_details": {
        "text_tokens": usage.input_text_tokens, "image_tokens": usage.input_image_tokens}}


def _event(name: str, picture: Picture, facts: Mapping[str, Any]) -> tuple[bytes | memoryview, ...]:
    head = f'event: {name}\ndata: {{"type": "{name}", "b64_json": "'.encode()
    return head, picture.as_base64(), b'", ', json.dumps(facts)[1:].encode(), b"\n\n"
