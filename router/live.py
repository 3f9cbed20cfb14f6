"""The router as a service embeds it: settings in, images out, every rule and every dollar in between."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .adopting.pilot import Pilot
from .adopting.rollout_store import Rollouts
from .adopting.watched import Watched
from .board import Board
from .building import SystemClock, environment_settings, policy_of, settings_of
from .byte_gate import ByteGate
from .compiling import CompiledPolicies
from .decide import decide
from .dispatch import Dispatcher
from .errors import BadRequest, LedgerError
from .events import Event, tell_all
from .identity import Hasher, hash_key_of, new_request_id
from .jobs.desk import JobDesk
from .jobs.inheriting import Inheritance
from .jobs.running import Runner
from .jobs.workshop import Workshop
from .joining import Joining
from .ledger.values import Outcome
from .limits import Limits
from .making import Maker
from .request import ImageRequest
from .request_checks import check_request
from .store import PictureStore
from .tenants import for_tenant
from .upkeep import Upkeep
from .waiting import Wait
from .webhooks.addresses import check_webhook
from .webhooks.sender import WebhookSender

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .acceptance import Acceptance
    from .adopting.actual import Actual
    from .backends.protocol import Backend
    from .decide import Compiled, Decision
    from .errand import Clock
    from .images import Images
    from .jobs.desk import JobView
    from .ledger.protocol import Ledger
    from .pictures import Picture
    from .policy import Policy
    from .settings import Settings
    from .waiting import Heir

__all__ = ["Router"]


class Router:
    """Sends requests for images where the policy says, within the budgets, and keeps the books.

        async with Router.from_file("router.toml") as router:
            images = await router.generate("a red bicycle")

    One router per event loop; open it after a fork. `close` waits for what was sent and may be paid for.
    """

    def __init__(self, settings: Settings, policy: Policy, *, environ: Mapping[str, str] | None = None,
                 data: Path | None = None, clock: Clock | None = None,
                 backends: Mapping[str, Backend] | None = None, ledger: Ledger | None = None) -> None:
        self.settings, self.policy = settings, policy
        self.clock: Clock = clock or SystemClock()
        self.hooks: list[Callable[[Event], None]] = []
        self.board = Board(settings.backends)
        self.gate = ByteGate(settings.server.answer_bytes_in_flight)
        self.store = PictureStore(settings.store)
        self._environ, self._data = os.environ if environ is None else environ, data
        self._given_backends, self._given_ledger = backends, ledger
        self._tenants = {tenant.name: tenant for tenant in settings.tenants}
        self._limits = Limits(settings, self.clock, self.tell)
        self.pilot = Pilot(Rollouts.beside(settings.policy), self.clock, tell=self.tell, in_force=lambda: self.policy,
                           promoted=self.use_policy)
        self._policies = CompiledPolicies(settings, self._environ, data)

    @classmethod
    def from_file(cls, path: str | Path, *, environ: Mapping[str, str] | None = None, data: Path | None = None,
                  **parts: Any) -> Self:
        """A router of a `router.toml`; its policy is the one named there, or the shipped default.

        Raises:
            SettingsError: settings or policy cannot be used.
        """
        known = os.environ if environ is None else environ
        settings = settings_of(Path(path), known, data=data)
        return cls(settings, policy_of(settings.policy, known, data=data), environ=known, data=data, **parts)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **parts: Any) -> Self:
        """A router over every vendor whose key the environment holds.

        Raises:
            SettingsError: there is none.
        """
        known = os.environ if environ is None else environ
        return cls(environment_settings(known), policy_of(None, known), environ=known, **parts)

    async def __aenter__(self) -> Self:
        from .backends.registry import open_backends  # noqa: PLC0415 (clients are made when the router opens)
        from .ledger.open import open_ledger  # noqa: PLC0415 (the books' library is loaded with the books)

        self.ledger = self._given_ledger or open_ledger(self.settings.ledger.value)
        self._backends = self._given_backends or open_backends(
            self.settings, data=self._data, environ=self._environ, gate=self.gate)
        self._hasher = Hasher(hash_key_of(self.settings.hash_key.value, self.settings.store.folder))
        self._joining = Joining(self.ledger, self.store, clock=self.clock, hasher=self._hasher, release=self.release)
        self._dispatcher = Dispatcher(ledger=self.ledger, backends=self._backends, board=self.board, clock=self.clock,
                                      gate=self.gate, tell=self.tell)
        self._maker = Maker(
            ledger=self.ledger, dispatcher=self._dispatcher, board=self.board, limits=self._limits, clock=self.clock,
            hasher=self._hasher, tenants=self._tenants, tell=self.tell)
        self._sender = WebhookSender(self.ledger.jobs, self._tenants, clock=self.clock,
                                     hosts=self.settings.jobs.webhook_hosts, tell=self.tell)
        self._sender.start()
        self._shop = Workshop.over(self.settings, self.ledger, gate=self.gate, backends=self._backends,
                                   store=self.store, clock=self.clock, tell=self.tell, woken=self._sender.wake)
        self.pilot.refresh()
        self._runner = Runner(self._shop, self._maker, compiled=self._compiled_for, release=self.release)
        self.jobs = JobDesk(self._shop, self._maker, self._runner, hasher=self._hasher, compiled=self._compiled_for)
        self._upkeep = Upkeep(self._shop, settle_again=self._dispatcher.settle_again, learned=self.learn,
                              keep_days=self.settings.retention_days, judge=lambda: self.pilot.judge(self.ledger))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Wait for what was sent, then let go of backends and books."""
        await self._upkeep.stop()
        await self._runner.stop()
        await self._sender.stop()
        await self._dispatcher.close()
        await self._joining.close()
        for backend in self._backends.values():
            await backend.close()
        await self.ledger.close()

    @property
    def backends(self) -> Mapping[str, Backend]:
        """Every backend by the name it has in the settings."""
        return self._backends

    @property
    def compiled(self) -> Compiled:
        """The policy in force over today's catalogue; made anew when the day changes or another is published."""
        return self._policies.of(self.policy, on=self.clock.now().date())

    def _compiled_for(self, request: ImageRequest, key: str = "") -> Compiled:
        """Of the policy that decides a request: the one in force, or one on trial."""
        tried = self.pilot.policy_for(request.tenant, lambda: key or self._hasher.fingerprint(request))
        return self._policies.of(tried or self.policy, on=self.clock.now().date())

    def use_policy(self, policy: Policy) -> None:
        """From now on requests are decided by another policy; those on their way keep theirs."""
        self.policy = policy
        self.tell(Event("policy_changed", self.clock.now(), facts={"digest": policy.digest, "name": policy.name}))

    def jobs_running(self) -> int:
        """Jobs this process works on now."""
        return self._runner.count

    def tell(self, event: Event) -> None:
        """Tell every hook, behind the work at hand: one that raises takes no money and no picture with it."""
        tell_all(self.hooks, event)

    async def generate(self, prompt: str, *, idempotency_key: str = "", **wishes: Any) -> Images:
        """Images of a prompt; `wishes` are the fields of `ImageRequest`.

        Raises:
            BadRequest, KeyInUse, NotDelivered, LedgerError: see there.
        """
        return self.release(await self.answer(ImageRequest(prompt, **wishes), idempotency_key=idempotency_key))

    async def edit(self, prompt: str, references: tuple[Picture, ...], *, mask: Picture | None = None,
                   idempotency_key: str = "", **wishes: Any) -> Images:
        """Images of a prompt and reference images; errors as in `generate`."""
        request = ImageRequest(prompt, operation="edit", references=references, mask=mask, **wishes)
        return self.release(await self.answer(request, idempotency_key=idempotency_key))

    def release(self, images: Images) -> Images:
        """The pictures are the caller's now: their bytes count no longer against those in flight."""
        self.gate.leave(images.held_bytes)
        return images

    async def decide(self, request: ImageRequest) -> Decision:
        """Where a request would go now; nothing is sent.

        Raises:
            BadRequest: it cannot be honoured as written.
        """
        request = self._for_tenant(request)
        check_request(request)
        return await self._decided(request, self._compiled_for(request))

    async def _decided(self, request: ImageRequest, compiled: Compiled) -> Decision:
        if request.urgency == "can_wait":
            request = replace(request, deadline_s=self.settings.jobs.patience_of(request))
        return decide(compiled, request, states=await self._maker.states(request, compiled=compiled),
                      now=self.clock.monotonic())

    async def watch(self, request: ImageRequest, *, actual: Actual, request_id: str = "") -> Decision:
        """Decide what somebody else answers, and note it beside what really happened; nothing is sent.

        Raises:
            BadRequest: it cannot be honoured as written; that is noted, too.
            LedgerError: the books cannot be written.
        """
        watched = Watched(self.ledger.shadows, actual, row_id=request_id or new_request_id(), at=self.clock.now())
        return await watched.through(self._for_tenant(request), self.compiled, decide=self._decided)

    async def answer(self, request: ImageRequest, *, idempotency_key: str = "", wait: Wait | None = None,
                     request_id: str = "") -> Images:
        """The images of a request; the same key and parameters get the same images for a day.

        Raises:
            BadRequest: it cannot be honoured as written; one row in the books, nothing paid.
            KeyInUse: the key's request is running in another process, or has other parameters.
            NotDelivered: no image.
            LedgerError: the books cannot be written.
        """
        wait, name = wait or Wait(), request_id or new_request_id()
        request = self._for_tenant(request)
        try:
            check_request(request)
        except BadRequest as error:
            await self.reject(request, error, request_id=name)
            raise
        asker = self._joining.asker(request, wait, key=idempotency_key, request_id=name)
        return await self._joining.answer(asker, lambda late: self._maker.make(
            request, wait, name=name, compiled=self._compiled_for(request, idempotency_key), late=late))

    async def submit(self, request: ImageRequest, *, idempotency_key: str = "", webhook_url: str = "",
                     request_id: str = "") -> JobView:
        """Accept a request as a job: its images are asked for later, as `router.jobs` tells; errors as in `JobDesk`."""
        name, request = request_id or new_request_id(), self._for_tenant(request)
        try:
            check_request(request)
            if webhook_url:
                check_webhook(webhook_url, self._tenants.get(request.tenant), hosts=self.settings.jobs.webhook_hosts)
            return await self.jobs.submit(request, request_id=name, key=idempotency_key, webhook_url=webhook_url)
        except BadRequest as error:
            await self.reject(request, error, request_id=name)
            raise

    def heir(self, request: ImageRequest, *, request_id: str, idempotency_key: str = "") -> Heir:
        """Makes a job of a request should its caller go away."""
        request = self._for_tenant(request)
        patience_s = request.deadline_s or self.policy.segment(request.segment).deadline_s
        return Inheritance(self._shop, request, request_id, key=idempotency_key, patience_s=patience_s)

    async def keep_unread(self, request: ImageRequest, images: Images, *, idempotency_key: str = "") -> None:
        """The caller is gone before it read its images: they are a job that is done, and kept for its retry."""
        asker = self._joining.asker(self._for_tenant(request), Wait(), key=idempotency_key, request_id="")
        with contextlib.suppress(LedgerError):
            answer = await self._joining.keep_unread(asker, images)
            heir = self.heir(request, request_id=images.request_id, idempotency_key=idempotency_key)
            await heir.gets(answer)

    async def reject(self, request: ImageRequest, error: BadRequest, *, request_id: str) -> None:
        """One row for a request that was never sent anywhere."""
        await self._maker.reject(request, error, request_id=request_id)

    async def record_outcome(self, request_id: str, *, image: int = 0, verdict: str = "accepted", reason: str = "",
                             reviewer_seconds: float | None = None) -> bool:
        """What a person made of an image: `accepted`, `rejected` or `edited`; False where the request is unknown."""
        if verdict not in ("accepted", "rejected", "edited"):
            raise BadRequest(f"verdict = {verdict!r}: unknown; use accepted, rejected or edited", param="verdict",
                             code="invalid_verdict")
        return await self.ledger.record_outcome(
            Outcome(request_id, image, verdict, reason[:200], reviewer_seconds, self.clock.now()))  # type: ignore[arg-type]

    def _for_tenant(self, request: ImageRequest) -> ImageRequest:
        return for_tenant(self._tenants.get(request.tenant), request)

    def learn(self, acceptance: Acceptance) -> None:
        """From now on options are ordered by what people accepted."""
        self._policies.learn(acceptance)
