"""A library of the driver without a card, compiled once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLANNER = Path(sys.executable).with_name("planner")
HERE = Path(__file__).parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for LD_LIBRARY_PATH that holds libnvidia-ml.so.1."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "a C compiler is needed to build the library the tests measure with: apt install gcc"
    folder = tmp_path_factory.mktemp("nvml")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", folder / "libnvidia-ml.so.1",
                    HERE / "nvml_stub.c", "-lm"], check=True)
    return folder


@pytest.fixture
def python(stub: Path) -> Run:
    """Runs Python code beside the stub; its settings are keyword arguments."""
    def run(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60,
                              env=os.environ | {"LD_LIBRARY_PATH": str(stub)} | settings)
    return run


@pytest.fixture
def planner(stub: Path, tmp_path: Path) -> Iterator[Run]:
    """Runs `planner` beside the stub, in a folder of its own."""
    def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BREAKEVEN_")}
        return subprocess.run([PLANNER, *map(str, arguments)], capture_output=True, text=True, check=False,
                              timeout=120, cwd=tmp_path,
                              env=clean | {"LD_LIBRARY_PATH": str(stub), "OMP_NUM_THREADS": "1"} | settings)
    return run
