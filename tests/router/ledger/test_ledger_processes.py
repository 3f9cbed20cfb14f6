"""Several processes against one limit, processes that are killed, a busy file, a lost server, a fork."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ledger_rows import MONTH, budget, intent, settlement
from sqlalchemy import Connection, event, select

import router.ledger.books as books_module
from router.errors import LedgerError
from router.ledger.audit import check
from router.ledger.books import reading
from router.ledger.open import open_books, open_ledger
from router.ledger.tables import attempts, budgets

if TYPE_CHECKING:
    from router.ledger.sql_ledger import SqlLedger

SCRIPT = Path(__file__).with_name("ledger_rows.py")
ROOT = Path(__file__).parents[3]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, SCRIPT, *arguments], stdout=subprocess.PIPE, text=True,
                            env=os.environ | {"PYTHONPATH": str(ROOT)})


def test_four_processes_never_pass_one_limit_and_use_nearly_all_of_it(url: str) -> None:
    limit = 5_000_000
    open_books(url).dispose()
    running = [start("spend", url, f"p{number}", str(limit)) for number in range(4)]
    told = sum(int(process.communicate(timeout=120)[0]) for process in running)
    assert all(process.returncode == 0 for process in running)
    books = open_books(url)
    assert check(books) == ()
    with reading(books) as connection:
        settled, reserved = connection.execute(select(budgets.c.settled_micro_usd, budgets.c.reserved_micro_usd)).one()
    books.dispose()
    assert (settled, reserved) == (told, 0)
    assert limit - 6_000 <= settled <= limit


@pytest.mark.parametrize("wait_s", [
    0.2, pytest.param(0.5, marks=pytest.mark.slow), pytest.param(1.5, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_kill_9(url: str, wait_s: float) -> None:
    open_books(url).dispose()
    acknowledged: set[str] = set()
    for life in range(2):
        process = start("load", url, f"life{life}")
        assert process.stdout is not None
        acknowledged.add(process.stdout.readline().strip())
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        acknowledged |= {line.strip() for line in process.communicate()[0].splitlines(keepends=True)
                         if line.endswith("\n")}
        books = open_books(url)
        assert check(books) == ()
        with reading(books) as connection:
            kept = set(connection.execute(select(attempts.c.id)).scalars())
        books.dispose()
        assert acknowledged <= kept
    assert len(acknowledged) > 30
    asyncio.run(collect_what_is_left(url))


async def collect_what_is_left(url: str) -> None:
    """Adopt what the dead left, and settle it."""
    ledger = open_ledger(url)
    for _ in range(60):
        for attempt in await ledger.open_attempts():
            await ledger.settle(settlement(attempt.attempt_id, 0, "free"))
        left = (await ledger.spent([budget(0)]))[("all", MONTH)].reserved_micro_usd
        if not left:
            break
        await asyncio.sleep(0.1)
    await ledger.close()
    assert left == 0


def test_a_short_lock_is_waited_for_and_a_long_one_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ledger.db"

    async def story() -> None:
        ledger = open_ledger(f"sqlite:///{file}")
        holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        asked = asyncio.create_task(ledger.reserve(intent("a1")))
        await asyncio.sleep(0.3)
        assert not asked.done()
        holder.execute("COMMIT")
        assert (await asked).granted
        monkeypatch.setattr(books_module, "PATIENCE_S", 0.2)
        monkeypatch.setattr("router.ledger.batches.PATIENCE_S", 0.2)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="lock too long"):
            await ledger.reserve(intent("a2"))
        holder.execute("COMMIT")
        holder.close()
        assert (await ledger.reserve(intent("a3"))).granted
        await ledger.close()

    asyncio.run(story())


def cut_off(ledger: SqlLedger, *, times: int, after_commit: bool) -> None:
    """Have the server end the ledger's session around its next commits, before the answer arrives."""
    left = [times]
    engine = ledger._books.writes

    @event.listens_for(engine, "commit")
    def cut(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        if not left[0]:
            return
        left[0] -= 1
        pid = driver.info.backend_pid
        if after_commit:
            driver.commit()
        with ledger._books.reads.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        time.sleep(0.05)
        if after_commit:
            # psycopg has nothing left to commit, so the loss shows with the next word to the server.
            connection.exec_driver_sql("SELECT 1")


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_commit_of_unknown_outcome_is_looked_up_and_never_applied_twice(
        postgres: str, *, after_commit: bool) -> None:
    from conftest import database

    async def story(url: str) -> None:
        ledger = open_ledger(url)
        month = budget(10**6)
        await ledger.reserve(intent("a0", 1_000, (month,)))
        cut_off(ledger, times=2, after_commit=after_commit)
        answers = await asyncio.gather(*(ledger.reserve(intent(f"a{number}", 1_000, (month,)))
                                         for number in range(1, 6)))
        assert all(answer.granted for answer in answers)
        cut_off(ledger, times=1, after_commit=after_commit)
        await ledger.settle(settlement("a1", 400))
        assert [row["settlements"] async for row in ledger.export(MONTH)] == [0, 1, 0, 0, 0, 0]
        await ledger.close()

    with database(postgres) as url:
        asyncio.run(story(url))
        books = open_books(url)
        assert check(books) == ()
        with reading(books) as connection:
            line = connection.execute(select(budgets.c.settled_micro_usd, budgets.c.reserved_micro_usd)).one()
        books.dispose()
    assert tuple(line) == (400, 5_000)


def test_a_server_that_is_gone_is_an_error_and_its_return_is_noticed(
        postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from conftest import database

    monkeypatch.setattr("router.ledger.batches.PATIENCE_S", 0.3)

    async def story(url: str) -> None:
        ledger = open_ledger(url)
        month = budget(10**6)
        await ledger.reserve(intent("a1", 1_000, (month,)))
        engine = ledger._books.writes
        real = engine.dialect.connect

        def refuse(*_: object, **__: object) -> object:
            return real(host="127.0.0.1", port=1, user="postgres", connect_timeout=1)

        monkeypatch.setattr(engine.dialect, "connect", refuse)
        cut_off(ledger, times=1, after_commit=False)
        with pytest.raises(LedgerError, match="ledger postgresql://"):
            await ledger.reserve(intent("a2", 1_000, (month,)))
        monkeypatch.setattr(engine.dialect, "connect", real)
        assert (await ledger.reserve(intent("a3", 1_000, (month,)))).granted
        spent = await ledger.spent([month])
        assert spent[("all", MONTH)].reserved_micro_usd == 2_000, "the reserve nobody heard of was not given back"
        await ledger.close()

    with database(postgres) as url:
        asyncio.run(story(url))


def test_a_child_of_a_fork_must_open_its_own(tmp_path: Path) -> None:
    def child(ledger: SqlLedger, answers: multiprocessing.connection.Connection) -> None:
        try:
            asyncio.run(ledger.reserve(intent("b1")))
        except LedgerError as error:
            answers.send(str(error))

    async def opened() -> SqlLedger:
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
        await ledger.reserve(intent())
        return ledger

    ledger = asyncio.run(opened())
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=child, args=(ledger, there))
    process.start()
    assert here.poll(20)
    assert "open it after the fork" in here.recv()
    process.join()
    asyncio.run(ledger.close())


def test_two_loops_in_two_threads_share_a_ledger(url: str) -> None:
    ledger = open_ledger(url)

    async def some(name: str) -> int:
        answers = await asyncio.gather(*(ledger.reserve(intent(f"{name}{number}", 1)) for number in range(50)))
        return sum(answer.granted for answer in answers)

    async def both() -> int:
        return sum(await asyncio.gather(*(asyncio.to_thread(asyncio.run, some(name)) for name in "xy")))

    assert asyncio.run(both()) == 100
    asyncio.run(ledger.close())
