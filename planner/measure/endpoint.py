"""A running server from outside: requests that arrive when they would, whether or not the last one is answered.

Latency counts from the instant a request was due, so that a server which falls behind cannot hide it by being asked
less (coordinated omission).
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np

from planner.errors import PlannerError
from router.open_internet import is_private_literal
from router.quantities import Size  # noqa: TC001 (the loader reads field types at run time)
from router.server.doors import is_loopback
from router.tables import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Asked", "Endpoint", "Load", "arrivals", "check_cost", "load_of", "measure_endpoint"]

_MOST_OPEN = 512
_ANSWER_S = 900.0
_PROMPT = "A quiet harbour at dawn, fishing boats at the quay, mist over the water"
_OK = 200


@dataclass(frozen=True)
class Asked:
    """One request to a server: a row of `throughput/endpoints/*.csv`.

    Attributes:
        rate: requests a second that were offered; the same in all rows of a session.
        due_s, sent_s: since the session's begin; a difference between the two is the measuring side's own.
        latency_s: from `due_s` to the whole answer.
        status: of HTTP; 0 where no answer came. `code` is the server's word for an error.
    """

    id: str
    session: str
    at: str
    url: str
    model: str
    size: Size
    steps: int | None
    n: int
    rate: float
    due_s: float
    sent_s: float
    latency_s: float
    status: int
    code: str
    answer_bytes: int
    line: int = 0

    def __post_init__(self) -> None:
        """Refuse a row without a time."""
        if self.latency_s < 0 or self.rate <= 0:
            raise Invalid("latency_s", self.latency_s, "latency of 0 or more, rate above 0", "write what was measured")


@dataclass(frozen=True)
class Endpoint:
    """What to ask: base address as in `http://gpu:8091/v1`, the model's name there, and the pictures wanted."""

    url: str
    model: str
    size: Size
    steps: int | None
    n: int = 1
    key: str = ""


@dataclass(frozen=True)
class Load:
    """What came of one rate. Percentiles of latency in seconds are over answered requests; None without one."""

    rate: float
    requests: int
    answered: int
    images_per_s: float
    percentiles: dict[str, float]
    errors: dict[str, int]
    late_s: float

    @property
    def keeps_up(self) -> bool:
        """Whether at least 95 % were answered, and the last half no slower than three times the first on median."""
        return self.answered >= 0.95 * self.requests and self.percentiles.get("trend", 9.0) <= 3.0  # noqa: PLR2004


def check_cost(url: str, *, may_cost: bool) -> None:
    """Refuse a server that may send a bill, unless that was meant.

    Raises:
        PlannerError: no http address, or a host that is not on this machine or a private network.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PlannerError(f"--endpoint {url}: give http://host:port/v1")
    if not may_cost and not is_loopback(parts.hostname) and not is_private_literal(parts.hostname):
        raise PlannerError(f"--endpoint {url}: {parts.hostname} is not known to be yours, and every request may cost; "
                           "add --may-cost if that is meant")


def arrivals(rate: float, requests: int, *, seed: int) -> tuple[float, ...]:
    """Instants of a Poisson process, in seconds; the first request is due at 0."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, max(0, requests - 1))
    return (0.0, *(float(at) for at in np.cumsum(gaps)))[:requests]


async def measure_endpoint(endpoint: Endpoint, due: Sequence[float], *, rate: float,
                           told: Callable[[Asked], None]) -> list[Asked]:
    """Ask at every instant of `due`; `told` hears of each answer.

    Raises:
        PlannerError: the server cannot be reached at all.
    """
    session, begun, at = secrets.token_hex(4), monotonic(), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    connector = aiohttp.TCPConnector(limit=_MOST_OPEN)
    rows: list[Asked] = []
    async with aiohttp.ClientSession(connector=connector, headers=headers,
                                     timeout=aiohttp.ClientTimeout(total=_ANSWER_S)) as client:
        async def one(number: int, instant: float) -> None:
            await asyncio.sleep(max(0.0, begun + instant - monotonic()))
            sent = monotonic() - begun
            status, code, size = await _ask(client, endpoint, seed=number)
            row = Asked(f"{session}-{number:05d}", session, at, endpoint.url, endpoint.model, endpoint.size,
                        endpoint.steps, endpoint.n, rate, instant, sent, monotonic() - begun - instant, status, code,
                        size)
            rows.append(row)
            told(row)

        await asyncio.gather(*(one(number, instant) for number, instant in enumerate(due)))
    if rows and all(row.status == 0 for row in rows):
        raise PlannerError(f"--endpoint {endpoint.url}: no answer at all ({rows[0].code}); is it running?")
    return sorted(rows, key=lambda row: row.due_s)


async def _ask(client: aiohttp.ClientSession, endpoint: Endpoint, *, seed: int) -> tuple[int, str, int]:
    body: dict[str, Any] = {"prompt": _PROMPT, "model": endpoint.model, "n": endpoint.n, "size": str(endpoint.size),
                            "seed": seed, "response_format": "b64_json"}
    if endpoint.steps is not None:
        body["num_inference_steps"] = endpoint.steps
    try:
        async with client.post(f"{endpoint.url.rstrip('/')}/images/generations", json=body) as answer:
            data = await answer.read()
            return answer.status, "" if answer.status == _OK else _code(data, answer.status), len(data)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return 0, type(error).__name__, 0


def _code(data: bytes, status: int) -> str:
    import json  # noqa: PLC0415 (of an error alone)

    try:
        document = json.loads(data)
        return str(document["error"]["code"])[:60]
    except (ValueError, KeyError, TypeError):
        return f"http_{status}"


def load_of(rows: Sequence[Asked]) -> Load:
    """What the requests of one session come to."""
    good = [row for row in rows if row.status == _OK]
    errors: dict[str, int] = {}
    for row in rows:
        if row.status != _OK:
            errors[f"{row.status} {row.code}".strip()] = errors.get(f"{row.status} {row.code}".strip(), 0) + 1
    found: dict[str, float] = {}
    if good:
        latencies = np.array([row.latency_s for row in good])
        found = {f"p{share}": float(np.percentile(latencies, share)) for share in (50, 90, 95, 99)}
        half = len(latencies) // 2
        if half:
            found["trend"] = float(np.median(latencies[half:]) / max(1e-9, np.median(latencies[:half])))
    span = max((row.due_s + row.latency_s for row in rows), default=0.0)
    return Load(rows[0].rate, len(rows), len(good), sum(row.n for row in good) / span if span else 0.0, found, errors,
                max((row.sent_s - row.due_s for row in rows), default=0.0))
