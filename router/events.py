"""What happens, told to whoever listens: constant size, no prompt, no key, no picture."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 (dataclass fields are read by tools)
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Event", "tell_all"]


@dataclass(frozen=True)
class Event:
    """One thing that happened to a request.

    Attributes:
        name: `request_decided`, `attempt_sent`, `attempt_ended`, `late_answer_kept`, `budget_short`, `budget_paced`,
            `price_row_off`, `request_closed`, `policy_changed`, `books_unavailable`, `webhook_delivered`,
            `webhook_failed` (tried again), `webhook_given_up`, `job_accepted`, `job_waits`, `job_ended`, `job_broken`,
            `rollout_rolled_back`, `rollout_promoted` or `rollout_unusable`.
        option: label of the option concerned, where there is one.
        facts: numbers and codes that belong to the name.
    """

    name: str
    at: datetime
    request_id: str = ""
    attempt_id: str = ""
    option: str = ""
    tenant: str = ""
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


def tell_all(hooks: Iterable[Callable[[Event], None]], event: Event) -> None:
    """Tell every hook, behind the work at hand: what one raises goes to the event loop and not into that work."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        for hook in hooks:
            hook(event)
        return
    for hook in hooks:
        loop.call_soon(hook, event)
