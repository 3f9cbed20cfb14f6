"""A policy on trial: its terms, and which requests it decides. Pure."""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from ..errors import SettingsError, short_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Rollout", "Terms", "arm_of", "new_rollout_id", "read_rollout"]

Arm = Literal["control", "candidate"]
_PARTS = 2**64
_LONGEST_WINDOW_S, _MOST_TENANTS = 30 * 86_400.0, 200
_MOST_LEAST = 1_000_000
_LIMITS = ("most_cost_share", "most_refused_share", "most_failed_share")


@dataclass(frozen=True)
class Terms:
    """What a policy on trial decides, for how long, and what ends it.

    Attributes:
        share: of all requests; None where `tenants` says whose requests it decides.
        window_s: how long it must hold before it may be promoted.
        most_cost_share: how much dearer an image may be, as 0.2 for a fifth.
        most_refused_share, most_failed_share: how many more requests may be refused or fail, as shares of all.
        least: requests of the candidate that must have ended before it is judged, but for what is plain.
        promote_after_window: put it in force by itself when the window has passed.
    """

    share: float | None = None
    tenants: tuple[str, ...] = ()
    window_s: float = 3_600.0
    most_cost_share: float = 0.2
    most_refused_share: float = 0.05
    most_failed_share: float = 0.02
    least: int = 50
    promote_after_window: bool = False

    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong with them."""
        told = []
        if (self.share is None) == (not self.tenants):
            told.append("give a share or tenants, one of the two")
        if self.share is not None and not 0 < self.share < 1:
            told.append(f"share = {self.share:g}: give more than 0 and less than 1, as in 0.1")
        if len(self.tenants) > _MOST_TENANTS or not all(name and name.isprintable() for name in self.tenants):
            told.append(f"tenants: give up to {_MOST_TENANTS} names")
        if not 1 <= self.window_s <= _LONGEST_WINDOW_S:
            told.append(f"window_s = {self.window_s:g}: give 1 s to 30 days")
        told += [f"{name} = {getattr(self, name):g}: give 0 or more" for name in _LIMITS
                 if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0)]
        if not 1 <= self.least <= _MOST_LEAST:
            told.append(f"least = {self.least}: give 1 to {_MOST_LEAST:,} requests")
        return tuple(told)

    @classmethod
    def read(cls, document: Mapping[str, Any], where: str) -> Self:
        """Terms from a document.

        Raises:
            SettingsError: every problem together.
        """
        known = cls.__dataclass_fields__
        problems = [f"{short_text(name)}: unknown; use only {', '.join(known)}" for name in document
                    if name not in known]
        for name, value in document.items():
            if name in known and not _fits(name, value):
                problems.append(f"{name} = {short_text(value)}: of another kind than it should be")
        if problems:
            raise SettingsError(where, tuple(problems))
        made = cls(**{**document, "tenants": tuple(document.get("tenants", ()))})
        if problems := list(made.problems()):
            raise SettingsError(where, tuple(problems))
        return made


@dataclass(frozen=True)
class Rollout:
    """A policy on trial beside the one in force.

    Attributes:
        version: its number in the store; `digest` is its policy's, `control_digest` that of the policy in force.
    """

    id: str
    version: int
    digest: str
    control_digest: str
    terms: Terms
    started_at: datetime
    by: str
    why: str

    def document(self) -> dict[str, Any]:
        """As it lies in its file."""
        return asdict(self) | {"started_at": self.started_at.isoformat()}

    @property
    def reach(self) -> str:
        """What it decides, for a person."""
        terms = self.terms
        return f"{terms.share:.3g} of all requests" if terms.share is not None else f"all of {', '.join(terms.tenants)}"


def arm_of(rollout: Rollout, *, tenant: str, identity: str) -> Arm:
    """Which policy decides a request.

    Args:
        rollout: under way.
        tenant: whose request it is.
        identity: the idempotency key, or the fingerprint where there is none: a retry gets the same arm.
    """
    if rollout.terms.share is None:
        return "candidate" if tenant in rollout.terms.tenants else "control"
    told = f"{rollout.id}\0{tenant}\0{identity}".encode("utf-8", "surrogatepass")
    place = int.from_bytes(hashlib.sha256(told).digest()[:8], "big")
    return "candidate" if place < rollout.terms.share * _PARTS else "control"


def new_rollout_id() -> str:
    """As in `roll-3f0c...`: another roll-out draws other requests."""
    return f"roll-{secrets.token_hex(6)}"


def read_rollout(document: Mapping[str, Any], where: str) -> Rollout:
    """A roll-out from its document.

    Raises:
        SettingsError: it is none.
    """
    try:
        started_at = datetime.fromisoformat(str(document["started_at"]))
        texts = {name: str(document[name]) for name in ("id", "digest", "control_digest", "by", "why")}
        version, terms = int(document["version"]), dict(document["terms"])
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(where, (f"no roll-out ({type(error).__name__}: {error}); remove the file",)) from None
    if started_at.tzinfo is None:
        raise SettingsError(where, ("started_at has no time zone; remove the file",))
    return Rollout(version=version, terms=Terms.read(terms, where), started_at=started_at, **texts)


def _fits(name: str, value: object) -> bool:
    if name == "tenants":
        return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    if name == "promote_after_window":
        return isinstance(value, bool)
    if name == "share" and value is None:
        return True
    kinds = (int,) if name == "least" else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool)
