"""The fitted law as a file: written by `planner throughput --fit`, read by the router. An edge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from router.law import Coefficients

__all__ = ["law_text", "write_law"]


def law_text(coefficients: Coefficients) -> str:
    """JSON with one effect on a line: its log mean, then its narrowing, to five decimals."""
    kinds = {name: [kind.mean, kind.sd] for name, kind in coefficients.kinds.items()}
    lines = [f"  {json.dumps(key)}: {json.dumps([_short(effect.mean), *map(_short, effect.narrowing)])}"
             for key, effect in coefficients.effects.items()]
    years = {name: round(year, 3) for name, year in coefficients.newest_year.items()}
    return (f'{{"owner": {json.dumps(coefficients.owner)}, "noise_sd": {coefficients.noise_sd},\n'
            f' "kinds": {json.dumps(kinds)},\n'
            f' "newest_year": {json.dumps(years)},\n "effects": {{\n' + ",\n".join(lines) + "\n}}\n")


def _short(number: float) -> float:
    return round(number, 5) + 0.0


def write_law(path: Path, coefficients: Coefficients) -> None:
    """Write the law in one piece, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(law_text(coefficients), encoding="utf-8")
    draft.replace(path)
