"""What is measured: a grid of sizes, steps and batches, cheapest first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.quantities import Size

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Cell", "cells_of", "numbers_of", "sizes_of"]

_MOST = 100_000


@dataclass(frozen=True)
class Cell:
    """One kind of batch: `batch` images of a size, made together in so many steps, with so many references."""

    size: Size
    steps: int
    batch: int
    references: int

    @property
    def pixel_steps(self) -> int:
        """Pixels x steps x images."""
        return self.size.pixels * self.steps * self.batch

    def __str__(self) -> str:
        more = f", {self.references} references" if self.references else ""
        return f"{self.size}, {self.steps} steps, batch {self.batch}{more}"


def cells_of(sizes: Iterable[Size], steps: Iterable[int], *, batches: Iterable[int], references: int) -> (
        tuple[Cell, ...]):
    """Every combination once, the cheapest first: what is left when somebody loses patience is the most dear."""
    cells = {Cell(size, count, batch, references) for size, count, batch in product(sizes, steps, batches)}
    return tuple(sorted(cells, key=lambda cell: (cell.pixel_steps, cell.size.pixels, cell.batch)))


def sizes_of(text: str) -> tuple[Size, ...]:
    """Sizes parted by commas, as in `512x512,1024x1024`.

    Raises:
        PlannerError: one of them is none, or there is none.
    """
    try:
        sizes = tuple(Size.parse(each) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise PlannerError(f"--sizes {text}: {error}") from None
    for size in sizes:
        if size.width % 16 or size.height % 16:
            raise PlannerError(f"--sizes {text}: {size}: sides are multiples of 16")
    return sizes or _nothing("--sizes", text)


def numbers_of(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers parted by commas, as in `1,2,4`.

    Raises:
        PlannerError: one of them is none, or there is none.
    """
    found = [each.strip() for each in text.split(",") if each.strip()]
    if not all(each.isascii() and each.isdigit() and 1 <= int(each) <= _MOST for each in found):
        raise PlannerError(f"{option} {text}: give whole numbers from 1, parted by commas, as in 1,2,4")
    return tuple(int(each) for each in found) or _nothing(option, text)


def _nothing(option: str, text: str) -> tuple[()]:
    raise PlannerError(f"{option} {text!r}: names nothing to measure")
