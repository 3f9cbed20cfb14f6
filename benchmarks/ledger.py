"""How fast the ledger writes, durably: on SQLite and on PostgreSQL, one process, and four against one limit.

Three runs of each; the table shows the one in the middle. A request writes four rows (its own, its attempt's, the
settlement over the attempt, the end over the request), or three without its end; budget rows are not counted.

Without BREAKEVEN_BENCH_POSTGRES=postgresql://... only SQLite is measured.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import inspect

from router.ledger.audit import check
from router.ledger.books import connect_books
from router.ledger.open import open_books, open_ledger
from router.ledger.values import Budget, Closing, Intent, RequestRow, Settlement

RESULTS = Path(__file__).with_name("results") / "ledger.json"
SECONDS, TASKS, PROCESSES, RUNS = 5.0, 256, 4, 3
MONTH = datetime.now(tz=UTC).strftime("%Y-%m")
ALL = Budget("all", MONTH, 10**12)


def request(name: str) -> RequestRow:
    """A request of usual size."""
    return RequestRow(
        id=name, received_at=datetime.now(tz=UTC), tenant="acme", project="acme/shop", segment="bulk", brand="north",
        campaign="spring sale", cost_center="4711", operation="generate", model_asked="auto", size_asked="1024x1024",
        quality_asked="auto", n_asked=1, references=0, text_words=3, data_class="public", prompt_hash="5" * 64,
        prompt_chars=400, fingerprint="a" * 64, policy_digest="c" * 64,
        verdicts="bfl/flux-2-pro:ok openai/gpt-image-2@low:ok openai/gpt-image-2@medium:dearer own/klein-4b:queue")


def intent(name: str, *, reserve: int = 40_000, budgets: tuple[Budget, ...] = (ALL,)) -> Intent:
    """The first attempt of a request."""
    return Intent(attempt_id=f"{name}-1", request=request(name), number=1, backend="bfl", model="flux-2-pro",
                  quality="", tier="sync", n=1, size="1024x1024", reserve_micro_usd=reserve, quoted_usd="0.03",
                  price_row="bfl-flux-2-pro-2026-03", at=datetime.now(tz=UTC), budgets=budgets)


def settlement(name: str) -> Settlement:
    """A billed image."""
    return Settlement(attempt_id=f"{name}-1", state="billed", kind="ok", code="", settled_micro_usd=30_000,
                      actual_usd="0.03", at=datetime.now(tz=UTC), provider_job="0198-job", provider_request="req-77",
                      images=1, image_bytes=1_400_000, pixels=1 << 20, digests="e" * 64)


def closing(name: str) -> Closing:
    """The end of a request."""
    return Closing(request_id=name, state="ok", code="", http_status=200, backend="bfl", model="flux-2-pro", quality="",
                   size_delivered="1024x1024", n_delivered=1, usd_micro=30_000, latency_s=4.2, at=datetime.now(tz=UTC))


async def life(ledger: Any, name: str, *, whole: bool, budgets: tuple[Budget, ...]) -> tuple[float, float]:
    """Seconds to set money aside, and to settle, in the life of one request."""
    began = time.perf_counter()
    granted = await ledger.reserve(intent(name, budgets=budgets))
    reserved = time.perf_counter()
    if not granted.granted:
        raise SystemExit("the benchmark's limit is too low")
    await ledger.settle(settlement(name))
    settled = time.perf_counter()
    if whole:
        await ledger.close_request(closing(name))
    return reserved - began, settled - reserved


async def load(url: str, *, tasks: int, whole: bool, budgets: tuple[Budget, ...]) -> dict[str, Any]:
    """Requests one after another in each of `tasks` tasks, and what they took of this process's time."""
    ledger = open_ledger(url)
    await ledger.spent(budgets)
    seconds: list[tuple[float, float]] = []
    began, processor = time.perf_counter(), time.process_time()

    async def one(task: int) -> None:
        while time.perf_counter() < began + SECONDS:
            name = f"{time.time_ns():x}-{os.getpid()}-{task}"
            seconds.append(await life(ledger, name, whole=whole, budgets=budgets))

    await asyncio.gather(*(one(task) for task in range(tasks)))
    wall, processor = time.perf_counter() - began, time.process_time() - processor
    await ledger.close()
    return {"wall_s": wall, "cpu_s": processor, "intent_s": [pair[0] for pair in seconds],
            "settle_s": [pair[1] for pair in seconds]}


