"""`python -m tests.soak [JOBS]`: print what came of it; exit 1 where something must not be."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.soak.killing import soak

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soaked = soak(Path(folder), jobs=int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    sys.stdout.write(json.dumps(soaked.__dict__, indent=1) + "\n")
    sys.exit(1 if soaked.wrong else 0)
