"""A workbook through LibreOffice: every cached value thrown away, inputs changed, everything computed anew."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from openpyxl.formula import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MISSING = "LibreOffice Calc is missing: run  sudo apt-get install --no-install-recommends libreoffice-calc-nogui"
Values = dict[str, dict[str, Any]]


def soffice() -> str:
    """The program; where it is missing the test is skipped, and fails in continuous integration."""
    found = shutil.which("soffice")
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    return str(found)


def values_of(path: Path) -> Values:
    """Every cell's cached value, by sheet and place."""
    book = openpyxl.load_workbook(path, data_only=True)
    return {sheet.title: {cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row
                          if cell.value is not None} for sheet in book}


def formulas_of(path: Path) -> Values:
    """Every formula, by sheet and place."""
    book = openpyxl.load_workbook(path)
    return {sheet.title: {cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row
                          if cell.data_type == "f"} for sheet in book}


def literals(formula: str) -> list[str]:
    """Numbers that stand in a formula, but 0 and 1."""
    return [token.value for token in Tokenizer(formula).items
            if token.type == "OPERAND" and token.subtype == "NUMBER" and token.value not in ("0", "1")]


def changed(path: Path, to: Path, inputs: Mapping[str, float]) -> None:
    """A copy with other inputs, by name, and without a single cached value: openpyxl keeps none."""
    book = openpyxl.load_workbook(path)
    for name, value in inputs.items():
        (sheet, place), = book.defined_names[name].destinations
        assert book[sheet][place.replace("$", "")].data_type == "n", name
        book[sheet][place.replace("$", "")] = value
    book.save(to)


def recalculated(folder: Path, copies: list[Path]) -> list[Values]:
    """What LibreOffice computes for each of the copies."""
    out = folder / "recalculated"
    answer = subprocess.run([soffice(), f"-env:UserInstallation=file://{folder / 'profile'}", "--headless",
                             "--convert-to", "xlsx", "--outdir", out, *copies], capture_output=True, text=True,
                            timeout=240, check=False)
    assert answer.returncode == 0, answer.stderr
    return [values_of(out / copy.with_suffix(".xlsx").name) for copy in copies]


def differing(found: Values, wanted: Values) -> list[str]:
    """Cells that are not the same: numbers to a millionth, the rest exactly."""
    told = [] if found.keys() == wanted.keys() else [f"sheets {sorted(found)} instead of {sorted(wanted)}"]
    for sheet, cells in wanted.items():
        for place in sorted(cells.keys() | found[sheet].keys()):
            left, right = found[sheet].get(place), cells.get(place)
            if not same(left, right):
                told.append(f"{sheet}!{place}: {left!r} instead of {right!r}")
    return told


def same(left: Any, right: Any) -> bool:
    """Both are the same text, truth or day, or the same number to a millionth."""
    numbers = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (left, right)]
    if all(numbers):
        return abs(left - right) <= max(1e-6 * 0.9, 1e-12 * abs(right))
    return type(left) is type(right) and left == right
