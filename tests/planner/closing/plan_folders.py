"""Folders of plans as `planner plan --out` leaves them, with months made up by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from planner.plan.folder import advance, file_hash

if TYPE_CHECKING:
    from pathlib import Path

MADE_ON = "2026-09-25"
BFL, OPENAI = "bfl/flux-2-pro", "openai/gpt-image-2@medium"


def image_line(segment: str, option: str, images: str, *, price: str, accepted: str | None = None) -> dict[str, Any]:
    usd = (Decimal(images) * Decimal(price)).quantize(Decimal("0.000001"))
    return {"segment": segment, "can_wait": False, "option": option, "own": option == "own", "images": images,
            "usd_per_image": price, "usd": f"{usd:f}", "accepted": accepted or images, "source": "a test"}


def bill(kind: str, usd: str, *, quantity: float = 1.0, each: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "name": kind, "quantity": quantity, "unit": "month", "usd_each": each or usd, "usd": usd,
            "source": "a test"}


def month_of(label: str, images_of: list[dict[str, Any]], fixed: list[dict[str, Any]] = (), *,  # type: ignore[assignment]
             p10: float = 0.0, p90: float = 1e9) -> dict[str, Any]:
    usd = sum((Decimal(line["usd"]) for line in (*images_of, *fixed)), Decimal(0))
    images = sum((Decimal(line["images"]) for line in images_of), Decimal(0))
    return {"month": label, "usd": f"{usd:f}", "p10_usd": p10, "p90_usd": p90, "images": f"{images:f}",
            "images_of": images_of, "fixed": list(fixed)}


def plan_folder(folder: Path, months: list[dict[str, Any]], *, state: str = "approved", made_on: str = MADE_ON,
                by: str = "Ada") -> Path:
    folder.mkdir(parents=True)
    data = json.dumps({"scenario": "A shop", "planned_on": made_on, "months": months}).encode()
    written = datetime.fromisoformat(f"{made_on}T09:00:00+00:00")
    (folder / "plan.json").write_bytes(data)
    (folder / "receipt.json").write_text(json.dumps({"files": {"plan.json": file_hash(data)}}))
    (folder / "status.json").write_text(json.dumps({"state": "draft", "history": [
        {"state": "draft", "by": "", "at": written.isoformat()}]}))
    for step in ("approved", "frozen")[:("draft", "approved", "frozen").index(state)]:
        advance(folder, step, by=by, at=written.astimezone(UTC))  # type: ignore[arg-type]
    return folder
