"""Own runs as `planner measure` writes them, made up for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from planner.measure.row_file import RowFile
from router.quantities import Size
from router.runs import Run
from router.tables import Source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["a_run", "repeated", "write_runs"]

_RUN = Run(
    id="c0ffee-001", session="5e55", at="2026-11-25T06:30:00Z", model="flux-2-klein-4b",
    loaded_as="black-forest-labs/FLUX.2-klein-4B", pipeline="Flux2KleinPipeline", weights="trained", revision="",
    gpu="l40s", device_name="NVIDIA L40S", engine="diffusers", attention="native", precision="bf16", weight_only=False,
    compile=False, cache="none", offload="none", lora=False, size=Size(1024, 1024), steps=4, forwards_per_step=1,
    references=0, batch=1, repeat=1, wall_s=2.2, device_s=2.19, denoise_s=1.6, joules=700.0, joules_from="counter",
    joules_over_s=6.0, power_w=318.0, utilisation_share=0.99, sm_mhz=2400.0, memory_mhz=9000.0, temperature_c=61.0,
    throttled="power-cap", used_vram_gib=17.0, peak_vram_gib=16.5, other_processes=0, driver="570.1", cuda="12.8",
    torch="2.13.0", diffusers="0.42.1", transformers="5.24.0", python="3.11.9", commit="",
    source=Source("planner measure"), note="")


def a_run(**changes: Any) -> Run:
    """A run of klein 4B on an L40S, with changes."""
    return replace(_RUN, **changes)


def repeated(*walls_s: float, cell: str = "c0ffee", **changes: Any) -> tuple[Run, ...]:
    """Repetitions of one kind of batch with these wall seconds; three quarters of each are denoising."""
    return tuple(a_run(**{"id": f"{cell}-{at:03d}", "repeat": at, "wall_s": wall_s, "denoise_s": wall_s * 0.75}
                          | changes) for at, wall_s in enumerate(walls_s, 1))


def write_runs(folder: Path, runs: Iterable[Run], *, name: str = "own") -> Path:
    """Append runs to a file of a data folder; the folder."""
    file = RowFile(folder / "throughput" / "runs" / f"{name}.csv", Run)
    file.open()
    for run in runs:
        file.append(run)
    return folder
