"""Command lines of other servers in the docs use flags that their packages define."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KNOWN = json.loads((Path(__file__).with_name("flags.json")).read_text())
# Defined by vLLM, which the wheel of vLLM-Omni stands on and does not hold.
OF_VLLM = {"--port", "--host", "--api-key"}


def command_lines(page: str) -> list[tuple[str, str]]:
    """Every command line below a line `# engine: NAME` of a block."""
    blocks = re.findall(r"```sh\n# engine: (\S+)\n(.*?)```", page, re.DOTALL)
    return [(engine, line) for engine, block in blocks for line in block.splitlines() if line.strip()]


def unknown_flags(engine: str, line: str) -> list[str]:
    known = set(KNOWN[engine]["flags"]) | (OF_VLLM if engine == "vllm-omni" else set())
    return [word for word in shlex.split(line) if word.startswith("--") and word.partition("=")[0] not in known]


LINES = command_lines((ROOT / "docs" / "own_gpus.md").read_text())


@pytest.mark.parametrize(("engine", "line"), LINES)
def test_flags_of_the_docs_are_known_to_the_package(engine: str, line: str) -> None:
    assert unknown_flags(engine, line) == []


def test_both_engines_are_there_and_the_check_can_fail() -> None:
    assert {engine for engine, _ in LINES} == {"sglang", "vllm-omni"}
    assert len(LINES) >= 8
    assert unknown_flags("sglang", "sglang serve --model-path x --no-such-flag 1") == ["--no-such-flag"]
