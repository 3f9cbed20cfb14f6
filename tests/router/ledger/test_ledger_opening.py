"""Opening a ledger, its messages, and the `ledger` commands."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from ledger_rows import AT, MONTH, budget, intent, settlement
from sqlalchemy import insert, select, update

import router.ledger.books as books_module
from router.errors import LedgerError
from router.ledger.books import writing
from router.ledger.open import open_books, open_ledger
from router.ledger.tables import attempts, budgets, jobs, messages, schema_versions
from router.ledger_command import ledger as ledger_command

if TYPE_CHECKING:
    from pathlib import Path


def message(url: str, *, create: bool = True) -> str:
    with pytest.raises(LedgerError) as told:
        open_books(url, create=create)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(("url", "told"), [
    ("ledger.db", "cannot be read"), ("mysql://u:secret@host/db", "only sqlite:/// and postgresql://"),
    ("sqlite://", "live on a disk"), ("sqlite:///:memory:", "live on a disk"),
    ("postgresql://u:secret@host:word/db", "cannot be read"), ("postgresql://u:sec ret@[::1/db", "cannot be read"),
    ("sqlite:////no/such/folder/ledger.db", "/no/such/folder does not exist"),
])
def test_urls_that_cannot_work_say_so_without_their_password(url: str, told: str) -> None:
    assert told in message(url)
    assert "secret" not in message(url)


def test_an_unreachable_server_is_said_in_one_line(postgres: str) -> None:
    told = message("postgresql://keeper:hunter2@127.0.0.1:1/books")
    assert "hunter2" not in told
    assert "127.0.0.1:1/books" in told


def test_a_database_that_is_missing(postgres: str) -> None:
    assert 'database "no_such_database" does not exist' in message(postgres.rsplit("/", 1)[0] + "/no_such_database")


def test_a_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books_module.importlib.util, "find_spec", lambda _: None)
    told = message("postgresql://u:hunter2@host/db")
    assert "pip install 'breakeven[postgres]'" in told
    assert "hunter2" not in told


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    def modes() -> list[int]:
        return [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()]

    async def story() -> None:
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
        await ledger.reserve(intent())
        assert modes() == [0o600, 0o600, 0o600]
        await ledger.close()

    before = os.umask(0)
    try:
        asyncio.run(story())
    finally:
        os.umask(before)


def test_a_read_only_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(books_module.os, "open", refuse)
    assert "Read-only file system; mount the disk writable" in message(f"sqlite:///{tmp_path}/ledger.db")


def test_a_disk_that_turns_read_only_pays_for_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
        await ledger.reserve(intent("a1"))
        connection = ledger._writer._batches._connected()
        connection.exec_driver_sql("PRAGMA query_only = ON").close()
        connection.rollback()
        with pytest.raises(LedgerError, match="cannot be written; mount the disk writable"):
            await ledger.reserve(intent("a2"))
        assert (await ledger.reserve(intent("a3"))).granted
        await ledger.close()

    asyncio.run(story())


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("these are not books" * 100)
    assert "no SQLite database" in message(f"sqlite:///{tmp_path}/text.db")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE requests (id INTEGER)")
    other.close()
    assert "tables of something else" in message(f"sqlite:///{tmp_path}/other.db")
    assert "there is no such file" in message(f"sqlite:///{tmp_path}/typo.db", create=False)
    assert not (tmp_path / "typo.db").exists()


def test_tables_of_the_first_version_are_brought_up_to_date(url: str) -> None:
    books = open_books(url)
    with writing(books) as connection:
        for table in (messages, jobs):
            table.drop(connection)
        connection.exec_driver_sql("ALTER TABLE attempts DROP COLUMN kept")
        connection.execute(update(schema_versions).values(version=1))
        connection.execute(insert(budgets).values(scope="all", period="2026-11", settled_micro_usd=7))
    books.dispose()
    assert "start the router on it once" in message(url, create=False)
    open_books(url).dispose()
    again = open_books(url)
    with writing(again) as connection:
        assert connection.execute(select(schema_versions.c.version)).scalars().all() == [2]
        assert connection.execute(select(budgets.c.settled_micro_usd)).scalar() == 7
        for column in (attempts.c.kept, jobs.c.id, messages.c.url):
            assert connection.execute(select(column)).all() == []
    again.dispose()


def test_another_version_of_the_tables(url: str) -> None:
    books = open_books(url)
    with writing(books) as connection:
        connection.execute(update(schema_versions).values(version=7))
    books.dispose()
    assert "version 7, this program writes 2" in message(url)
    assert "version 7, this program writes 2" in message(url, create=False)


def test_no_password_in_a_repr(postgres: str) -> None:
    from conftest import database

    with database(postgres.replace("postgres@", "postgres:hunter2@")) as url:
        ledger = open_ledger(url)
        assert "hunter2" not in f"{ledger!r} {ledger._books!r}"
        asyncio.run(ledger.close())


def invoke(*arguments: str) -> tuple[int, str]:
    answer = CliRunner().invoke(ledger_command, arguments, catch_exceptions=True)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, answer.output


def test_the_commands(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        ledger = open_ledger(url)
        await ledger.reserve(intent(budgets=(budget(10**9),)))
        await ledger.settle(settlement())
        await ledger.close()

    asyncio.run(story())
    where, month = ("--ledger", url), ("--month", MONTH)
    assert invoke("check", *where) == (0, "the books agree: every budget equals the sum of its attempts\n")
    assert invoke("totals", *where, *month) == (
        0, ("acme / bulk / flux-2-pro / bfl: 1 requests, 1 images, 0 failures, $0.030000\n"
           "2026-11: 1 images, $0.03\n"))
    assert json.loads(invoke("totals", *where, *month, "--json")[1])[0]["settled_micro_usd"] == 30_000
    assert invoke("export", *where, *month)[1].splitlines()[1].startswith("a1,r-a1,")
    out = tmp_path / "november.jsonl"
    assert invoke("export", *where, *month, "--format", "jsonl", "-o", str(out))[1] == f"1 attempts in {out}\n"
    assert json.loads(out.read_text())["reserved_at"] == AT.isoformat(timespec="microseconds")
    assert invoke("rollup", *where, *month) == (0, "2026-11: 1 sums kept\n")
    assert invoke("prune", *where, "--keep-days", "36500") == (0, "nothing is that old\n")
    with pytest.raises(LedgerError, match="name a file that can be written"):
        invoke("export", *where, *month, "-o", str(tmp_path / "no" / "file.csv"))
    books = open_books(url)
    with writing(books) as connection:
        connection.execute(update(budgets).values(settled_micro_usd=1))
    books.dispose()
    code, told = invoke("check", *where)
    assert code == 1
    assert told.startswith("budget all 2026-11: settled 1 ")
