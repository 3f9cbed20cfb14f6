"""Four processes, one limit: what they spend together stays under it, to the micro-dollar."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from router.ledger.audit import check
from router.ledger.open import open_books
from router.ledger.rollups import month_totals

if TYPE_CHECKING:
    from pathlib import Path

SPEND = """
import asyncio, json, sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from router.building import policy_of
from router.errors import NotDelivered
from router.live import Router
from router.settings import Secret
from router.testing import sandbox_settings

async def main(folder, url, seed):
    settings = replace(sandbox_settings(folder), ledger=Secret(url), usd_per_month=Decimal(5))
    settings = replace(settings, backends=tuple(replace(one, images_per_minute=None) for one in settings.backends))
    async with Router(settings, policy_of(None, {}), environ={}) as router:
        async def one(number):
            try:
                await router.generate("a bicycle", model="gpt-image-2", quality="medium", seed=None)
                return True
            except NotDelivered as error:
                assert error.state == "no_budget", error.state
                return False
        answers = await asyncio.gather(*(one(number) for number in range(64)))
        month = f"{router.clock.now():%Y-%m}"
    print(json.dumps({"made": sum(answers), "month": month}))

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
"""


def spend_with_four_processes(folder: Path, url: str) -> tuple[int, int]:
    """Images made and micro-dollars settled by 4 x 64 requests at once."""
    working = [subprocess.Popen([sys.executable, "-c", SPEND, str(folder), url, str(number)], stdout=subprocess.PIPE,
                                text=True) for number in range(4)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in working]
    assert [process.returncode for process in working] == [0] * 4
    books = open_books(url)
    try:
        assert check(books) == ()
        totals = month_totals(books, answers[0]["month"])
    finally:
        books.dispose()
    assert sum(total.images for total in totals) == sum(answer["made"] for answer in answers)
    return sum(answer["made"] for answer in answers), sum(total.settled_micro_usd for total in totals)


def test_256_requests_from_four_processes_stay_under_five_dollars(url: str, tmp_path: Path) -> None:
    made, settled = spend_with_four_processes(tmp_path, url)
    assert 4_900_000 < settled <= 5_000_000
    assert 90 < made < 96
