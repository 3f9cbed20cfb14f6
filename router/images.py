"""What a caller gets back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from .backends.protocol import Usage
from .quantities import Size

if TYPE_CHECKING:
    from .pictures import Picture
    from .ranking import Candidate

__all__ = ["Images", "MadeBy", "answer_text", "kept_names"]

_NOT_KEPT = frozenset({"pictures", "replayed", "held_bytes", "kept"})


@dataclass(frozen=True)
class Images:
    """The images of a request, and what was asked beside what was delivered.

    Attributes:
        model: the card's id; `option` names backend and quality as well.
        usd: settled for all attempts of this request so far.
        asked_n, asked_size: as the caller wrote them (`auto` where it was).
        state: `ok`, or `partial` where fewer images came than were asked.
        simulated: placeholders of the built-in simulator.
        replayed: the answer of an earlier request with the same key, or of one that was still running.
        ignored: wishes the backend has no place for.
        usage: tokens the provider counted; None where it counts none.
        held_bytes: bytes of the pictures inside the router's gate, until `Router.release`.
        kept: where the pictures lie in the store already.
        policy: digest of the policy that decided; empty where that is not known any more.
    """

    request_id: str
    pictures: tuple[Picture, ...]
    option: str
    backend: str
    model: str
    quality: str
    size: Size
    asked_size: str
    asked_n: int
    usd: Decimal
    attempts: int
    state: str
    simulated: bool
    ignored: tuple[str, ...] = ()
    stepped_down: bool = False
    replayed: bool = False
    created_at: int = 0
    usage: Usage | None = None
    held_bytes: int = 0
    kept: tuple[str, ...] = ()
    policy: str = ""


@dataclass(frozen=True)
class MadeBy:
    """What made the pictures of a request; `model` is the card's id."""

    option: str
    backend: str
    model: str
    quality: str
    simulated: bool = False
    stepped_down: bool = False

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """The option of a candidate."""
        option = candidate.option
        return cls(option.label, option.backend.name, option.card.id, option.quality, option.backend.simulated,
                   candidate.step > 0)


def answer_text(images: Images, names: tuple[str, ...]) -> str:
    """An answer as the books keep it: where its pictures lie, and everything but the pictures."""
    kept = {key: value for key, value in images.__dict__.items() if key not in _NOT_KEPT}
    usage = None if images.usage is None else images.usage.__dict__
    return json.dumps(kept | {"names": names, "usd": str(images.usd), "size": str(images.size), "usage": usage})


def kept_names(answer: str) -> tuple[tuple[str, ...], dict[str, object]]:
    """Names of an answer's pictures, and the fields of `Images` without them."""
    kept = json.loads(answer)
    names = tuple(kept.pop("names"))
    return names, kept | {"size": Size.parse(kept["size"]), "usd": Decimal(kept["usd"]),
                          "ignored": tuple(kept["ignored"]),
                          "usage": Usage(**kept["usage"]) if kept["usage"] else None}
