"""What the second engine of `fleet` starts from: work and conditions as records, every card at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .conditions import Scaling
from .errors import PlannerError
from .fleet_line import CALL, CARD, ENDS, HOURS, IDLE, JOB, OFF, STATE, Floor

if TYPE_CHECKING:
    from .conditions import Conditions
    from .fleet import Rule, Work

__all__ = ["floor_of"]


def floor_of(work: Work, rule: Rule, *, conditions: Conditions) -> Floor:
    """Work, cards and conditions for the compiled half, nothing begun.

    Raises:
        PlannerError: a condition without a value for each request.
    """
    size, cards, failures = work.at.size, int(rule.on.max()), conditions.failures
    scaling = conditions.scaling or Scaling(cards, 0.0, 0.0, 0.0)
    until_s, least = max(conditions.until_s, float(work.at[-1]) if size else 0.0), min(scaling.least, cards)
    jobs, classes = _jobs(work, conditions)
    one_by_one = rule.by_image & work.leaves & ~work.can_wait
    calls = int(np.where(work.own, np.where(one_by_one, work.images, -(-work.images // work.call_images)), 0).sum())
    standing, line, hours, state = (np.zeros(count, kind) for count, kind in (
        (cards, CARD), (classes, ENDS), (rule.on.size, HOURS), (1, STATE)))
    standing["state"], standing["loaded"] = np.where(np.arange(cards) < least, IDLE, OFF), -1
    line["head"] = line["tail"] = -1
    hours["on"] = rule.on
    for name, value in (("until_s", until_s), ("by_image", rule.by_image), ("scales", conditions.scaling is not None),
                        ("least", least), ("start_s", scaling.start_s), ("wait_s", scaling.wait_s),
                        ("idle_s", scaling.idle_s), ("repair_s", 0.0 if failures is None else failures.repair_s),
                        ("left", size), ("hourly", cards)):
        state[name] = value
    lives_s = np.zeros((0, 0)) if failures is None else failures.lives_s(cards, until_s=until_s)
    return Floor(jobs, standing, np.zeros(calls, CALL), line, hours, state, np.zeros(calls + cards), lives_s)


def _jobs(work: Work, conditions: Conditions) -> tuple[Any, int]:
    """Requests as records, and how many classes they have."""
    jobs = np.zeros(work.at.size, JOB)
    for name in ("kind", "switch_s", "priority", "deadline_s"):
        given = getattr(conditions, name)
        if given is not None and given.shape != work.at.shape:
            raise PlannerError(f"{name}: {given.size} values for {work.at.size} requests; give one for each")
    for name, values in work._asdict().items():
        jobs[name] = values
    for name in ("kind", "switch_s"):
        if getattr(conditions, name) is not None:
            jobs[name] = getattr(conditions, name)
    jobs["deadline_s"] = np.inf if conditions.deadline_s is None else conditions.deadline_s
    if conditions.priority is None:
        return jobs, 1
    classes, rank = np.unique(-conditions.priority, return_inverse=True)
    jobs["rank"] = rank.reshape(-1)
    return jobs, max(1, classes.size)
