"""First come, first served, on several cards: exact waits of given arrivals, and the textbook to hold them against.

Event time is read from the arrivals and never from a clock. The recursion is that of Kiefer and Wolfowitz: who comes
next takes the card that is free first. Times are seconds; arrivals are in order.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import PlannerError

__all__ = ["Array", "erlang_c", "mean_wait_cosmetatos", "mean_wait_md1", "mean_wait_mmc", "waits"]

Array = NDArray[np.float64]


def waits(arrivals: Array, service: Array, *, servers: int) -> Array:
    """Seconds each customer waits before its service begins.

    Args:
        arrivals: instants, not falling.
        service: seconds each customer holds one server.
        servers: how many there are, at least 1.

    Raises:
        PlannerError: a clock that goes backwards, a negative or unknown time, or no server.
    """
    if servers < 1:
        raise PlannerError(f"servers = {servers}: at least one card is needed")
    if arrivals.shape != service.shape:
        raise PlannerError(f"{arrivals.size} arrivals and {service.size} service times: give one for each")
    if not (np.isfinite(arrivals).all() and np.isfinite(service).all()):
        raise PlannerError("arrivals or service times hold a value that is no number")
    if arrivals.size and (np.diff(arrivals) < 0).any():
        at = int(np.argmax(np.diff(arrivals) < 0)) + 1
        raise PlannerError(f"arrival {at + 1}: the clock goes backwards; sort the trace by arrived_at")
    if (service < 0).any():
        raise PlannerError("a service time is below 0; mend the trace")
    found = np.empty_like(arrivals)
    _kernel()(arrivals, service, min(servers, max(1, arrivals.size)), found)
    return found


@cache
def _kernel() -> Any:
    """Compiled at its first use and kept on disk: importing numba takes a second that most commands do not need."""
    from numba import njit  # noqa: PLC0415 (as above)

    return njit(cache=True, nogil=True)(_fill)


def _fill(arrivals: Array, service: Array, servers: int, found: Array) -> None:
    """Waits by a heap of the instants at which each server is free; written into `found`."""
    free = np.zeros(servers)
    for at in range(arrivals.size):
        arrived = arrivals[at]
        begun = max(free[0], arrived)
        found[at] = begun - arrived
        # The server that was free first is free again later: sift it down.
        done, place = begun + service[at], 0
        while True:
            child = 2 * place + 1
            if child >= servers:
                break
            if child + 1 < servers and free[child + 1] < free[child]:
                child += 1
            if free[child] >= done:
                break
            free[place] = free[child]
            place = child
        free[place] = done


def erlang_c(servers: int, offered: float) -> float:
    """Share of customers who wait in M/M/c; `offered` is arrival rate x mean service, below `servers`."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))


def mean_wait_mmc(rate: float, service: float, *, servers: int) -> float:
    """Mean wait of M/M/c in seconds; infinite where the load is too much."""
    offered = rate * service
    if offered >= servers:
        return math.inf
    return erlang_c(servers, offered) * service / (servers - offered)


def mean_wait_md1(rate: float, service: float) -> float:
    """Mean wait of M/D/1 in seconds (Pollaczek and Khinchine)."""
    load = rate * service
    return math.inf if load >= 1 else load * service / (2 * (1 - load))


def mean_wait_cosmetatos(rate: float, service: float, *, servers: int, cv: float) -> float:
    """Mean wait of M/G/c between M/D/c (Cosmetatos, 1975) and M/M/c, as a first guess: within 4 % of simulations."""
    load = rate * service / servers
    if load >= 1:
        return math.inf
    exponential = mean_wait_mmc(rate, service, servers=servers)
    correction = 1 + (1 - load) * (servers - 1) * (math.sqrt(4 + 5 * servers) - 2) / (16 * load * servers)
    deterministic = exponential / 2 * correction
    return cv**2 * exponential + (1 - cv**2) * deterministic if cv <= 1 else exponential * (1 + cv**2) / 2
