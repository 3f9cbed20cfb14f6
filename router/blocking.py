"""The router for code without an event loop: the same calls, each of which waits."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .live import Router

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from .decide import Decision
    from .images import Images
    from .jobs.desk import JobView
    from .pictures import Picture
    from .request import ImageRequest

__all__ = ["BlockingRouter"]

Answer = TypeVar("Answer")


class BlockingRouter:
    """A `Router` on an event loop of its own, in a thread of its own; any thread may call it while it is open.

        with BlockingRouter.from_file("router.toml") as router:
            images = router.generate("a red bicycle")
    """

    def __init__(self, router: Router) -> None:
        self.router = router
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="breakeven-router", daemon=True)

    @classmethod
    def from_file(cls, path: str | Path, **parts: Any) -> Self:
        """As `Router.from_file`."""
        return cls(Router.from_file(path, **parts))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **parts: Any) -> Self:
        """As `Router.from_env`."""
        return cls(Router.from_env(environ, **parts))

    def __enter__(self) -> Self:
        self._thread.start()
        opened = False
        try:
            self._wait(self.router.__aenter__())
            opened = True
        finally:
            if not opened:
                self._stop()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what was sent, then let go of everything; a second time does nothing."""
        if self._thread.is_alive():
            try:
                self._wait(self.router.close())
            finally:
                self._stop()

    def generate(self, prompt: str, *, idempotency_key: str = "", **wishes: Any) -> Images:
        """As `Router.generate`."""
        return self._wait(self.router.generate(prompt, idempotency_key=idempotency_key, **wishes))

    def edit(self, prompt: str, references: tuple[Picture, ...], *, mask: Picture | None = None,
             idempotency_key: str = "", **wishes: Any) -> Images:
        """As `Router.edit`."""
        return self._wait(self.router.edit(prompt, references, mask=mask, idempotency_key=idempotency_key, **wishes))

    def submit(self, request: ImageRequest, *, idempotency_key: str = "", webhook_url: str = "") -> JobView:
        """As `Router.submit`."""
        return self._wait(self.router.submit(request, idempotency_key=idempotency_key, webhook_url=webhook_url))

    def job(self, job_id: str, *, tenant: str = "") -> JobView | None:
        """As `JobDesk.find`."""
        return self._wait(self.router.jobs.find(tenant, job_id))

    def cancel_job(self, job_id: str, *, tenant: str = "") -> JobView | None:
        """As `JobDesk.cancel`."""
        return self._wait(self.router.jobs.cancel(tenant, job_id))

    def job_images(self, job: JobView) -> Images | None:
        """As `JobDesk.images`."""
        return self._wait(self.router.jobs.images(job.row))

    def decide(self, request: ImageRequest) -> Decision:
        """As `Router.decide`."""
        return self._wait(self.router.decide(request))

    def record_outcome(self, request_id: str, **told: Any) -> bool:
        """As `Router.record_outcome`."""
        return self._wait(self.router.record_outcome(request_id, **told))

    def _wait(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Waiting for a loop that does not run, or from inside of it, would never end."""
        own = threading.current_thread() is self._thread
        if own or not self._thread.is_alive():
            work.close()
            raise RuntimeError("a hook runs on the router's own loop: use the router's async methods there" if own else
                               "the router is not open: use it inside of `with BlockingRouter... as router:`")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
