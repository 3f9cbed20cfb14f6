"""`planner replay`: traces and books read row by row, one line for what cannot be read, nothing overwritten."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pyarrow import Table, parquet

from planner.commands.replay import replay
from planner.errors import PlannerError
from router.blocking import BlockingRouter
from router.building import policy_of
from router.live import Router
from router.testing import sandbox_settings

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "arrived_at,n,width,height,segment\n"
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


def trace(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "trace.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


def plain(folder: Path, count: int = 40) -> Path:
    return trace(folder, *(f"{(BEGIN + timedelta(seconds=40 * at)).isoformat()},{1 + at % 2},1024,1024,bulk"
                           for at in range(count)))


def ran(*args: object) -> dict[str, Any]:
    result = CliRunner().invoke(replay, [*map(str, args), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.output)
    return document


def refused(*args: object) -> str:
    result = CliRunner().invoke(replay, list(map(str, args)))
    assert isinstance(result.exception, PlannerError), result.output
    return str(result.exception)


def policy(folder: Path, name: str, **default: object) -> Path:
    path = folder / f"{name}.toml"
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in default.items())
    path.write_text(f'schema = 1\nname = "{name}"\n[segment.default]\n{lines}\n')
    return path


def test_two_policies_side_by_side_and_every_request_as_a_row(tmp_path: Path) -> None:
    ours = policy(tmp_path, "ours", models=["flux-2-klein-4b"])
    theirs = policy(tmp_path, "theirs", models=["gpt-image-2"], qualities={})
    theirs.write_text(theirs.read_text().replace("qualities = {}", 'qualities = { gpt-image = ["low"] }'))
    rows = tmp_path / "rows.csv"
    told = ran(plain(tmp_path), "--policy", ours, "--against", theirs, "--rows", rows, "--on", "2026-11-22")
    assert (told["replay"]["images"], told["against"]["images"]) == (60, 60)
    assert told["replay"]["usd"] < told["against"]["usd"] / 10
    assert list(told["replay"]["options"]) == ["gpu/flux-2-klein-4b"]
    with rows.open(newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == 80
    assert sum(float(row["usd"]) for row in written) == pytest.approx(
        told["replay"]["attempts_usd"] + told["against"]["attempts_usd"], abs=1e-4)
    assert "is there already" in refused(plain(tmp_path), "--rows", rows)


def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    path = plain(tmp_path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns |= {"n": list(map(int, columns["n"])),
                "arrived_at": list(map(datetime.fromisoformat, columns["arrived_at"]))}
    parquet.write_table(Table.from_pydict(columns), tmp_path / "trace.parquet")
    assert ran(tmp_path / "trace.parquet", "--seed", 3) == ran(path, "--seed", 3)


def test_the_routers_own_books_are_replayed(tmp_path: Path) -> None:
    with BlockingRouter(Router(sandbox_settings(tmp_path), policy_of(None, {}), environ={})) as router:
        for _ in range(3):
            router.generate("a red bicycle", segment="draft")
    told = ran(f"sqlite:///{tmp_path}/books.sqlite")
    assert told["replay"]["requests"] == 3
    assert list(told["replay"]["segments"]) == ["draft"]
    assert "no ended request" in refused(f"sqlite:///{tmp_path}/books.sqlite", "--to", "2020-01-01")


@pytest.mark.parametrize(("rows", "says"), [
    ([], "no request in it"),
    (["2026-11-02T00:00:10Z,1,1024,1024,a", "2026-11-02T00:00:09Z,1,1024,1024,a"], "trace.csv:3: the clock goes back"),
    (["yesterday,1,1024,1024,a"], "trace.csv:2: arrived_at = 'yesterday'"),
    (["2026-11-02T00:00:10Z,0,1024,1024,a"], "trace.csv:2: n"),
    (["2026-11-02T00:00:10Z,1,1024,1024"], "trace.csv:2: 4 cells under 5 names"),
    (["2026-11-02T00:00:10Z,1,-5,1024,a"], "trace.csv:2: size"),
])
def test_a_row_that_cannot_be_read_is_one_line_that_says_which(rows: list[str], says: str, tmp_path: Path) -> None:
    told = refused(trace(tmp_path, *rows))
    assert says in told
    assert "\n" not in told


def test_a_file_without_times_is_refused(tmp_path: Path) -> None:
    assert "no column arrived_at" in refused(trace(tmp_path, "1", header="n\n"))
    assert "cannot be read" in refused(tmp_path / "nowhere.csv")


def test_own_times_of_a_trace_outrank_the_law(tmp_path: Path) -> None:
    rows = [f"{(BEGIN + timedelta(minutes=at)).isoformat()},1,1024,1024,bulk,{seconds}"
            for at, seconds in enumerate((10.0, 20.0, 30.0))]
    ours = policy(tmp_path, "ours", models=["flux-2-klein-4b"])
    told = ran(trace(tmp_path, *rows, header=HEADER.replace("\n", ",service_s\n")), "--policy", ours)
    assert told["replay"]["cards"][0]["hours_worked"] == pytest.approx(60 / 3600)
    assert "service_s" in refused(trace(tmp_path, rows[0].replace("10.0", "-1"), header=HEADER.replace(
        "\n", ",service_s\n")))
