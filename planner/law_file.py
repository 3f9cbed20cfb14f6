"""The fitted law as a file: written by `planner throughput --fit`, read by the router. An edge."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import PlannerError

if TYPE_CHECKING:
    from router.law import Coefficients

__all__ = ["law_text", "write_law"]

_READABLE = 0o644


def law_text(coefficients: Coefficients) -> str:
    """JSON with one effect on a line: its log mean, then its narrowing, to five decimals."""
    kinds = {name: [kind.mean, kind.sd] for name, kind in coefficients.kinds.items()}
    lines = [f"  {json.dumps(key)}: {json.dumps([_short(effect.mean), *map(_short, effect.narrowing)])}"
             for key, effect in coefficients.effects.items()]
    runs = f'"runs": {json.dumps(coefficients.runs)}, ' if coefficients.runs else ""
    return (f'{{"owner": {json.dumps(coefficients.owner)}, {runs}"noise_sd": {coefficients.noise_sd},\n'
            f' "kinds": {json.dumps(kinds)},\n'
            ' "effects": {\n' + ",\n".join(lines) + "\n}}\n")


def _short(number: float) -> float:
    return round(number, 5) + 0.0


def write_law(path: Path, coefficients: Coefficients) -> None:
    """Write the law in one piece, so that a reader never sees half of it.

    Raises:
        PlannerError: the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", encoding="utf-8", delete=False) as draft:
            draft.write(law_text(coefficients))
        Path(draft.name).chmod(_READABLE)
        Path(draft.name).replace(path)
    except OSError as error:
        raise PlannerError(f"{path}: cannot be written ({type(error).__name__}); name a folder of your own") from None
