from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .serving import Server, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts servers that end with the module."""
    started: list[Server] = []

    def start(*tables: str, more: tuple[str, ...] = ("--time-scale", "0.002"), **settings: str) -> Server:
        folder = tmp_path_factory.mktemp("served")
        write_settings(folder, *tables, **settings)
        started.append(Server(folder, more))
        return started[-1].start()

    yield start
    for server in started:
        server.stop()
