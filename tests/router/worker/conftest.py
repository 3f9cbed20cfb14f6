"""Tiny pipelines on disk, built once for all tests of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.worker.loading import Loading
from router.worker.pipeline import Pipeline
from router.worker.random_weights import save_tiny

if TYPE_CHECKING:
    from collections.abc import Mapping
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
