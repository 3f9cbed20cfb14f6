"""Events reach a real receiver: signed, in order, again where it fails, and nobody waits for another's receiver."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from router.errors import LedgerError
from router.webhooks import sender as sender_module

from .receiving import SECRETS, Clock, Receiver, Told, add_job, end_job, opened, sending, tenant

if TYPE_CHECKING:
    from pathlib import Path

    from router.ledger.job_protocol import Message


def states(receiver: Receiver, path: str = "") -> list[str]:
    return [json.loads(seen.body)["data"]["state"] for seen in receiver.seen if path in seen.path]


def test_events_arrive_signed_and_in_order_and_leave_nothing_behind(tmp_path: Path) -> None:
    async def story() -> None:
        told = Told()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told) as sender:
            await add_job(ledger, "img-1", receiver.url("hush"))
            await end_job(ledger, "img-1")
            sender.wake()
            delivered = await told.heard("webhook_delivered", 2)
            assert states(receiver) == ["running", "done"]
            assert [seen.id for seen in receiver.seen] == ["msg-img-1-1", "msg-img-1-2"]
            for seen in receiver.seen:
                assert Webhook(SECRETS[0]).verify(seen.body, dict(seen.headers))["data"]["id"] == "img-1"
                assert seen.headers["Content-Type"] == "application/json"
            assert [dict(event.facts) for event in delivered] == [
                {"number": number, "tries": 1, "code": "http_204", "host": f"127.0.0.1:{receiver.port}"}
                for number in (1, 2)]
            assert {(event.request_id, event.tenant) for event in delivered} == {("img-1", "acme")}
            assert "hush" not in repr(told.events)
            assert await ledger.jobs.take_messages(9, at=Clock().now() + timedelta(days=9)) == ()

    asyncio.run(story())


@pytest.mark.parametrize(("answer", "code"), [
    (500, "http_500"), (404, "http_404"), ((302, {"Location": "/elsewhere"}), "http_302"), ("hang", "timeout"),
    ("hang up", "hung_up"), ((308, {"Location": "http://169.254.169.254/"}), "http_308"),
    ((200, {"X-Long": "x" * 20_000}), "garbled")])
def test_what_has_not_arrived_is_sent_again_with_the_same_id_and_a_new_instant(tmp_path: Path, answer: Any,
                                                                               code: str) -> None:
    async def story() -> None:
        told, clock = Told(), Clock()
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(ledger, told, clock=clock, timeout_s=0.3) as sender):
            receiver.script["/a"] += [answer, answer, 204]
            await add_job(ledger, "img-1", receiver.url("a"))
            sender.wake()
            for times, again_in_s in ((1, 5), (2, 300)):
                failed = (await told.heard("webhook_failed", times))[-1]
                assert failed.facts["code"] == code
                assert again_in_s <= int(str(failed.facts["again_in_s"])) <= again_in_s * 1.1 + 1
                clock.ahead += timedelta(seconds=again_in_s * 1.1 + 1)
                sender.wake()
            (delivered,) = await told.heard("webhook_delivered")
            assert delivered.facts["tries"] == 3
            assert {seen.id for seen in receiver.seen} == {"msg-img-1-1"}
            instants = [int(seen.headers["webhook-timestamp"]) for seen in receiver.seen]
            assert instants == sorted(set(instants))
            assert {seen.path for seen in receiver.seen} == {"/a"}

    asyncio.run(story())


def test_a_receiver_that_is_down_or_speaks_no_http_gets_its_events_when_it_is_back(tmp_path: Path) -> None:
    async def story() -> None:
        told, clock, back = Told(), Clock(), Receiver()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told, clock=clock) as sender:
            async with back:
                url = back.url("a")
            await add_job(ledger, "img-1", url)
            await add_job(ledger, "img-2", receiver.garbage_url)
            sender.wake()
            failed = await told.heard("webhook_failed", 2)
            assert {(event.request_id, event.facts["code"]) for event in failed} == {
                ("img-1", "unreachable"), ("img-2", "garbled")}
            async with back:
                clock.ahead += timedelta(seconds=6)
                sender.wake()
                (delivered,) = await told.heard("webhook_delivered")
            assert (delivered.request_id, delivered.facts["tries"]) == ("img-1", 2)

    asyncio.run(story())


def test_a_receiver_that_wants_to_be_left_alone_is_and_its_line_waits_with_it(tmp_path: Path) -> None:
    async def story() -> None:
        told, clock = Told(), Clock()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told, clock=clock) as sender:
            receiver.script["/busy"] += [(429, {"Retry-After": "900"}), 204]
            await add_job(ledger, "img-1", receiver.url("busy"))
            sender.wake()
            (failed,) = await told.heard("webhook_failed")
            assert 900 <= int(str(failed.facts["again_in_s"])) <= 990
            await add_job(ledger, "img-2", receiver.url("busy"))
            await add_job(ledger, "img-3", receiver.url("busy", "localhost"))
            sender.wake()
            (first,) = await told.heard("webhook_delivered")
            assert first.request_id == "img-3"
            clock.ahead += timedelta(seconds=601)  # others of the line wait ten minutes at most
            sender.wake()
            assert (await told.heard("webhook_delivered", 2))[-1].request_id == "img-2"
            clock.ahead += timedelta(seconds=400)
            sender.wake()
            last = (await told.heard("webhook_delivered", 3))[-1]
            assert (last.request_id, last.facts["tries"]) == ("img-1", 2)
            assert [event.facts["tries"] for event in await told.heard("webhook_delivered", 3)] == [1, 1, 2]

    asyncio.run(story())


def test_a_receiver_that_is_gone_is_given_up_and_the_next_event_of_the_job_is_sent(tmp_path: Path) -> None:
    async def story() -> None:
        told = Told()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told) as sender:
            receiver.script["/gone"] += [410, 204]
            await add_job(ledger, "img-1", receiver.url("gone"))
            await end_job(ledger, "img-1")
            sender.wake()
            (given_up,) = await told.heard("webhook_given_up")
            assert (given_up.facts["number"], given_up.facts["code"]) == (1, "http_410")
            (delivered,) = await told.heard("webhook_delivered")
            assert delivered.facts["number"] == 2

    asyncio.run(story())


def test_the_second_event_waits_for_the_first_and_other_jobs_do_not(tmp_path: Path) -> None:
    async def story() -> None:
        told, clock = Told(), Clock()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told, clock=clock) as sender:
            receiver.script["/a"] += [500, 500, 204]
            await add_job(ledger, "img-a", receiver.url("a"))
            await end_job(ledger, "img-a")
            await add_job(ledger, "img-b", receiver.url("b"))
            await end_job(ledger, "img-b")
            sender.wake()
            await told.heard("webhook_failed")
            await told.heard("webhook_delivered", 2)
            assert states(receiver, "/b") == ["running", "done"]
            clock.ahead += timedelta(seconds=6)
            sender.wake()
            await told.heard("webhook_failed", 2)
            assert states(receiver, "/a") == ["running", "running"]
            clock.ahead += timedelta(seconds=331)
            sender.wake()
            await told.heard("webhook_delivered", 4)
            assert states(receiver, "/a") == ["running", "running", "running", "done"]

    asyncio.run(story())


def test_a_slow_receiver_of_one_tenant_does_not_hold_up_another(tmp_path: Path) -> None:
    async def story() -> None:
        told = Told()
        tenants = (tenant("acme"), tenant("other"))
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(ledger, told, tenants=tenants, timeout_s=30) as sender):
            receiver.script["/slow"] = ["hang"]
            for number in range(30):
                await add_job(ledger, f"img-{number}", receiver.url("slow"))
            sender.wake()
            await receiver.has_seen(8)
            await add_job(ledger, "img-quick", receiver.url("quick", "localhost"), of="other")
            await end_job(ledger, "img-quick")
            sender.wake()
            delivered = await told.heard("webhook_delivered", 2)
            assert {event.tenant for event in delivered} == {"other"}
            assert len([seen for seen in receiver.seen if seen.path == "/slow"]) == 8  # at once to one host
            receiver.open()
            await told.heard("webhook_delivered", 2 + 8 + 16)  # and so many wait in this process

    asyncio.run(story())


def test_every_secret_signs_so_that_one_can_be_changed_for_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        told = Told()
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(ledger, told, tenants=(tenant(secrets=SECRETS),)) as sender):
            await add_job(ledger, "img-1", receiver.url("a"))
            sender.wake()
            await told.heard("webhook_delivered")
            (seen,) = receiver.seen
            for secret in SECRETS:
                assert Webhook(secret).verify(seen.body, dict(seen.headers))
            for body, secret in ((seen.body + " ", SECRETS[0]), (seen.body, "whsec_" + "Tm9w" * 8)):
                with pytest.raises(WebhookVerificationError, match="No matching signature"):
                    Webhook(secret).verify(body, dict(seen.headers))

    asyncio.run(story())


@pytest.mark.parametrize(("ahead", "says"), [(timedelta(minutes=-6), "too old"), (timedelta(minutes=6), "too new")])
def test_a_copy_sent_later_is_refused_by_the_receiver(tmp_path: Path, ahead: timedelta, says: str) -> None:
    async def story() -> None:
        told = Told()
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(ledger, told, clock=Clock(ahead)) as sender):
            await add_job(ledger, "img-1", receiver.url("a"))
            sender.wake()
            await told.heard("webhook_delivered")
            with pytest.raises(WebhookVerificationError, match=says):
                Webhook(SECRETS[0]).verify(receiver.seen[0].body, dict(receiver.seen[0].headers))

    asyncio.run(story())


def test_an_answer_without_end_is_not_read(tmp_path: Path) -> None:
    async def story() -> None:
        told = Told()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told) as sender:
            receiver.script["/a"] = ["endless"]
            await add_job(ledger, "img-1", receiver.url("a"))
            sender.wake()
            (delivered,) = await told.heard("webhook_delivered")
            assert delivered.facts["code"] == "http_200"

    asyncio.run(story())


@pytest.mark.parametrize(("tenants", "code"), [((), "no_secret"), ((tenant(secrets=()),), "no_secret")])
def test_what_cannot_be_signed_is_not_sent_and_waits(tmp_path: Path, tenants: Any, code: str) -> None:
    async def story() -> None:
        told = Told()
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(ledger, told, tenants=tenants) as sender):
            await add_job(ledger, "img-1", receiver.url("a"))
            sender.wake()
            (failed,) = await told.heard("webhook_failed")
            assert (failed.facts["code"], receiver.seen) == (code, [])

    asyncio.run(story())


class Failing:
    """Books of jobs that cannot be written for a while."""

    def __init__(self, jobs: Any, *, fails: int) -> None:
        self.jobs = self
        self._jobs, self.fails = jobs, fails

    async def take_messages(self, most: int, *, at: Any) -> tuple[Message, ...]:
        found: tuple[Message, ...] = await self._jobs.take_messages(most, at=at)
        return found

    async def delivered(self, message: Message, *, at: Any, code: str) -> None:
        self.fails -= 1
        if self.fails >= 0:
            raise LedgerError("the disk is full")
        await self._jobs.delivered(message, at=at, code=code)


def test_books_that_fail_are_told_and_what_arrived_is_booked_without_another_try(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "_EVERY_S", 0.01)

    async def story() -> None:
        told = Told()
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(Failing(ledger.jobs, fails=3), told) as sender):
            await add_job(ledger, "img-1", receiver.url("a"))
            await add_job(ledger, "img-2", receiver.url("a"))
            sender.wake()
            await told.heard("webhook_delivered", 2)
            assert await told.heard("books_unavailable")
            assert sorted(seen.id for seen in receiver.seen) == ["msg-img-1-1", "msg-img-2-1"]

    asyncio.run(story())


def test_stopping_books_what_arrives_and_leaves_what_does_not_to_others(tmp_path: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "_PATIENCE_S", 0.5)

    async def story() -> None:
        told, later = Told(), Told()
        async with Receiver() as receiver:
            receiver.script["/slow"] = ["hang", 204]
            async with opened(tmp_path) as ledger, sending(ledger, told, timeout_s=60) as sender:
                await add_job(ledger, "img-1", receiver.url("slow"))
                sender.wake()
                await receiver.has_seen(1)
            assert told.events == []
            async with opened(tmp_path) as ledger, sending(ledger, later) as sender:
                sender.wake()
                (delivered,) = await later.heard("webhook_delivered")
            assert delivered.facts["tries"] == 1
            assert [seen.id for seen in receiver.seen] == ["msg-img-1-1"] * 2

    asyncio.run(story())


def test_a_sender_that_never_began_stops(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path) as ledger:
            await sender_module.WebhookSender(ledger.jobs, {}, clock=Clock(), hosts=(), tell=Told()).stop()

    asyncio.run(story())
