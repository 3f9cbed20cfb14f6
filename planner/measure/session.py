"""A measurement from its command to its last row."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from planner.errors import PlannerError
from planner.own_runs import refit_with_runs
from router.errors import NoReading, OutOfMemory
from router.runs import Run
from router.service_time import load_law
from router.worker.opening import device_of
from router.worker.pipeline import Pipeline

from .cells import cells_of
from .checking import reasons_against
from .machine import card_at, gpu_id, machine_of
from .repeating import Subject, measure_cell, run_id
from .row_file import RowFile
from .sampling import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rich.console import Console

    from router.nvml import Card
    from router.service_time import Law
    from router.worker.loading import Loading

    from .cells import Cell

__all__ = ["Session"]


@dataclass
class Session:
    """A loaded pipeline, the card under it and the grid to measure; lines for a person go to `say`."""

    pipeline: Pipeline
    card: Card | None
    cells: tuple[Cell, ...]
    repeat: int
    energy_s: float
    roots: tuple[Path, ...]
    law: Law
    gpu: str
    note: str
    alien: frozenset[int]
    say: Callable[[str], None]

    @classmethod
    def open(cls, loading: Loading, grid: Mapping[str, Any], *, roots: tuple[Path, ...], card: int | None, force: bool,
             say: Callable[[str], None]) -> Self:
        """Look at the card, load the pipeline.

        Raises:
            CannotLoad: the model or one of its options.
            PlannerError: the card may not be measured: it is busy, slowed down or sliced.
        """
        device = device_of(loading.device)
        try:
            found = card_at(device, card)
        except NoReading as error:
            found = None
            say(str(error))
        if device == "cpu":
            say("on the CPU: the rows are labelled so and never enter the plan of a card")
        alien = (found.processes() if found else None) or frozenset()
        reasons = tuple(reasons_against(found)) if found else ()
        if reasons and not force:
            raise PlannerError(f"{found.name if found else ''} is not to be measured: {'; '.join(reasons)}; or --force")
        for reason in reasons:
            say(f"measured all the same: {reason}")
        say(f"loading {loading.model} ...")
        folders = tuple(root for root in roots if root.is_dir())
        pipeline, law = Pipeline.load(loading, folders), load_law(folders)
        gpu = "cpu" if device == "cpu" else gpu_id(pipeline.facts.device_name, law.gpus)
        if not gpu:
            say(f"{pipeline.facts.device_name!r} is no name or alias in gpus/specs.csv: its rows enter no plan until "
                "your data folder has a row for it")
        steps = grid["steps"] or (pipeline.facts.default_steps,)
        cells = cells_of(grid["sizes"], steps, batches=grid["batches"], references=grid["references"])
        return cls(pipeline, found, cells, grid["repeat"], grid["energy_s"], roots, law, gpu, "; ".join(reasons), alien,
                   say)

    @property
    def label(self) -> str:
        """For a file name: the model and what it runs on."""
        facts = self.pipeline.facts
        return f"{facts.model or facts.loaded_as}-{self.gpu or facts.device_name}"

    def run(self, path: Path, console: Console) -> tuple[Run, ...]:
        """Measure what the file does not have yet; every row of this grid, old ones too.

        Raises:
            PlannerError: the file cannot be written to, or somebody came onto the card.
        """
        file = RowFile(path, Run)
        there = {row.id: row for row in file.open()}
        missing = {cell: [repeat for repeat in range(1, self.repeat + 1) if self._id(cell, repeat) not in there]
                   for cell in self.cells}
        have = len(self.cells) * self.repeat - sum(map(len, missing.values()))
        if file.mended:
            self.say(f"{path}: its last line was torn, as a crash leaves it, and was taken out")
        self.say(f"{path}: " + (f"goes on, {have} of {len(self.cells) * self.repeat} repetitions are there" if have
                                else f"{len(self.cells) * self.repeat} repetitions to make"))
        made = self._measured(file, missing, console)
        self._refit(made)
        there |= {row.id: row for row in made}
        wanted = [self._id(cell, repeat) for cell in self.cells for repeat in range(1, self.repeat + 1)]
        return tuple(there[each] for each in wanted if each in there)

    def _measured(self, file: RowFile[Run], missing: Mapping[Cell, list[int]], console: Console) -> list[Run]:
        made: list[Run] = []
        todo = {cell: repeats for cell, repeats in missing.items() if repeats}
        if not todo:
            return made
        bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                       console=console, transient=True, disable=not console.is_terminal)
        with bar:
            task = bar.add_task("", total=sum(cell.pixel_steps * len(repeats) for cell, repeats in todo.items()))
            for cell, repeats in todo.items():
                bar.update(task, description=str(cell))
                try:
                    for row in self._cell(cell, repeats):
                        file.append(row)
                        made.append(row)
                        bar.advance(task, cell.pixel_steps)
                except OutOfMemory as error:
                    self.say(f"{cell}: left out: {error}")
        return made

    def _cell(self, cell: Cell, repeats: list[int]) -> Any:
        self._look()
        sampler = Sampler(self.card) if self.card else None
        subject = Subject(self.pipeline, machine_of(self.card), secrets.token_hex(4), self.gpu, self.card, sampler,
                          len(self.alien) if self.card else None, self.note, self.energy_s)
        if sampler is None:
            yield from measure_cell(subject, cell, repeats=repeats, told=_nothing)
            return
        with sampler:
            yield from measure_cell(subject, cell, repeats=repeats, told=_nothing)

    def _look(self) -> None:
        """Between cells: nobody has come, and nothing slows the card."""
        if self.card is None or self.note:
            return
        now = self.card.processes() or frozenset()
        reasons = [reason for reason in reasons_against(self.card, ours=now) if "busy" not in reason]
        if len(now - self.alien) > 1:
            reasons.append("another process came onto it")
        if reasons:
            raise PlannerError(f"stopped, what was measured is kept: {'; '.join(reasons)}; run the command again to go "
                               "on, or --force")

    def _refit(self, made: list[Run]) -> None:
        if made and self.roots[-1].is_dir() and any(row.model and row.gpu != "cpu" for row in made):
            kinds = refit_with_runs(self.roots)
            if kinds:
                self.say(f"the law of {self.roots[-1]} has seen {kinds} kinds of batch of yours")

    def _id(self, cell: Cell, repeat: int) -> str:
        return run_id(self.pipeline.facts, self.gpu, cell=cell, repeat=repeat)


def _nothing() -> None:
    """Nobody listens to single batches."""
