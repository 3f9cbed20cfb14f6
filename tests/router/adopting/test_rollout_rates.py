"""Over many seeds: policies that are no worse stay, and policies that are plainly worse go within their window."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parents[3] / "benchmarks" / "rollout.py"


@pytest.fixture(scope="module")
def bench() -> Any:
    spec = importlib.util.spec_from_file_location("rollout_benchmark", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def taken_back(bench: Any, policy: Any, *, seeds: int, per_hour: int) -> int:
    return sum(bench.trial(seed, policy, per_hour=per_hour)[0].action == "roll_back" for seed in range(seeds))


@pytest.mark.parametrize("fares", [{}, {"cost": 1.1}, {"refused": 0.05}, {"failed": 0.02}, {"cost": 0.7}])
def test_noise_alone_takes_nothing_back(bench: Any, fares: dict[str, float]) -> None:
    assert taken_back(bench, bench.Policy(**fares), seeds=40, per_hour=800) == 0


@pytest.mark.parametrize("fares", [{"cost": 2.0}, {"refused": 0.6}, {"failed": 0.5}, {"failed": 0.97}])
@pytest.mark.parametrize("per_hour", [300, 800])
def test_what_is_plainly_worse_goes_within_its_window_even_on_few_requests(
        bench: Any, fares: dict[str, float], per_hour: int) -> None:
    assert taken_back(bench, bench.Policy(**fares), seeds=20, per_hour=per_hour) == 20
