"""`router serve`: the OpenAI-compatible server, in the foreground until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from .building import policy_of, settings_of, shipped_settings
from .errors import SettingsError, one_line
from .policy import load_policy

if TYPE_CHECKING:
    from aiohttp import web

    from .live import Router
    from .settings import Settings

__all__ = ["serve"]

_WATCH_S = 0.5
_LONGEST_ANSWER_S = 180.0


class _Asked(TypedDict):
    settings: Path | None
    policy: Path | None
    host: str | None
    port: int | None
    data: Path | None
    time_scale: float | None


@click.command("serve")
@click.option("--settings", type=click.Path(path_type=Path), help="A router.toml; the shipped sandbox where left out.")
@click.option("--policy", type=click.Path(path_type=Path), help="A policy; the settings' or the shipped default.")
@click.option("--host", help="Address to listen on; anything but loopback needs tenants with keys.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--time-scale", type=click.FloatRange(0, 100), help="Of simulated backends: 1 is as slow as the vendor.")
def serve(**asked: Unpack[_Asked]) -> None:
    """Serve OpenAI's Images API over every backend of the settings, until Ctrl-C."""
    settings, path = _settings(asked)
    policy = policy_of(settings.policy, os.environ, data=asked["data"])
    from .live import Router  # noqa: PLC0415 (the libraries of a server are loaded by the command that serves)

    router = Router(settings, policy, data=asked["data"])
    if not asked["settings"]:
        click.echo("no --settings: the shipped sandbox, every vendor simulated; no key, no cost", err=True)
    click.echo(f"policy {policy.name} {policy.digest} from {settings.policy or 'the shipped default'}", err=True)
    asyncio.run(_serve(router, path))


def _settings(asked: _Asked) -> tuple[Settings, str]:
    settings = (settings_of(asked["settings"], os.environ, data=asked["data"]) if asked["settings"]
                else shipped_settings(os.environ, asked["data"]))
    server = replace(settings.server, host=asked["host"] or settings.server.host,
                     port=settings.server.port if asked["port"] is None else asked["port"])
    backends = settings.backends
    if asked["time_scale"] is not None:
        backends = tuple(replace(backend, time_scale=asked["time_scale"]) for backend in backends)
    policy = asked["policy"] or settings.policy
    return replace(settings, server=server, backends=backends, policy=policy), settings.where


async def _serve(router: Router, where: str) -> None:
    from aiohttp import web  # noqa: PLC0415 (as above)

    from .server.app import make_app  # noqa: PLC0415
    from .server.doors import is_loopback  # noqa: PLC0415
    from .server.logs import keep_quiet  # noqa: PLC0415

    server = router.settings.server
    if router.settings.open_to_all and not is_loopback(server.host):
        problem = (f"server.host = {server.host!r}: no tenant has a key, so anybody could spend your money; add a "
                   "[[tenant]] with key_sha256, or listen on 127.0.0.1")
        raise SettingsError(where, (problem,))
    async with router:
        runner = web.AppRunner(make_app(router), handler_cancellation=True, access_log=None,
                               shutdown_timeout=_LONGEST_ANSWER_S, logger=keep_quiet(asyncio.get_running_loop()))
        await runner.setup()
        try:
            await _listen(runner, where, host=server.host, port=server.port)
            _say_where(router, _url(server.host, runner.addresses[0][1]))
            await _work(router)
        finally:
            await runner.cleanup()


async def _listen(runner: web.AppRunner, where: str, *, host: str, port: int) -> None:
    from aiohttp import web  # noqa: PLC0415 (as above)

    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        problem = (f"server.port = {port}: cannot listen on {host} ({error.strerror or type(error).__name__}); stop "
                   "what uses it, or give another --port")
        raise SettingsError(where, (problem,)) from None


async def _work(router: Router) -> None:
    """Serve until told to stop; whoever tells twice does not want to wait."""
    watching = asyncio.ensure_future(_watch(router, router.settings.policy))
    await _until_stopped()
    watching.cancel()
    click.echo("stopping: what was sent and may be paid for is waited for; once more to stop at once", err=True)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say_where(router: Router, url: str) -> None:
    simulated = [backend.name for backend in router.settings.backends if backend.simulated]
    click.echo(f"serving {url}/v1  (OPENAI_BASE_URL={url}/v1)")
    click.echo(f"  models  {url}/v1/models    decide only  POST {url}/v1/decide    API  {url}/openapi.json")
    click.echo(f"  health  {url}/healthz  {url}/readyz    metrics  {url}/metrics")
    if router.settings.server.mode == "shadow":
        click.echo(f"  only watches, nothing is sent: POST {url}/v1/shadow")
    if simulated:
        click.echo(f"  simulated, placeholders only: {', '.join(simulated)}")
    click.echo("  stop with Ctrl-C")


async def _watch(router: Router, path: Path | None) -> None:
    """Take up a changed policy; one that cannot be used changes nothing and is said.

    The first look counts as a change, because the file may have changed since the policy was read.
    """
    seen: tuple[int, int] | None = None
    while path is not None:
        await asyncio.sleep(_WATCH_S)
        router.pilot.refresh()
        if _stamp(path) == seen:
            continue
        seen = _stamp(path)
        try:
            policy = load_policy(path)
        except SettingsError as error:
            click.echo(one_line(f"policy not changed: {error}"), err=True)
            continue
        if policy.digest != router.policy.digest:
            router.use_policy(policy)
            click.echo(f"policy {policy.name} {policy.digest} is in force", err=True)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found is not None else None


async def _until_stopped() -> None:
    """Wait for the first signal; the next one ends the process at once, which the books bear like any crash."""
    stopped, loop, numbers = asyncio.Event(), asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        with contextlib.suppress(NotImplementedError):  # event loops of Windows; there Ctrl-C ends the process
            loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    for number in numbers:
        with contextlib.suppress(NotImplementedError):  # as above
            loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
