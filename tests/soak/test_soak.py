"""A short soak; `make soak` is the long one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soak.killing import soak

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_jobs_end_once_however_often_the_router_is_killed(tmp_path: Path) -> None:
    soaked = soak(tmp_path, jobs=40, kill_every_s=2.0, most_s=200.0, batched_share=0.0)
    assert soaked.wrong == []
    assert soaked.kills >= 2
    assert soaked.states["done"] >= 20
