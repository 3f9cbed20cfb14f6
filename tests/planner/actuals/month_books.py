"""Books of a month written straight into the tables, and settings with cards of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner
from sqlalchemy import insert

from planner.cli import planner
from router.ledger.books import writing
from router.ledger.open import open_books
from router.ledger.rows import to_us
from router.ledger.tables import attempts, outcomes, requests

if TYPE_CHECKING:
    from pathlib import Path

MONTH = "2026-10"
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
OPENAI = {"backend": "openai", "model": "gpt-image-2", "quality": "medium", "quoted_usd": "0.05268",
          "price_row": "openai-gpt-image-2-image-output", "settled_micro_usd": 52_680}
BFL = {"backend": "bfl", "model": "flux-2-pro", "price_row": "bfl-flux-2-pro-output-first-mp", "quoted_usd": "0.03",
       "settled_micro_usd": 30_000}
GPU = {"backend": "gpu", "model": "flux-2-klein-4b", "price_row": "", "quoted_usd": "0.000016", "settled_micro_usd": 16}
SETTINGS = """
[ledger]
url = "sqlite:///books.sqlite"
[[backend]]
name = "openai"
vendor = "openai"
models = ["gpt-image-2"]
simulated = true
[[backend]]
name = "bfl"
vendor = "bfl"
base_url = "https://api.eu.bfl.ai"
models = ["flux-2-pro"]
region = "eu"
simulated = true
[[backend]]
name = "gpu"
vendor = "worker"
base_url = "http://127.0.0.1:8091/v1"
models = ["flux-2-klein-4b"]
region = "eu"
[backend.gpus]
gpu = "l40s"
cards = 2
seconds_per_image = 5
usd_per_gpu_h = 0.79
hours = { "mon-fri 08-20" = 2 }
"""


def settings(folder: Path, text: str = SETTINGS) -> Path:
    path = folder / "router.toml"
    path.write_text(text)
    return path


def attempt(key: int, at: datetime | None = None, **changed: Any) -> dict[str, Any]:
    """An attempt's row, with its request's columns as `request_...`."""
    at = at or BEGIN + timedelta(hours=5, minutes=key)
    row = {"id": f"a{key:06}", "request_id": f"r{key:06}", "number": 1, "tier": "sync", "n": 1, "quality": "",
           "size": "1024x1024", "reserved_at": to_us(at), "sent_at": to_us(at), "settled_at": to_us(at) + 9_000_000,
           "settlements": 1, "state": "billed", "images": 1, "flags": "", "reserve_micro_usd": 60_000, "price_row": "",
           "request_tenant": "acme", "request_project": "shop", "request_segment": "bulk",
           "request_cost_center": "4711", **BFL}
    return row | changed


def write_books(url: str, rows: list[dict[str, Any]], judged: list[dict[str, Any]] = ()) -> None:  # type: ignore[assignment]
    """A ledger with these attempts, a request for each request id, and what people made of images."""
    asked = {}
    for row in rows:
        asked.setdefault(row["request_id"], {
            "id": row["request_id"], "received_at": row["reserved_at"], "state": "ok", "n_asked": row["n"],
            "backend": row["backend"], "model": row["model"], "quality": row["quality"], "n_delivered": row["images"],
            **{name.removeprefix("request_"): value for name, value in row.items()
               if name.startswith("request_") and name != "request_id"}})
        if row["images"]:
            asked[row["request_id"]] |= {name: row[name] for name in ("backend", "model", "quality")}
    tried = [{name: value for name, value in row.items() if name == "request_id" or not name.startswith("request_")}
             for row in rows]
    books = open_books(url)
    with writing(books) as connection:
        if rows:
            connection.execute(insert(requests), list(asked.values()))
            connection.execute(insert(attempts), tried)
        if judged:
            connection.execute(insert(outcomes), judged)
    books.dispose()


def said(*arguments: object) -> str:
    """What `planner` prints; an error is raised as it is."""
    answer = CliRunner().invoke(planner, [str(one) for one in arguments], standalone_mode=False)
    if answer.exception is not None:
        raise answer.exception
    return answer.output
