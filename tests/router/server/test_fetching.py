"""Pictures by address: what a name resolves to, redirects, sizes; nothing inside our network is reached."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from router.errors import BadRequest
from router.open_internet import PublicResolver
from router.server import references
from router.server.references import fetch_bytes, fetchable
from router.server.room import Room
from router.server_settings import ServerSettings

from .serving import png

if TYPE_CHECKING:
    from collections.abc import Callable


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[Any]:
    async def found(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
                for address in addresses]

    async def resolved() -> list[Any]:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found, raising=False)
        return list(await PublicResolver().resolve("images.example.com", 443))

    return asyncio.run(resolved())


@pytest.mark.parametrize("address", [
    "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.1.1", "::1", "fd00::1", "fe80::1%eth0",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "2002:a00:1::", "::10.0.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
])
def test_a_name_of_a_private_address_is_not_resolved(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with pytest.raises(OSError, match="not on the open internet"):
        resolving(monkeypatch, address)
    with pytest.raises(OSError, match="not on the open internet"):
        resolving(monkeypatch, "8.8.8.8", address)  # one of several is enough to refuse


def test_a_public_name_is_pinned_to_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolving(monkeypatch, "8.8.8.8", "2606:4700::1111")
    assert [entry["host"] for entry in found] == ["8.8.8.8", "2606:4700::1111"]
    assert {entry["flags"] for entry in found} == {socket.AI_NUMERICHOST}


def test_only_listed_hosts_where_there_is_a_list() -> None:
    listed = ("images.example.com",)
    assert fetchable("https://images.example.com/a.png", "mask", hosts=listed).host == "images.example.com"
    assert fetchable("https://IMAGES.example.com:8443/a.png", "mask", hosts=listed).port == 8443
    for url in ("https://example.com/a.png", "https://images.example.com.evil.example/a.png",
                "https://images.example.com@evil.example/a.png", "https://[]@images.example.com/a.png"):
        with pytest.raises(BadRequest) as caught:
            fetchable(url, "mask", hosts=listed)
        assert (caught.value.param, caught.value.code) == ("mask", "invalid_url")


def fetched(answer: Callable[[web.Request], Any], **server: int) -> bytes:
    """What `fetch_bytes` makes of a server that answers so, reached over plain HTTP on this machine."""
    async def told() -> bytes:
        app = web.Application()
        app.router.add_get("/{any:.*}", answer)
        async with TestServer(app) as there:
            with Room(ServerSettings(**server)).one() as intake:  # type: ignore[arg-type]
                return await fetch_bytes(URL(str(there.make_url("/a.png"))), intake, param="images[0]",
                                         connector=aiohttp.TCPConnector())

    return asyncio.run(told())


async def picture(_: web.Request) -> web.Response:
    return web.Response(body=png())


async def elsewhere(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})


async def missing(_: web.Request) -> web.Response:
    return web.Response(status=404)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 1_000_000)


async def silent(_: web.Request) -> web.Response:
    await asyncio.sleep(5)
    return web.Response()


def test_a_picture_is_fetched() -> None:
    assert fetched(picture) == png()


@pytest.mark.parametrize(("answer", "says"), [(elsewhere, "answered 302"), (missing, "answered 404"),
                                              (silent, "TimeoutError")])
def test_what_is_no_picture_is_refused(monkeypatch: pytest.MonkeyPatch, answer: Any, says: str) -> None:
    monkeypatch.setattr(references, "_FETCH_S", 0.3)
    with pytest.raises(BadRequest, match=says):
        fetched(answer)


@pytest.mark.parametrize("server", [{}, {"most_body_bytes": 5_000_000}])
def test_an_endless_picture_is_cut_off(server: dict[str, int]) -> None:
    with pytest.raises(BadRequest) as caught:
        fetched(endless, **server)
    assert caught.value.code == "too_large"
