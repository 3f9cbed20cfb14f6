"""Rows for the ledger's tests, and a process that loads a ledger until it is killed."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from router.ledger.open import open_ledger
from router.ledger.values import Budget, Closing, Intent, RequestRow, Settlement

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONTH = "2026-11"


def budget(limit: int, scope: str = "all", period: str = MONTH) -> Budget:
    return Budget(scope, period, limit)


def request(name: str = "r1", **changed: Any) -> RequestRow:
    row = RequestRow(
        id=name, received_at=AT, tenant="acme", project="acme/shop", segment="bulk", brand="north", campaign="spring",
        cost_center="4711", operation="generate", model_asked="auto", size_asked="1024x1024", quality_asked="auto",
        n_asked=1, references=0, text_words=0, data_class="public", prompt_hash="5" * 64, prompt_chars=40,
        fingerprint="a" * 64, policy_digest="c" * 64, verdicts="bfl/flux-2-pro:ok")
    return replace(row, **changed)


def intent(attempt: str = "a1", reserve: int = 40_000, budgets: tuple[Budget, ...] = (), **changed: Any) -> Intent:
    row = Intent(attempt_id=attempt, request=request(f"r-{attempt}"), number=1, backend="bfl", model="flux-2-pro",
                 quality="", tier="sync", n=1, size="1024x1024", reserve_micro_usd=reserve, quoted_usd="0.03",
                 price_row="bfl-flux-2-pro", at=AT, budgets=budgets or (budget(10**9),))
    return replace(row, **changed)


def settlement(attempt: str = "a1", cost: int = 30_000, state: Any = "billed", **changed: Any) -> Settlement:
    row = Settlement(attempt_id=attempt, state=state, kind="ok" if state == "billed" else "failed", code="",
                     settled_micro_usd=cost, actual_usd="0.03", at=AT, images=1 if state == "billed" else 0)
    return replace(row, **changed)


def closing(name: str = "r1", **changed: Any) -> Closing:
    row = Closing(request_id=name, state="ok", code="", http_status=200, backend="bfl", model="flux-2-pro", quality="",
                  size_delivered="1024x1024", n_delivered=1, usd_micro=30_000, latency_s=4.2, at=AT)
    return replace(row, **changed)


async def load_for_ever(url: str, name: str) -> None:
    """Reserve and settle in 32 tasks; print each attempt once its reserve is acknowledged."""
    ledger = open_ledger(url, lease_s=1)

    async def one(task: int) -> None:
        number = 0
        while True:
            attempt = f"{name}-{task}-{number}"
            if (await ledger.reserve(intent(attempt, 1_000, (budget(10**9), budget(10**9, "tenant:acme"))))).granted:
                sys.stdout.write(f"{attempt}\n")
                sys.stdout.flush()
            if number % 3:
                await ledger.settle(settlement(attempt, number % 1_500))
            number += 1

    await asyncio.gather(*(one(task) for task in range(32)))


async def spend_all(url: str, name: str, limit: int) -> None:
    """Spend in 64 tasks against one limit until nothing more is granted; print what was settled."""
    ledger = open_ledger(url)

    async def one(task: int) -> int:
        spent, number = 0, 0
        while True:
            attempt, cost = f"{name}-{task}-{number}", 1_000 + 37 * (task + number) % 4_000
            if not (await ledger.reserve(intent(attempt, cost + 500, (budget(limit),)))).granted:
                return spent
            await ledger.settle(settlement(attempt, cost))
            spent, number = spent + cost, number + 1

    sys.stdout.write(f"{sum(await asyncio.gather(*(one(task) for task in range(64))))}\n")
    await ledger.close()


if __name__ == "__main__":
    if sys.argv[1] == "load":
        asyncio.run(load_for_ever(*sys.argv[2:4]))
    else:
        asyncio.run(spend_all(sys.argv[2], sys.argv[3], int(sys.argv[4])))
