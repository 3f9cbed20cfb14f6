"""A fresh ledger for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterator


def binaries() -> Path | None:
    """Where PostgreSQL's server is: on the path, or where Debian puts it."""
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    return folders[-1] if folders else None


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server on loopback with its data in a folder; without fsync, for only processes die in these tests."""
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if as_postgres:
        shutil.chown(data, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    programs = binaries()
    subprocess.run([*as_postgres, f"{programs}/initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8",
                    "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd="/")
    control = [*as_postgres, f"{programs}/pg_ctl", "-D", data, "-w", "-t", "30"]
    options = (f"-h 127.0.0.1 -p {port} -k '' -c fsync=off -c full_page_writes=off -c max_connections=60 "
               "-c shared_buffers=32MB")
    subprocess.run([*control, "-l", data / "log", "-o", options, "start"], check=True, capture_output=True, cwd="/")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server whose databases the tests may make and drop."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install 'breakeven[postgres]'")
    if given := os.environ.get("BREAKEVEN_TEST_POSTGRES"):
        yield given
        return
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql, or set BREAKEVEN_TEST_POSTGRES to a URL")
    # Not pytest's own folder, whose parents are closed to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="ledger-", ignore_cleanup_errors=True) as folder, \
            serving(Path(folder)) as url:
        yield url


@contextmanager
def database(server: str) -> Iterator[str]:
    """An empty schema of its own, which costs a fiftieth of a database of its own."""
    name = f"ledger_{os.getpid()}_{os.urandom(4).hex()}"
    driver = make_url(server).set(drivername="postgresql+psycopg")
    engine = create_engine(driver, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    try:
        yield make_url(server).set(query={"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a ledger that does not exist yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    with database(request.getfixturevalue("postgres")) as fresh:
        yield fresh
