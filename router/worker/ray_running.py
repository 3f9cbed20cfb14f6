"""Ray from the command line: a cluster of this machine, or the one RAY_ADDRESS names, until told to stop."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from ..errors import CannotLoad
from .ray_serve import application

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ray_serve import RayPlan

__all__ = ["run_until_stopped"]

_APPLICATION = "breakeven-worker"
_STORE_BYTES = 256 * 2**20


def run_until_stopped(plan: RayPlan, host: str, *, port: int, say: Callable[[str], None]) -> None:
    """Deploy the application, wait for SIGINT or SIGTERM, take it away again.

    Raises:
        CannotLoad: Ray is not installed, or a replica could not load its model.
    """
    app = application(plan)
    import ray  # noqa: PLC0415 (of the extra `ray`)
    from ray import serve  # noqa: PLC0415 (as above)

    say("starting ray ...")
    joined = bool(os.environ.get("RAY_ADDRESS"))
    mine: dict[str, Any] = {} if joined else {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    ray.init(configure_logging=True, log_to_driver=False, logging_level="ERROR", **mine)
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        # After Ray's own, which would abort.
        signal.signal(each, lambda *_: stopped.set())
    try:
        serve.start(http_options={"host": host, "port": port})
        say(f"loading {plan.loading.model} in {plan.least} replicas ...")
        try:
            serve.run(app, name=_APPLICATION, route_prefix="/", blocking=False)
        except RuntimeError as error:
            told = _last_line(serve.status().applications.get(_APPLICATION)) or str(error)
            raise CannotLoad(f"{plan.loading.model}: no replica came up: {told}") from None
        say(f"worker on http://{host}:{port}/v1")
        stopped.wait()
        say("stopping: what runs is finished; once more to stop at once")
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
    finally:
        serve.delete(_APPLICATION)
        if not joined:
            serve.shutdown()
        ray.shutdown()


def _last_line(status: Any) -> str:
    """What the deployment says of its failure, its last line: where the error stands."""
    told = [line.strip() for each in (status.deployments.values() if status else ()) for line in
            each.message.splitlines() if line.strip()]
    return told[-1][:300] if told else ""
