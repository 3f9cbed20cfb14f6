"""What every backend is: handed its key, client and address, it sends one job and translates one answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal  # noqa: TC003 (dataclass fields are read by tools)
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..attempts import Kind, Refusal
    from ..pictures import Picture
    from ..quantities import Size
    from ..request import ImageRequest

__all__ = ["Backend", "Diagnosis", "Gate", "Job", "Reply", "Trouble", "Usage", "Watcher"]


class Trouble(Enum):
    """What a failure says about the backend, beyond this one request."""

    NONE = "none"
    BUSY = "busy"
    OUTAGE = "outage"
    MONEY = "money"
    ACCOUNT = "account"
    OUR_REQUEST = "our_request"


@dataclass(frozen=True)
class Job:
    """One call to a provider, everything `auto` resolved.

    Attributes:
        wire_model: the provider's own name of the model.
        n: images of this call; never more than the backend makes in one.
        size, quality: resolved; quality is empty for models that have none.
        lane: `batch` where the answer may take a day and costs less for it.
        attempt_id: sent along where the protocol has a place for it, so that a provider can match a retry.
    """

    request: ImageRequest
    wire_model: str
    n: int
    size: Size
    quality: str
    attempt_id: str
    lane: Literal["sync", "batch"] = "sync"


@dataclass(frozen=True)
class Usage:
    """Tokens a provider says it counted."""

    input_text_tokens: int
    input_image_tokens: int
    output_image_tokens: int
    output_text_tokens: int = 0


@dataclass(frozen=True)
class Reply:
    """A provider's answer in our words.

    Attributes:
        kind: `TIMED_OUT` never comes from a backend: the driver keeps the time.
        pictures: whole pictures only; what was empty, cut off or no picture makes the kind BAD_ANSWER. Whole pictures
            of a bad answer (another size, fewer than asked) are here too: they were paid for.
        cost_usd: the provider's own statement of its charge (BFL credits); None where it makes none.
        usage: tokens to price by, where the provider counts them.
        possibly_billed: the provider may charge for it: after dispatch this is true unless it says otherwise.
        headroom: images that may still be asked for in this minute, where the provider says so.
        code: the provider's word for what went wrong, `http_503`, or ours: `no_picture`, `not_a_picture`,
            `wrong_size`, `too_few`, `too_large`, `not_json`, `stream_cut`, `foreign_host`, `no_connection`,
            `connection_lost`, `silent`, `too_long`.
        ignored: names of wishes the provider does not know.
        held_bytes: bytes of `pictures` that are still inside the gate; whoever takes the reply leaves for them.
    """

    kind: Kind
    pictures: tuple[Picture, ...] = ()
    cost_usd: Decimal | None = None
    usage: Usage | None = None
    possibly_billed: bool = False
    trouble: Trouble = Trouble.NONE
    refusal: Refusal | None = None
    retry_after_s: float | None = None
    provider_job: str = ""
    request_id: str = ""
    code: str = ""
    headroom: int | None = None
    ignored: tuple[str, ...] = ()
    held_bytes: int = 0


class Gate(Protocol):
    """Keeps the bytes of answers in flight under a limit: a body is read only inside of it.

    A backend sends, awaits the answer's head, and enters for what the body may take before it reads on; until then its
    socket is not read. It enters once per call, never while it is inside, so that no two calls wait for each other.
    What turns out not to be needed it leaves at once; for the pictures it hands on it leaves not at all: the driver
    calls `leave(reply.held_bytes)` when it has let go of them. An answer larger than the whole limit must be let in
    when nothing else is inside.
    """

    async def enter(self, expected_bytes: int) -> None:
        """Wait until so many bytes may be read."""

    def leave(self, expected_bytes: int) -> None:
        """They are gone."""


class Watcher(Protocol):
    """Told of what must not be lost while a call runs."""

    async def submitted(self, provider_job: str, cost_usd: Decimal | None) -> None:
        """The provider took the work under its own id, at this charge where it states one; durable on return."""

    async def partial(self, index: int, picture: Picture) -> None:
        """A preview arrived."""


@dataclass(frozen=True)
class Diagnosis:
    """What a check at no cost found: whether the key works, and facts worth showing."""

    works: bool
    problem: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Backend(Protocol):
    """A place that makes images. Retries nothing, chooses nothing, holds no price, reads no environment."""

    @property
    def name(self) -> str:
        """The name it has in the settings."""

    async def make(self, job: Job, watcher: Watcher) -> Reply:
        """Send one job and wait for its answer, however long it takes; the driver keeps the time and never cancels.

        Raises nothing a provider or a network can cause: every documented error is a Reply.
        """

    async def collect(self, provider_job: str, job: Job) -> Reply:
        """Fetch the answer of work submitted earlier, perhaps by a process that is gone.

        A backend whose protocol has no such id answers FAILED with code `not_collectable`, possibly billed.
        """

    async def diagnose(self) -> Diagnosis:
        """Check key, reach and standing without making or paying for an image."""

    async def close(self) -> None:
        """Let go of connections."""
