"""The exported file before the FinOps Foundation's own validator, which lives in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.planner.actuals.month_books import GPU, MONTH, OPENAI, attempt, said, settings, write_books
from tests.tables import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VENV = ROOT / ".venv-focus"
# One says that InvoiceId must be null and the other that it must not: one of them always fails.
CONTRADICTIONS = {"InvoiceId-C-004-C", "InvoiceId-C-005-C"}
CRITERIA = "PUBLIC_PRICE_LIST_SUPPORTED,USAGE_MEASUREMENT_SUPPORTED,UNIT_PRICING_SUPPORTED,TAGGING_SUPPORTED"


@pytest.fixture(scope="module")
def site() -> Path:
    """The validator's site-packages: it reads its rules by paths that begin there."""
    if not (VENV / ".ready").exists():
        assert not os.environ.get("CI"), "make test makes .venv-focus first"
        pytest.skip("focus-validator is not installed: make .venv-focus/.ready")
    return next((VENV / "lib").glob("python3*/site-packages"))


def failures(site: Path, file: Path) -> set[str]:
    """The rules that a file breaks. The validator ends with 0 whatever it finds, so its words are read."""
    answer = subprocess.run(
        [VENV / "bin" / "focus-validator", "--data-file", file, "--validate-version", "1.2", "--block-download",
         "--applicability-criteria", CRITERIA], cwd=site, capture_output=True, text=True, check=False)
    counted = re.search(r"Total: \d+ \| Pass: (\d+) \| Fail: (\d+)", answer.stdout)
    assert counted, answer.stdout[-2000:] + answer.stderr[-2000:]
    assert int(counted[1]) > 150
    found = set(re.findall(r"^ *- ([A-Za-z]+-[A-Z]-\d+-[A-Z]): violations=", answer.stdout, re.MULTILINE))
    assert len(found) == int(counted[2]), answer.stdout[-4000:]
    return found


STORY = [attempt(1), attempt(2, **OPENAI), attempt(3, **GPU), attempt(4, **GPU, request_tenant=""),
         attempt(5, images=0, state="possibly_billed"), attempt(6, **OPENAI | {"tier": "batch"}, n=4, images=4)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("options", [(), ("--detail",)])
def test_the_validator_finds_nothing_but_its_own_contradiction(site: Path, tmp_path: Path, options: tuple[str]) -> None:
    url, out = f"sqlite:///{tmp_path}/books.sqlite", tmp_path / "focus.csv"
    write_books(url, STORY)
    said("export", "focus", "--month", MONTH, "--ledger", url, "--settings", settings(tmp_path), "--out", out, *options)
    assert failures(site, out) <= CONTRADICTIONS


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_validator_sees_what_is_wrong(site: Path, tmp_path: Path) -> None:
    url, out = f"sqlite:///{tmp_path}/books.sqlite", tmp_path / "focus.csv"
    write_books(url, STORY)
    said("export", "focus", "--month", MONTH, "--ledger", url, "--settings", settings(tmp_path), "--out", out)
    out.write_text(out.read_text().replace(",USD,", ",DOLLARS,").replace(",Usage,", ",Use,"))
    assert {"BillingCurrency-C-006-M", "ChargeCategory-C-003-M"} <= failures(site, out)
