"""Many cards, many machines: the worker's app in replicas of Ray Serve, one a card, behind a door that asks again.

A replica is the same app over the same works as `router worker` runs alone. The door reads a request whole before it
hands it on, so that a request whose replica dies is given to another one; nothing of the dead one still runs then. A
replica that is only out of reach is not replaced that way: its work may be going on.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..catalog import data_roots
from ..errors import CannotLoad
from .admission import Limits
from .building import Building
from .loading import Loading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Door", "RayPlan", "Replica", "application", "build"]

_MOST_BODY_BYTES = 64 * 2**20
_MOST_TRIES = 4
_DRAIN_S = 180.0
_SCOPE = ("type", "http_version", "method", "scheme", "path", "raw_path", "query_string", "headers", "root_path")


@dataclass(frozen=True)
class RayPlan:
    """What every replica loads, and how many there are.

    Attributes:
        least, most: replicas; where they differ, Ray adds one when more requests than `per_replica` are open for each.
        key_env: name of the variable that holds the key on every machine; the key itself does not travel.
    """

    loading: Loading
    limits: Limits = field(default_factory=Limits)
    loras: tuple[str, ...] = ()
    lora_folder: Path | None = None
    names: tuple[str, ...] = ()
    key_env: str = "BREAKEVEN_WORKER_KEY"
    data: Path | None = None
    warm_up: bool = True
    least: int = 1
    most: int = 1
    per_replica: float = 2.0
    upscale_after_s: float = 30.0
    downscale_after_s: float = 600.0

    def __post_init__(self) -> None:
        """Refuse numbers of replicas that make no sense."""
        if not 1 <= self.least <= self.most:
            raise CannotLoad(f"replicas = {self.least} to {self.most}: give 1 or more, and the most not below the "
                             "least")


class Replica:
    """One worker on one card."""

    def __init__(self, plan: RayPlan) -> None:
        """Load everything; Ray calls it on the machine that has the card."""
        built = Building.of(plan.loading, data_roots(plan.data, os.environ), limits=plan.limits, loras=plan.loras,
                            lora_folder=plan.lora_folder)
        if plan.warm_up:
            built.warm_up()
        self._works, self._begun = built.works, False
        self._app = built.app(key=os.environ.get(plan.key_env, ""), names=plan.names)
        self._count()

    async def answer(self, scope: dict[str, Any], body: bytes) -> AsyncIterator[dict[str, Any]]:
        """The messages of the app's answer; cancelling it is the caller's hanging up."""
        if not self._begun:
            self._begun = True
            await self._works.__aenter__()
        messages: asyncio.Queue[Message | None] = asyncio.Queue()
        asked = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if asked:
                return asked.pop()
            await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        running = asyncio.ensure_future(self._app(scope, receive, messages.put))
        running.add_done_callback(lambda _: messages.put_nowait(None))
        try:
            while (message := await messages.get()) is not None:
                yield dict(message)
            running.result()
        finally:
            running.cancel()

    def check_health(self) -> None:
        """Ray replaces a replica whose pipeline fails or hangs."""
        if self._works.state in ("failed", "stuck"):
            raise RuntimeError(self._works.state)

    async def __del__(self) -> None:
        """Ray waits for what runs before."""
        if self._begun:
            await self._works.__aexit__()

    def _count(self) -> None:
        """What the works tell, as metrics of Ray beside those of the app: Ray labels them with the replica."""
        from ray.serve import metrics  # noqa: PLC0415 (of the extra `ray`)

        before, counters = self._works.heard, {}

        def heard(name: str, value: float) -> None:
            before(name, value)
            if name not in counters:
                counters[name] = metrics.Counter(f"breakeven_worker_{name}", description=f"Sum of {name}")
            counters[name].inc(value)

        self._works.heard = heard


class Door:
    """Reads a request whole, hands it to a replica, and to another one should that die."""

    def __init__(self, replicas: Any) -> None:
        self._replicas = replicas.options(method_name="answer", stream=True)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """The app that Ray puts behind its address."""
        from starlette.applications import Starlette  # noqa: PLC0415 (as above)
        from starlette.routing import Mount  # noqa: PLC0415 (as above)

        return Starlette(routes=[Mount("/", app=self._pass_on)])

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        if body is None:
            await _refuse(send, 413, f"the body is above {_MOST_BODY_BYTES:,} bytes; send less", code="too_large")
            return
        plain = {name: scope[name] for name in _SCOPE if name in scope} | {"headers": [*map(tuple, scope["headers"])]}
        outcome = "died"
        for _ in range(_MOST_TRIES):
            outcome = await self._try(plain, body, send)
            if outcome != "died":
                break
        if outcome == "died":
            await _refuse(send, 503, "replica after replica died; ask again later", code="worker_failed")
        elif outcome == "full":
            await _refuse(send, 429, "too many requests wait; ask again later", code="queue_full")

    async def _try(self, scope: dict[str, Any], body: bytes, send: Send) -> Literal["answered", "died", "full"]:
        from ray.exceptions import ActorDiedError  # noqa: PLC0415 (as above)
        from ray.serve.exceptions import BackPressureError  # noqa: PLC0415 (as above)

        messages = self._replicas.remote(scope, body)
        held: list[Message] = []
        streamed = False
        try:
            async for message in messages:
                held.append(message)
                streamed = streamed or _is_stream(message)
                while streamed and held:
                    await send(held.pop(0))
        except ActorDiedError:
            if streamed:
                await send({"type": "http.response.body", "body": _CUT_OFF, "more_body": False})
            return "answered" if streamed else "died"
        except BackPressureError:
            return "full"
        except asyncio.CancelledError:
            # The caller has hung up; the replica stops between two steps.
            messages.cancel()
            raise
        for message in held:
            await send(message)
        return "answered"


_CUT_OFF = (b'event: error\ndata: {"error": {"message": "the replica died; ask again", "type": "server_error", '
            b'"param": null, "code": "worker_failed"}}\n\n')


def application(plan: RayPlan) -> Any:
    """The application of Ray Serve: a door and its replicas.

    Raises:
        CannotLoad: Ray is not installed.
    """
    try:
        from ray import serve  # noqa: PLC0415 (as above)
    except ImportError:
        raise CannotLoad("--ray needs ray[serve]; pip install 'breakeven[ray]'") from None
    on_cpu = plan.loading.device == "cpu"
    scaling: dict[str, Any] = {"num_replicas": plan.least} if plan.least == plan.most else {"autoscaling_config": {
        "min_replicas": plan.least, "max_replicas": plan.most, "target_ongoing_requests": plan.per_replica,
        "upscale_delay_s": plan.upscale_after_s, "downscale_delay_s": plan.downscale_after_s}}
    replicas = serve.deployment(Replica, name="worker").options(
        max_ongoing_requests=plan.limits.most_waiting + 1, max_queued_requests=plan.limits.most_waiting * plan.most,
        graceful_shutdown_timeout_s=_DRAIN_S, health_check_period_s=5, health_check_timeout_s=30,
        ray_actor_options={"num_cpus": 1} if on_cpu else {"num_cpus": 0, "num_gpus": 1}, **scaling)
    door = serve.deployment(serve.ingress()(Door), name="door").options(
        max_ongoing_requests=1000, graceful_shutdown_timeout_s=_DRAIN_S, ray_actor_options={"num_cpus": 0})
    return door.bind(replicas.bind(plan))


def build(arguments: Mapping[str, Any]) -> Any:
    """The same from the `args` of a config file, for `serve deploy` and `serve run router.worker.ray_serve:build`.

    Args:
        arguments: fields of a Loading (`model` at least), of Limits and of RayPlan, flat, by name.

    Raises:
        CannotLoad: a name that none of them has.
    """
    parts: dict[str, dict[str, Any]] = {"loading": {}, "limits": {}, "plan": {}}
    fields = {"loading": Loading.__dataclass_fields__, "limits": Limits.__dataclass_fields__,
              "plan": RayPlan.__dataclass_fields__}
    for name, value in arguments.items():
        place = next((part for part, known in fields.items() if name in known and name not in fields), None)
        if place is None:
            known = sorted({each for some in fields.values() for each in some} - set(fields))
            raise CannotLoad(f"args: {name}: unknown; use only {', '.join(known)}")
        kind = type(asdict(Limits())[name]) if place == "limits" else str
        parts[place][name] = kind(value) if place == "limits" else value
    plan = parts["plan"]
    for name in ("lora_folder", "data"):
        if plan.get(name):
            plan[name] = Path(plan[name])
    for name in ("loras", "names"):
        plan[name] = tuple(plan.get(name, ()))
    return application(RayPlan(Loading(**parts["loading"]), Limits(**parts["limits"]), **plan))


async def _whole(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _MOST_BODY_BYTES:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return bytes(body)


async def _refuse(send: Send, status: int, told: str, *, code: str) -> None:
    from ..server.problems import Problem  # noqa: PLC0415 (kept beside its one use)

    problem = Problem(status, told, code=code, retry_after_s=5.0 if status != 413 else None)  # noqa: PLR2004
    headers = {"Content-Type": "application/json", **problem.all_headers()}
    await send({"type": "http.response.start", "status": status,
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]})
    await send({"type": "http.response.body", "body": problem.body(), "more_body": False})


def _is_stream(message: Mapping[str, Any]) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/event-stream")
               for name, value in map(tuple, message.get("headers", ())))
