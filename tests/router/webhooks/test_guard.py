"""When it is sent: a name that leads into our network by now, or a host that is no longer allowed, gets nothing."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from router.webhooks import sender as sender_module

from .receiving import HERE, Receiver, Told, add_job, opened, sending

if TYPE_CHECKING:
    from pathlib import Path


def naming(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """`hooks.example.com` leads to these; the hosts looked up."""
    asked: list[str] = []
    true = socket.getaddrinfo

    def found(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        asked.append(host)
        if host != "hooks.example.com":
            return list(true(host, port, *args, **options))
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return asked


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("93.184.215.14", "127.0.0.1"), ("::ffff:127.0.0.1",), ()])
def test_a_name_that_leads_into_our_network_by_now_is_not_connected_to(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]) -> None:
    asked = naming(monkeypatch, *addresses)

    async def story() -> None:
        told = Told()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told) as sender:
            port = receiver.garbage_url.rstrip("/").rpartition(":")[2]
            await add_job(ledger, "img-1", f"https://hooks.example.com:{port}/a")
            sender.wake()
            (failed,) = await told.heard("webhook_failed")
            assert failed.facts["code"] == "unresolved"
            assert receiver.connections == 0

    asyncio.run(story())
    assert "hooks.example.com" in asked


def test_a_name_of_ours_is_connected_to_wherever_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    naming(monkeypatch, "127.0.0.1")

    async def story() -> None:
        told = Told()
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(ledger, told, hosts=("Hooks.Example.com",)) as sender):
            await add_job(ledger, "img-1", receiver.url("a", "hooks.example.com"))
            sender.wake()
            await told.heard("webhook_delivered")
            assert receiver.seen[0].headers["Host"] == f"hooks.example.com:{receiver.port}"

    asyncio.run(story())


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_a_host_that_the_settings_name_no_more_gets_nothing(tmp_path: Path, host: str) -> None:
    async def story() -> None:
        told = Told()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told, hosts=()) as sender:
            await add_job(ledger, "img-1", receiver.url("a", host))
            sender.wake()
            (failed,) = await told.heard("webhook_failed")
            assert (failed.facts["code"], receiver.seen) == ("not_allowed", [])

    asyncio.run(story())


def test_a_certificate_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    async def story() -> None:
        told = Told()
        async with opened(tmp_path) as ledger, Receiver() as receiver, sending(ledger, told) as sender:
            await add_job(ledger, "img-1", receiver.url("a").replace("http:", "https:"))
            sender.wake()
            (failed,) = await told.heard("webhook_failed")
            assert (failed.facts["code"], receiver.seen) == ("tls", [])

    asyncio.run(story())


def test_name_servers_that_hang_take_no_thread_from_the_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "_PATIENCE_S", 0.1)
    hanging, true = threading.Event(), socket.getaddrinfo

    def found(host: str, *args: Any, **options: Any) -> Any:
        if host.endswith(".example.com"):
            hanging.wait(20)
        return true(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)

    async def story() -> None:
        told = Told()
        hosts = tuple(f"{number}.example.com" for number in range(40))
        async with (opened(tmp_path) as ledger, Receiver() as receiver,
                    sending(ledger, told, timeout_s=60, hosts=(*HERE, *hosts)) as sender):
            for number, host in enumerate(hosts):
                await add_job(ledger, f"img-{number}", f"http://{host}/")
            sender.wake()
            await add_job(ledger, "img-x", receiver.url("a"))
            sender.wake()
            await told.heard("webhook_delivered")
            assert await ledger.jobs.find("acme", "img-x") is not None
            hanging.set()

    asyncio.run(story())