def child(url: str, given: dict[str, Any], answers: Any) -> None:
    """One of several processes."""
    answers.put(asyncio.run(load(url, **given)))


def together(url: str, processes: int, **given: Any) -> list[dict[str, Any]]:
    """The same load from several processes at once."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    running = [context.Process(target=child, args=(url, given, answers)) for _ in range(processes)]
    for process in running:
        process.start()
    told = [answers.get() for _ in running]
    for process in running:
        process.join()
    return told


def summary(name: str, told: list[dict[str, Any]], rows_each: int) -> dict[str, Any]:
    """One run's figures."""
    intents = sorted(second for one in told for second in one["intent_s"])
    settles = sorted(second for one in told for second in one["settle_s"])
    pairs_per_s = sum(len(one["intent_s"]) / one["wall_s"] for one in told)
    return {"case": name, "load_after": round(os.getloadavg()[0], 2), "requests": len(intents),
            "pairs_per_s": round(pairs_per_s),
            "cpu_us_each": round(1e6 * sum(one["cpu_s"] for one in told) / len(intents)),
            "rows_per_s": round(pairs_per_s * rows_each),
            **{f"{kind}_{label}_ms": round(1e3 * values[int(len(values) * share)], 2)
               for kind, values in (("intent", intents), ("settle", settles))
               for label, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}}


def fsync_ms(folder: str) -> float:
    """Median milliseconds of an fsync of 64 KiB on the disk the ledger is on."""
    took = []
    with (Path(folder) / "probe").open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(bytes(65_536))
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return round(1e3 * statistics.median(took), 3)


def measure(kind: str, url: str) -> list[dict[str, Any]]:
    """Every case on one database; the books must agree with themselves afterwards."""
    rows = []
    for _ in range(RUNS):
        rows.append(summary(f"{kind}, 1 process x {TASKS}",
                            together(url, 1, tasks=TASKS, whole=True, budgets=(ALL,)), 4))
        rows.append(summary(f"{kind}, {PROCESSES} processes x 64, one limit",
                            together(url, PROCESSES, tasks=64, whole=False, budgets=(ALL,)), 3))
    books = open_books(url)
    problems = check(books)
    books.dispose()
    if problems:
        sys.exit("\n".join(problems))
    return rows


def postgres_conditions(url: str) -> dict[str, str]:
    """What the server says of itself."""
    books = connect_books(url, create=True)
    with books.reads.begin() as connection:
        if inspect(connection).get_table_names():
            sys.exit("BREAKEVEN_BENCH_POSTGRES: name an empty database")
        told = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
                for name in ("server_version", "fsync", "synchronous_commit", "full_page_writes")}
    books.dispose()
    return told


def main() -> None:
    """Print the table and write every figure."""
    server = os.environ.get("BREAKEVEN_BENCH_POSTGRES", "")
    with tempfile.TemporaryDirectory() as folder:
        conditions: dict[str, Any] = {
            "python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "cores": os.cpu_count(),
            "sqlalchemy": sqlalchemy.__version__, "seconds": SECONDS, "fsync_64_kib_ms": fsync_ms(folder),
            "sqlite_synchronous": "FULL", "load_before": os.getloadavg()[0]}
        rows = measure("SQLite", f"sqlite:///{folder}/ledger.db")
    if server:
        conditions["postgres"] = postgres_conditions(server)
        rows += measure("PostgreSQL", server)
    RESULTS.write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    print(conditions)
    for case in dict.fromkeys(row["case"] for row in rows):
        runs = sorted((row for row in rows if row["case"] == case), key=lambda row: row["pairs_per_s"])
        row = runs[len(runs) // 2]
        print(f"{row['case']:40} {row['rows_per_s']:6} rows/s {row['pairs_per_s']:5} pairs/s {row['cpu_us_each']:4} us "
              f"cpu each, intent p50 {row['intent_p50_ms']:.1f} p99 {row['intent_p99_ms']:.1f} ms, "
              f"settle p99 {row['settle_p99_ms']:.1f} ms")


if __name__ == "__main__":
    main()
