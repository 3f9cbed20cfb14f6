"""What a measurement was taken on: versions, card and commit, for its rows."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.errors import NoReading, OutOfReach
from router.gpus import find_gpu
from router.nvml import card_with, cards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.gpus import Gpu
    from router.nvml import Card

__all__ = ["Machine", "card_at", "gpu_id", "machine_of"]


@dataclass(frozen=True)
class Machine:
    """Columns of a Run that are the same in all rows of a session."""

    driver: str
    cuda: str
    torch: str
    diffusers: str
    transformers: str
    python: str
    commit: str


def machine_of(card: Card | None) -> Machine:
    """The versions that run here; empty where one is not known."""
    return Machine(card.driver if card else "", _cuda(), _version("torch"), _version("diffusers"),
                   _version("transformers"), platform.python_version(), _commit())


def card_at(device: str, asked: int | None) -> Card | None:
    """The card that torch computes on, found by its UUID (CUDA_VISIBLE_DEVICES renumbers them); else the asked one.

    Args:
        device: as in `cuda:0` or `cpu`.
        asked: the driver's own number of a card to read although torch computes elsewhere.

    Raises:
        NoReading: nothing can be read.
        PlannerError: there is no such card.
    """
    if asked is None and not device.startswith("cuda"):
        raise NoReading("the CPU computes: no card is read, so no joules and no clocks")
    if asked is not None:
        found = cards()
        if asked >= len(found):
            raise PlannerError(f"--card {asked}: the driver has {len(found)} cards, numbered from 0")
        return found[asked]
    import torch  # noqa: PLC0415 (loading it takes seconds)

    return card_with(str(torch.cuda.get_device_properties(device).uuid))


def gpu_id(name: str, gpus: Mapping[str, Gpu]) -> str:
    """The card's id in gpus/specs.csv by the driver's name; empty for a card that is in no table."""
    try:
        return find_gpu(gpus, name).id
    except OutOfReach:
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _cuda() -> str:
    import torch  # noqa: PLC0415 (as above)

    return str(torch.version.cuda or "")


def _commit() -> str:
    """Of the checkout this runs from; a wheel has none."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    told = subprocess.run(["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"],  # noqa: S603, S607
                          capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else ""
