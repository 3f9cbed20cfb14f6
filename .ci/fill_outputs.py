"""Put true output between the `<!-- output: COMMAND -->` marks of the given pages; `| N` after a command keeps N lines.

With --check nothing is written, and a page that differs fails.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

MARK = re.compile(r"(<!-- output: (?P<command>[^|>]+?)(?: \| (?P<lines>\d+))? -->\n).*?(<!-- /output -->)", re.DOTALL)


def printed(command: str, lines: str | None) -> str:
    """What a command prints, as a fenced block."""
    program, *arguments = shlex.split(command)
    answer = subprocess.run([Path(sys.executable).with_name(program), *arguments], capture_output=True, text=True,
                            check=True, env=os.environ | {"COLUMNS": "120"})
    kept = [line.rstrip() for line in answer.stdout.rstrip().splitlines()][: int(lines) if lines else None]
    return "```text\n" + "\n".join(kept) + "\n```\n"


def main() -> int:
    """Fill or check; the number of pages that differ."""
    names = [name for name in sys.argv[1:] if name != "--check"]
    differing = 0
    for page in map(Path, names):
        text = page.read_text()
        filled = MARK.sub(lambda found: found[1] + printed(found["command"], found["lines"]) + found[4], text)
        if filled != text:
            differing += 1
            if "--check" in sys.argv:
                print(f"{page}: not what the commands print; run: make docs", file=sys.stderr)
            else:
                page.write_text(filled)
    return differing if "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
