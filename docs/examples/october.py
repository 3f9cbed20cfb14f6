"""Books of October 2026 in a folder of their own, and `planner` over them: python october.py actuals --by tenant."""

import asyncio
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from router.ledger.open import open_ledger
from router.ledger.protocol import Ledger
from router.ledger.values import Budget, Closing, Intent, Outcome, RequestRow, Settlement

MONTH, BEGIN = "2026-10", datetime(2026, 10, 1, 9, tzinfo=UTC)
BUDGET = (Budget("all", MONTH, 10**12),)
LEDGER = "sqlite:///books.sqlite"
OPENAI = ("openai", "gpt-image-2", "medium", "openai-gpt-image-2-image-output", "0.05268", 52_680)
BFL = ("bfl", "flux-2-pro", "", "bfl-flux-2-pro-output-first-mp", "0.03", 30_000)
GPU = ("gpu", "flux-2-klein-4b", "", "", "0.000016", 16)
SETTINGS = """
[ledger]
url = "sqlite:///books.sqlite"
[[backend]]
name = "openai"
vendor = "openai"
models = ["gpt-image-2"]
[[backend]]
name = "bfl"
vendor = "bfl"
base_url = "https://api.eu.bfl.ai"
models = ["flux-2-pro"]
region = "eu"
[[backend]]
name = "gpu"
vendor = "worker"
base_url = "http://127.0.0.1:8091/v1"
models = ["flux-2-klein-4b"]
gpus = { gpu = "l40s", seconds_per_image = 3.2, usd_per_gpu_h = 0.79, hours = { "mon-fri 09-10" = 1 } }
"""


async def write_books() -> None:
    """Two thousand requests of two tenants, a few of them failed at first, some judged."""
    ledger = open_ledger(LEDGER)
    await asyncio.gather(*(one_request(ledger, number) for number in range(2_000)))
    await ledger.close()


async def one_request(ledger: Ledger, number: int) -> None:
    """A request with its attempts, its end, and sometimes a judgement."""
    at = BEGIN + timedelta(minutes=number * 21)
    tenant, segment = ("shop", "bulk") if number % 5 else ("studio", "hero")
    request = RequestRow(
        id=f"r{number:05}", received_at=at, tenant=tenant, project=f"{tenant}/web", segment=segment, brand="",
        campaign="", cost_center="4711" if tenant == "shop" else "", operation="generate", model_asked="auto",
        size_asked="1024x1024", quality_asked="auto", n_asked=1, references=0, text_words=0, data_class="public",
        prompt_hash="", prompt_chars=0, fingerprint="", policy_digest="", verdicts="")
    places = [OPENAI] if segment == "hero" else [(BFL, GPU, GPU)[number % 3]]
    if number % 97 == 0:
        places.insert(0, BFL)  # times out there, and is made by the next
    for tried, (backend, model, quality, price_row, quoted, micro) in enumerate(places, start=1):
        name, made = f"{request.id}-{tried}", tried == len(places)
        await ledger.reserve(Intent(name, request, tried, backend, model, quality, "sync", 1, "1024x1024", micro,
                                    quoted, price_row, at, BUDGET))
        await ledger.settle(Settlement(name, "billed" if made else "possibly_billed", "ok" if made else "timed_out",
                                       "", micro, "", at, images=int(made)))
    await ledger.close_request(Closing(request.id, "ok", "", 200, *places[-1][:3], "1024x1024", 1, places[-1][5], 4.0,
                                       at))
    if number % 20 == 0:
        await ledger.record_outcome(Outcome(request.id, 0, "accepted" if number % 60 else "rejected", "", None, at))


def write_statement() -> None:
    """What BFL says of the month: two days are missing, and it counts four images that are not in the books."""
    days = [day for day in range(1, 31) if day not in (12, 13)]
    made = [BEGIN + timedelta(minutes=number * 21) for number in range(2_000) if number % 5 and number % 3 == 0]
    counts = {day: sum(at.day == day for at in made) + (4 if day == days[0] else 0) for day in days}
    rows = [f"2026-10-{day:02},flux-2-pro,{images},{3 * images}\n" for day, images in counts.items()]
    Path("bfl.csv").write_text("date,model,images,credits\n" + "".join(rows))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    Path("router.toml").write_text(SETTINGS)
    asyncio.run(write_books())
    write_statement()
    planner = [Path(sys.executable).with_name("planner"), *sys.argv[1:], "--month", MONTH, "--settings", "router.toml"]
    status = subprocess.run(planner, check=False).returncode  # noqa: S603 (this environment's own planner)
    if status:
        print(f"exit {status}")
    if "accruals" in sys.argv:
        print(Path("accruals.csv").read_text(), end="")
    os.chdir("/")
