"""What was measured, as a table and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from rich.table import Table

from router.errors import OutOfReach
from router.service_time import ServiceAsk, timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.runs import Run

    from .cells import Cell
    from .session import Session

__all__ = ["summary_json", "summary_table"]


@dataclass(frozen=True)
class _Line:
    cell: Cell
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        return median(run.wall_s for run in self.runs) / self.cell.batch

    @property
    def ends(self) -> tuple[float, float]:
        each = [run.wall_s / self.cell.batch for run in self.runs]
        return min(each), max(each)

    def mean(self, name: str) -> float | None:
        found = [value for run in self.runs if (value := getattr(run, name)) is not None]
        return fmean(found) if found else None

    @property
    def joules(self) -> float | None:
        burnt = self.mean("joules")
        return None if burnt is None else burnt / self.cell.batch


def summary_table(session: Session, rows: Sequence[Run]) -> Table:
    """One line for each kind of batch, the law's own prediction beside it."""
    table = Table("batch", "runs", "s/image", "least to most", "denoise", "J/image", "W", "VRAM", "law", box=None)
    for line in _lines(session, rows):
        low, high = line.ends
        denoise = line.mean("denoise_s")
        table.add_row(str(line.cell), str(len(line.runs)), f"{line.seconds:.4g}", f"{low:.4g} to {high:.4g}",
                      _told(None if denoise is None else denoise / line.cell.batch, "{:.4g}"),
                      _told(line.joules, "{:,.0f}"), _told(line.mean("power_w"), "{:.0f}"),
                      _told(line.mean("peak_vram_gib"), "{:.1f} GiB"), _told(_foreseen(session, line), "{:.4g}"))
    facts = session.pipeline.facts
    table.title = (f"{facts.loaded_as}, {facts.weights} weights, {facts.dtype} on {facts.device_name}"
                   + (f": {session.note}" if session.note else ""))
    table.title_justify = "left"
    return table


def summary_json(session: Session, rows: Sequence[Run]) -> dict[str, Any]:
    """The same for a program; seconds and joules per image."""
    facts = session.pipeline.facts
    cells = [{"size": str(line.cell.size), "steps": line.cell.steps, "batch": line.cell.batch,
              "references": line.cell.references, "runs": len(line.runs), "seconds_per_image": line.seconds,
              "least_s": line.ends[0], "most_s": line.ends[1], "joules_per_image": line.joules,
              "power_w": line.mean("power_w"), "peak_vram_gib": line.mean("peak_vram_gib"),
              "law_seconds_per_image": _foreseen(session, line)} for line in _lines(session, rows)]
    return {"model": facts.model, "loaded_as": facts.loaded_as, "weights": facts.weights, "gpu": session.gpu,
            "device_name": facts.device_name, "dtype": facts.dtype, "note": session.note, "cells": cells}


def _lines(session: Session, rows: Sequence[Run]) -> list[_Line]:
    found = [(cell, tuple(run for run in rows if (run.size, run.steps, run.batch, run.references) == (
        cell.size, cell.steps, cell.batch, cell.references))) for cell in session.cells]
    return [_Line(cell, runs) for cell, runs in found if runs]


def _foreseen(session: Session, line: _Line) -> float | None:
    """The law as it stood before this measurement."""
    first, cell = line.runs[0], line.cell
    if not first.model or not first.gpu or first.gpu == "cpu":
        return None
    try:
        return timing(session.law, ServiceAsk(
            first.model, first.gpu, first.engine, first.precision + ("-wo" if first.weight_only else ""),
            compile=first.compile, size=cell.size, steps=cell.steps, batch=cell.batch,
            references=cell.references)).seconds_per_image
    except OutOfReach:
        return None


def _told(value: float | None, form: str) -> str:
    return "not known" if value is None else form.format(value)
