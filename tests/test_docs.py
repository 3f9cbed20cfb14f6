"""The pages show what the commands print."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
         if "<!-- output:" in page.read_text()]


def check(page: Path) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("BREAKEVEN_")}
    return subprocess.run([sys.executable, ROOT / ".ci" / "fill_outputs.py", "--check", page], cwd=ROOT, env=environ,
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_output_in_a_page_is_true(page: Path) -> None:
    answer = check(page)
    assert answer.returncode == 0, answer.stderr


def test_untrue_output_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- output: planner claims --json | 1 -->\n```text\n[\n```\n<!-- /output -->\n")
    assert check(page).returncode == 1
    page.write_text("<!-- output: planner claims --json | 1 -->\n```text\n{\n```\n<!-- /output -->\n")
    assert check(page).returncode == 0
