"""Tiny pipelines on disk, built once for all tests of a process."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from router.worker.loading import Loading
from router.worker.pipeline import Pipeline
from router.worker.random_weights import save_tiny, save_tiny_lora

from .working import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from router.worker.random_weights import Kind

KINDS: tuple[Kind, ...] = ("dev", "klein", "klein-base")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Folders of tiny pipelines by kind."""
    folder = tmp_path_factory.mktemp("tiny")
    return {kind: save_tiny(folder / kind, kind) for kind in KINDS}


@pytest.fixture(scope="session")
def klein(tiny: Mapping[str, Path]) -> Pipeline:
    """A tiny klein, loaded; tests leave it as it was."""
    return Pipeline.load(Loading(str(tiny["klein"]), device="cpu"), ())


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Worker]]:
    """Starts workers, and stops them."""
    started: list[Worker] = []

    def one(*arguments: str, **environ: str) -> Worker:
        started.append(Worker(tmp_path_factory.mktemp("worker"), arguments, environ))
        return started[-1].start()

    yield one
    for each in started:
        each.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def worker(tiny: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker over a tiny klein for a module's tests; they leave it idle."""
    folder = tmp_path_factory.mktemp("worker")
    loras = tmp_path_factory.mktemp("loras")
    save_tiny_lora(loras / "brand.safetensors", "klein")
    running = Worker(folder, ("--model", str(tiny["klein"]), "--lora-folder", str(loras), "--most-waiting", "40"))
    yield running.start()
    running.stop(signal.SIGKILL)
