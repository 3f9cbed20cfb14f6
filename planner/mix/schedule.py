"""How many cards in which hour of the week: an integer program over what each further card saves in each hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import PlannerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.queueing import Array

    from .paying import Paying

__all__ = ["best_schedule"]

_WEEK_H = 168


def best_schedule(saved: Array, paying: Paying, *, least: int = 0) -> tuple[NDArray[np.int64], int]:
    """Cards by hour of the week, and how many of them to reserve.

    Solved with HiGHS. A card that is reserved is paid for in every hour, at less an hour: so it is worth it exactly
    where its hours exceed the ratio of the two rents, the critical fractile of the load-duration curve.

    Args:
        saved: US dollars a week that 0, 1 ... k cards save in each hour, 168 rows and k + 1 columns.
        paying: rents, and what switching on costs.
        least: cards that must be on in every hour.

    Raises:
        PlannerError: the program has no solution.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 (loaded where a plan is solved)

    hours, most = saved.shape[0], saved.shape[1] - 1
    gains = np.diff(saved, axis=1)  # of the 1st, 2nd ... card; they fall, so the first is taken before the second
    gains = np.minimum.accumulate(gains, axis=1)
    steps, base = hours * most, hours * most + hours
    cost = np.concatenate([(paying.usd_per_h - gains).ravel(), np.full(hours, paying.start_usd),
                           [hours * (paying.reserved_usd_per_h or paying.usd_per_h) - hours * paying.usd_per_h]])
    if paying.reserved_usd_per_h is None:
        cost[base] = 1.0
    matrix, low = _constraints(hours, most)
    upper = np.concatenate([np.ones(steps), np.full(hours, most), [most]])
    lower = np.zeros(base + 1)
    for hour in range(hours):
        lower[hour * most:hour * most + least] = 1.0
    whole = np.concatenate([np.ones(steps), np.zeros(hours), [1]])
    found = milp(cost, constraints=LinearConstraint(matrix, low, np.inf), bounds=Bounds(lower, upper),
                 integrality=whole, options={"time_limit": 10.0, "mip_rel_gap": 1e-4})
    if found.x is None:
        raise PlannerError(f"no schedule of cards: {found.message}")
    cards = np.rint(found.x[:steps]).reshape(hours, most).sum(axis=1).astype(np.int64)
    return cards, round(float(found.x[base])) if paying.reserved_usd_per_h is not None else 0


def _constraints(hours: int, most: int) -> tuple[Any, Array]:
    """Columns: each card of each hour, the starts of each hour, the reserved cards; rows with their least values."""
    from scipy.sparse import coo_array  # noqa: PLC0415 (as above)

    start, base = hours * most, hours * most + hours
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    low: list[float] = []
    for hour in range(hours):
        before = (hour - 1) % hours
        at = len(low)  # the starts of an hour: at least as many as cards were added
        for card in range(most):
            rows += [at, at]
            columns += [hour * most + card, before * most + card]
            values += [-1.0, 1.0]
        rows.append(at)
        columns.append(start + hour)
        values.append(1.0)
        low.append(0.0)
        at = len(low)  # reserved cards are among those that are on
        rows += [at] * (most + 1)
        columns += [*range(hour * most, (hour + 1) * most), base]
        values += [1.0] * most + [-1.0]
        low.append(0.0)
    return coo_array((values, (rows, columns)), shape=(len(low), base + 1)).tocsr(), np.array(low)
