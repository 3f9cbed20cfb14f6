"""Answers: a JSON document, one file, or a stream of events; each says what was made and where the time went."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .order import Facts, Order
    from .reading import Asked
    from .tickets import Progress, Ticket

__all__ = ["document", "file_headers", "finished_event", "progress_event"]


def document(ticket: Ticket, asked: Asked, *, files: tuple[bytes, ...], facts: Facts) -> bytes:
    """The answer as OpenAI's Images API shapes it, and `worker` beside it."""
    order = ticket.order
    head = {"created": int(time.time()), "model": facts.loaded_as, "size": _delivered(order),
            "output_format": order.output_format, "background": "opaque", "worker": _about(ticket, asked)}
    data = b",".join(b'{"b64_json":"' + base64.b64encode(file) + b'"}' for file in files)
    return b'%s,"data":[%s]}' % (json.dumps(head).encode()[:-1], data)


def file_headers(ticket: Ticket) -> Mapping[str, str]:
    """What a bare picture cannot say."""
    order = ticket.order
    return {"X-Worker-Seed": str(order.seed), "X-Worker-Steps": str(order.steps),
            "X-Worker-Size": _delivered(order), "X-Worker-Upscaled-From": str(order.size) if order.upscale != 1 else "",
            "X-Worker-Make-Seconds": f"{ticket.make_s:.3f}", "X-Worker-Queue-Seconds": f"{ticket.queue_s:.3f}"}


def progress_event(progress: Progress, *, operation: str) -> bytes:
    """One event of a stream: a step is done."""
    kind = f"{operation}.progress"
    return _event(kind, {"type": kind, "steps_done": progress.steps_done, "steps": progress.steps})


def finished_event(ticket: Ticket, asked: Asked, *, file: bytes, operation: str) -> bytes:
    """The event that carries a picture, of the kind that OpenAI's clients read."""
    kind, order = f"{operation}.completed", ticket.order
    head = {"type": kind, "created_at": int(time.time()), "size": _delivered(order), "quality": "auto",
            "output_format": order.output_format, "background": "opaque", "worker": _about(ticket, asked)}
    data = b'%s,"b64_json":"%s"}' % (json.dumps(head).encode()[:-1], base64.b64encode(file))
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), data)


def _event(kind: str, data: Mapping[str, Any]) -> bytes:
    """One event of a stream."""
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def _about(ticket: Ticket, asked: Asked) -> dict[str, Any]:
    order = ticket.order
    about = {"seed": order.seed, "steps": order.steps, "batches": ticket.batches, "ignored": list(asked.ignored),
             "seconds": {"queue": round(ticket.queue_s, 4), "lora": round(ticket.lora_s, 4),
                         "make": round(ticket.make_s, 4), "write": round(ticket.write_s, 4)},
             "joules": None if ticket.joules is None else round(ticket.joules, 1)}
    if order.upscale != 1:
        about["upscaled_from"] = str(order.size)
    return about


def _delivered(order: Order) -> str:
    return f"{order.size.width * order.upscale}x{order.size.height * order.upscale}"
