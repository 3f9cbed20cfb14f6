"""What a policy on trial is compared with, read from the books."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ..ledger.arm_values import ArmAsk
from .judging import judge

if TYPE_CHECKING:
    from datetime import datetime

    from ..ledger.arm_values import ArmSums
    from ..policy import Policy
    from .judging import Judgement
    from .rollout import Rollout

__all__ = ["asked_of_books", "judged"]

_BACK = timedelta(days=7)


def asked_of_books(rollout: Rollout) -> tuple[ArmAsk, ArmAsk, ArmAsk | None]:
    """What to ask: how the candidate fared, how the rest did since the start, and how its tenants did before it.

    A hash chose the rest like the others. Tenants are not chosen like the others: what they ask, and how often it is
    refused, is theirs. They are compared with themselves in the week before the start, or, where they asked too little
    then, with everybody else since.
    """
    candidate = ArmAsk(rollout.digest, rollout.started_at)
    rest = ArmAsk(rollout.control_digest, rollout.started_at)
    if not rollout.terms.tenants:
        return candidate, rest, None
    before = ArmAsk(rollout.control_digest, rollout.started_at - _BACK, rollout.started_at, rollout.terms.tenants)
    return candidate, rest, before


def judged(rollout: Rollout, sums: dict[ArmAsk, tuple[ArmSums, ...]], *, at: datetime, policies: tuple[Policy, Policy]
           ) -> Judgement:
    """What is to be done with a roll-out by the answers to `asked_of_books`; `policies` are the one in force and it."""
    candidate, rest, before = asked_of_books(rollout)
    control = sums[rest]
    if before is not None and sum(row.requests for row in sums[before]) >= rollout.terms.least:
        control = sums[before]
    return judge(rollout.terms, control, candidate=sums[candidate], elapsed_s=(at - rollout.started_at).total_seconds(),
                 segments=set(policies[0].segments) & set(policies[1].segments))
