"""Exports for the tests of bills: files written by hand, and pages as OpenAI's usage API gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tables import ROOT

BILLS = Path(__file__).with_name("bills")
USAGE, COSTS = (ROOT / "docs" / "examples" / f"openai_{name}.json" for name in ("usage", "costs"))
OCTOBER_1 = 1_790_812_800


def bucket(*results: dict[str, Any], start: int = OCTOBER_1, end: int = OCTOBER_1 + 86_400) -> dict[str, Any]:
    return {"object": "bucket", "start_time": start, "end_time": end, "results": list(results)}


def result(**told: Any) -> dict[str, Any]:
    return {"object": "organization.usage.images.result", "images": 2, "num_model_requests": 2, "model": "gpt-image-2",
            "size": "1024x1024"} | told


def page(path: Path, *buckets: dict[str, Any], more: bool = False) -> Path:
    path.write_text(json.dumps({"object": "page", "data": list(buckets), "has_more": more, "next_page": None}))
    return path
