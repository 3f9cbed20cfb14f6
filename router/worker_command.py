"""`router worker`: our own Flux 2 behind OpenAI's Images API, in the foreground until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from .catalog import data_roots
from .errors import CannotLoad
from .worker.flags import LoadingFlags, loading_of, loading_options

if TYPE_CHECKING:
    from .worker.admission import Limits

__all__ = ["worker"]

_LIBRARIES = ("torch", "diffusers", "transformers", "peft", "starlette", "uvicorn", "python_multipart")


class _Asked(LoadingFlags):
    model: str
    name: tuple[str, ...]
    host: str
    port: int
    lora: tuple[str, ...]
    lora_folder: Path | None
    key_env: str
    most_waiting: int
    most_waiting_s: float
    most_batch: int
    most_images: int
    most_pixels: int
    most_steps: int
    drain_s: float
    warm_up: bool
    data: Path | None
    ray: bool
    replicas: str


@click.command()
@click.option("--model", required=True, help="An id of the hub, as in black-forest-labs/FLUX.2-klein-4B, or a folder.")
@click.option("--name", multiple=True, help="One more name that requests may call the model by; repeat.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Anything but loopback needs a key.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8091, show_default=True, help="0 takes a free one.")
@click.option("--lora", multiple=True, metavar="NAME=FILE", help="A fine-tune that requests may name; repeat.")
@click.option("--lora-folder", type=click.Path(path_type=Path), help="Every *.safetensors in it, named by its stem.")
@click.option("--key-env", default="BREAKEVEN_WORKER_KEY", show_default=True,
              help="Variable that holds the key callers must send; unset for none.")
@click.option("--most-waiting", type=click.IntRange(1), default=64, show_default=True, help="Requests that may wait.")
@click.option("--most-waiting-s", type=click.FloatRange(1), default=600.0, show_default=True,
              help="Predicted seconds of work that may wait.")
@click.option("--most-batch", type=click.IntRange(1, 64), default=4, show_default=True, help="Images made at once.")
@click.option("--most-images", type=click.IntRange(1, 10), default=8, show_default=True, help="Images of a request.")
@click.option("--most-pixels", type=click.IntRange(256), default=4_194_304, show_default=True,
              help="Pixels of an image as it is made.")
@click.option("--most-steps", type=click.IntRange(1), default=100, show_default=True, help="Denoising steps.")
@click.option("--drain-s", type=click.FloatRange(0), default=120.0, show_default=True,
              help="Seconds that accepted requests have to be finished when told to stop.")
@click.option("--warm-up/--no-warm-up", default=True, show_default=True,
              help="Make one image before the door opens, so that no caller waits for kernels.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--ray", is_flag=True, help="Replicas under Ray Serve, one on each card.")
@click.option("--replicas", default="1", show_default=True, metavar="N or LEAST-MOST",
              help="With --ray; of a range, Ray starts more while requests pile up.")
@loading_options
def worker(**asked: Unpack[_Asked]) -> None:
    """Serve our own Flux 2 over OpenAI's Images API, one pipeline on one card, until Ctrl-C."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise CannotLoad(f"the worker needs {', '.join(missing)}; pip install 'breakeven[worker]'")
    key, listening = os.environ.get(asked["key_env"], ""), _listening(asked)
    _check_door(asked, key)
    if asked["ray"]:
        port = listening.getsockname()[1]
        listening.close()
        _serve_with_ray(asked, port)
        return
    asyncio.run(_serve(asked, key, listening))


def _check_door(asked: _Asked, key: str) -> None:
    from .server.doors import is_loopback  # noqa: PLC0415 (the libraries of a server are loaded by what serves)

    if not key and not is_loopback(asked["host"]):
        raise CannotLoad(f"--host {asked['host']}: anybody could use the card; set {asked['key_env']}, or listen on "
                         "127.0.0.1")


def _listening(asked: _Asked) -> socket.socket:
    """The address is taken before a model is loaded for minutes."""
    family = socket.AF_INET6 if ":" in asked["host"] else socket.AF_INET
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((asked["host"], asked["port"]))
    except OSError as error:
        taken.close()
        raise CannotLoad(f"--port {asked['port']}: cannot listen on {asked['host']} "
                         f"({error.strerror or type(error).__name__}); stop what uses it, or give another") from None
    return taken


async def _serve(asked: _Asked, key: str, listening: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415 (of the extra `worker`)

    from .worker.building import Building  # noqa: PLC0415 (as above)

    loading = loading_of(asked["model"], asked)
    click.echo(f"loading {loading.model} ...", err=True)
    building = Building.of(loading, data_roots(asked["data"], os.environ), limits=_limits(asked), loras=asked["lora"],
                           lora_folder=asked["lora_folder"])
    for line in building.told():
        click.echo(line, err=True)
    if asked["warm_up"]:
        click.echo(f"warm-up: {building.warm_up():.1f} s", err=True)

    server = uvicorn.Server(uvicorn.Config(
        building.app(key=key, names=asked["name"]), log_level="warning", access_log=False, lifespan="on",
        server_header=False, timeout_graceful_shutdown=max(1, round(asked["drain_s"]))))

    def told_to_stop(*_: object) -> None:
        """Uvicorn closes the door and waits for its connections; told twice it waits for nobody."""
        building.works.close_door()
        server.force_exit = server.should_exit
        server.should_exit = True

    server.handle_exit = told_to_stop
    host, port = listening.getsockname()[:2]
    listening.listen(1024)
    click.echo(f"worker on http://{f'[{host}]' if ':' in host else host}:{port}/v1", err=True)
    await server.serve(sockets=[listening])


def _serve_with_ray(asked: _Asked, port: int) -> None:
    from .worker.ray_running import run_until_stopped  # noqa: PLC0415 (as above)
    from .worker.ray_serve import RayPlan  # noqa: PLC0415 (as above)

    least, dash, most = asked["replicas"].partition("-")
    if not least.isdecimal() or (dash and not most.isdecimal()):
        raise CannotLoad(f"--replicas {asked['replicas']}: give a number, or a range as in 1-4")
    plan = RayPlan(
        loading_of(asked["model"], asked), _limits(asked), loras=asked["lora"], lora_folder=asked["lora_folder"],
        names=asked["name"], key_env=asked["key_env"], data=asked["data"], warm_up=asked["warm_up"], least=int(least),
        most=int(most or least))
    run_until_stopped(plan, asked["host"], port=port, say=lambda line: click.echo(line, err=True))


def _limits(asked: _Asked) -> Limits:
    from .worker.admission import Limits  # noqa: PLC0415 (as above)

    return Limits(most_pixels=asked["most_pixels"], most_steps=asked["most_steps"], most_images=asked["most_images"],
                  most_batch=asked["most_batch"], most_waiting=asked["most_waiting"],
                  most_waiting_s=asked["most_waiting_s"])
