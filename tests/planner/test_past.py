"""The past as CSV, Parquet and books: the same requests are the same past, and what cannot be read is one line."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from pasts import Asked, as_books, as_csv, as_parquet, instant, rows_of
from pyarrow import Table, array, parquet, timestamp
from traffic import BEGIN, traffic

from planner.backtest import backtest
from planner.commands.backtest import backtest_command
from planner.commands.demand import fit
from planner.demand import shares_of
from planner.errors import PlannerError
from planner.past import plain_name, read_past
from planner.trace import DAY_S
from router.errors import LedgerError
from router.ledger.open import open_books

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "arrived_at,n,width,height,segment,service_s\n"
ROW = "2026-11-02T00:00:10Z,1,1024,1024,bulk,\n"


def asked() -> list[Asked]:
    rows = rows_of(traffic(1, days=15, requests_per_day=60), ("bulk", "hero"))
    return [Asked(row.at, row.n, row.segment, "1536x1024" if place % 3 else "1024x1024",
                  "high" if row.segment == "hero" else "low", "edit" if place % 5 == 0 else "generate")
            for place, row in enumerate(rows)]


def sources(folder: Path) -> tuple[str, str, str]:
    rows = asked()
    return (str(as_csv(rows, folder / "past.csv")), str(as_parquet(rows, folder / "past.parquet")),
            as_books(rows, folder / "books.sqlite"))


def test_csv_parquet_and_books_of_the_same_requests_are_the_same_past(tmp_path: Path) -> None:
    first, *others = (read_past(source) for source in sources(tmp_path))
    assert first.trace.images.sum() == sum(row.n for row in asked())
    for other in others:
        np.testing.assert_array_equal(first.trace.arrived, other.trace.arrived)
        np.testing.assert_array_equal(first.trace.images, other.trace.images)
        assert [first.kinds[place] for place in first.kind] == [other.kinds[place] for place in other.kind]
        assert first.digest == other.digest


def test_another_request_another_segment_or_another_time_is_another_digest(tmp_path: Path) -> None:
    rows = asked()
    changed = [rows, rows[:-1], [*rows[:-1], Asked(rows[-1].at, rows[-1].n, "other")],
               [*rows[:-1], Asked(rows[-1].at + 1e-3, rows[-1].n, rows[-1].segment)],
               [*rows[:-1], Asked(rows[-1].at, rows[-1].n + 1, rows[-1].segment)]]
    digests = {read_past(str(as_csv(some, tmp_path / "past.csv"))).digest for some in changed}
    assert len(digests) == len(changed)


def test_the_command_says_the_same_of_all_three(tmp_path: Path) -> None:
    told = [json.loads(CliRunner().invoke(fit, [source, "--json"], catch_exceptions=False).output)
            for source in sources(tmp_path)]
    assert told[0] | {"source": ""} == told[1] | {"source": ""} == told[2] | {"source": ""}
    rows = asked()
    heroes = [row for row in rows if row.segment == "hero"]
    parts = {name: {one["name"]: one for one in found} for name, found in told[0]["parts"].items()}
    assert parts["segment"]["hero"]["requests"] == pytest.approx(len(heroes) / len(rows))
    assert parts["segment"]["hero"]["images"] == pytest.approx(sum(row.n for row in heroes) / sum(
        row.n for row in rows))
    assert set(parts) == {"segment", "size", "quality", "operation"}
    assert parts["operation"]["edit"]["requests"] == pytest.approx(0.2, abs=0.001)
    assert told[0]["card_time"] is None
    assert told[0]["content_sha256"] == read_past(str(tmp_path / "past.csv")).digest


def test_instants_with_nanoseconds_and_whole_floats_are_read_as_pandas_writes_them(tmp_path: Path) -> None:
    at = array([1_793_000_000_123_456_789, 1_793_000_100_000_000_001], timestamp("ns", "UTC"))
    parquet.write_table(Table.from_pydict({"arrived_at": at, "n": [2.0, None]}), tmp_path / "t.parquet")
    past = read_past(str(tmp_path / "t.parquet"))
    assert past.trace.images.tolist() == [2, 1]
    assert past.trace.arrived[0] == pytest.approx(1_793_000_000.123456, abs=1e-6)


def test_times_that_are_partly_known_say_of_how_many(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{instant(BEGIN + 600 * place).isoformat()},1,1024,1024,bulk,{'' if place % 4 else 8}\n"
            for place in range(300)]
    path.write_text(HEADER + "".join(rows))
    told = CliRunner().invoke(fit, [str(path)], catch_exceptions=False).output
    assert "GPU-seconds a request, known of 25% of the requests: mean 8" in told
    path.write_text(HEADER + "".join(row.replace(",8\n", ",\n") for row in rows))
    assert "GPU-seconds: not known, for there is no service_s" in CliRunner().invoke(fit, [str(path)]).output


def refused(*args: object) -> str:
    result = CliRunner().invoke(fit, list(map(str, args)))
    assert isinstance(result.exception, (PlannerError, LedgerError)), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


@pytest.mark.parametrize(("text", "says"), [
    ("", "t.csv: no column arrived_at"),
    (HEADER, "t.csv: no request in it"),
    (HEADER + ROW + ROW.replace(":10Z", ":09Z"), "t.csv:3: the clock goes backwards"),
    (HEADER + ROW + "2026-11-02T00:00:10Z,1,10", "t.csv:3: 3 cells under 6 names; the line is cut off"),
    (HEADER + ROW.replace(",1,", ",-1,", 1), "t.csv:2: n = '-1'"),
    (HEADER + ROW.replace(",1,", ",1e9,", 1), "t.csv:2: n = '1e9'"),
    (HEADER + ROW.replace("2026-11-02T00:00:10Z", "yesterday"), "t.csv:2: arrived_at = 'yesterday'"),
    (HEADER + ROW.replace("2026-11-02T00:00:10Z", ""), "t.csv:2: arrived_at = ''"),
    (HEADER + ROW.replace("1024,1024", "1024,-5"), "t.csv:2: size = '1024x-5'"),
    (HEADER + ROW.replace("bulk", "b" * 300), "t.csv:2: segment = 'bbb"),
    (HEADER + ROW.replace("bulk,", "bulk,-1"), "t.csv:2: service_s = '-1'"),
    (HEADER + ROW, "t.csv: 0.0 hours from the first request to the last"),
    (HEADER + ROW.replace("2026", "0026") + ROW, "up to 3,660 are read"),
])
def test_a_past_that_cannot_be_read_is_one_line_that_says_where(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert says in refused(tmp_path / "t.csv")


def test_no_file_no_parquet_no_books_and_no_pyarrow_are_one_line(tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    assert "cannot be read (FileNotFoundError)" in refused(tmp_path / "nowhere.csv")
    assert "cannot be read as Parquet" in refused(tmp_path / "t.parquet")
    assert "there is no such file" in refused(f"sqlite:///{tmp_path}/nowhere.sqlite")
    open_books(f"sqlite:///{tmp_path}/empty.sqlite").dispose()
    assert "no ended request in the books" in refused(f"sqlite:///{tmp_path}/empty.sqlite")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "needs pyarrow; pip install 'breakeven[parquet]'" in refused(tmp_path / "t.parquet")


def test_a_name_with_control_characters_stays_on_its_line_and_steers_nothing(tmp_path: Path) -> None:
    rows = [Asked(row.at, row.n, "=cmd|' /C calc'!A0\x1b[31m\x07\u202e") for row in asked()]
    path, out = as_csv(rows, tmp_path / "t.csv"), tmp_path / "s.toml"
    told = CliRunner().invoke(fit, [str(path), "--write-scenario", str(out), "--on", "2026-11-22"],
                              catch_exceptions=False).output
    assert "=cmd|' /C calc'!A0\\x1b[31m\\x07\\u202e 100%" in told
    assert all(char.isprintable() or char == "\n" for char in told + out.read_text())
    assert 'name = "cmd-C-calc-A0-31m"' in out.read_text()


@pytest.mark.parametrize(("segment", "name"), [
    ("bulk", "bulk"), ("hero_2-b", "hero_2-b"), ("", "unnamed"), ("default", "unnamed"), ("=1+1", "1-1"),
    ("-x", "x"), ("\x00", "unnamed"), ("a" * 80, "a" * 50)])
def test_names_that_a_policy_can_hold(segment: str, name: str) -> None:
    assert plain_name(segment) == name


def test_shares_are_told_only_of_columns_that_say_something(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("arrived_at,n,quality\n" + "".join(
        f"{(instant(BEGIN) + timedelta(hours=hour)).isoformat()},{1 + hour % 2},{'high' if hour % 2 else ''}\n"
        for hour in range(40)))
    past = read_past(str(tmp_path / "t.csv"))
    assert shares_of(past, "segment") == ()
    found = {share.name: (share.requests, share.images) for share in shares_of(past, "quality")}
    assert found == {"high": (0.5, pytest.approx(2 / 3)), "": (0.5, pytest.approx(1 / 3))}


def test_a_backtest_takes_books_where_seconds_per_image_stand_for_the_time(tmp_path: Path) -> None:
    rows = rows_of(traffic(2, days=17, requests_per_day=100))
    options = ("--train-days", "7", "--gpus", "1,2", "--draws", "20", "--json")
    told = [CliRunner().invoke(backtest_command, [source, "--seconds-per-image", "9", *options],
                               catch_exceptions=False).output
            for source in (as_books(rows, tmp_path / "b.sqlite"), str(as_parquet(rows, tmp_path / "t.parquet")))]
    assert told[0] == told[1]
    trace = read_past(str(tmp_path / "t.parquet")).trace.at_seconds_per_image(9.0)
    assert trace.service.sum() == pytest.approx(9.0 * sum(row.n for row in rows))
    made = backtest(trace, (1, 2), train_days=7, test_days=7, slo_wait_s=30.0, draws=20)
    assert json.loads(told[0])["coverage"]["p95_wait"] == made.coverage("p95_wait_s")
    assert len(json.loads(told[0])["fleets"]) == len(made.fleets)
    silent = CliRunner().invoke(backtest_command, [str(tmp_path / "t.parquet")])
    assert f"{len(rows):,} of {len(rows):,} requests have no service_s; give --seconds-per-image" in str(
        silent.exception)
    assert trace.arrived[-1] - trace.arrived[0] < 17 * DAY_S
