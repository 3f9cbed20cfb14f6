"""A scenario from a past: the fit as one, its days drawn again in `mix` and `size`, and what is refused."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pasts import as_books, as_csv, as_parquet, rows_of
from traffic import clumped, traffic

from planner.book import open_book
from planner.commands.demand import fit
from planner.commands.mix import mix
from planner.commands.size import size
from planner.errors import PlannerError
from planner.past import read_past
from planner.scenario_file import load_scenario
from planner.traffic import Traffic, shape_of
from router.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from pasts import Asked

ON = "2026-11-22"
SCENARIO = """\
schema = 1
name = "From the past"
traffic = {{ {traffic} }}
segment = [
  {{ name = "bulk", images_per_month = 40000, today = {{ model = "openai/gpt-image-2", quality = "low" }} }},
  {{ name = "hero", images_per_month = 6000, today = {{ model = "openai/gpt-image-2", quality = "low" }} }},
]
[own]
model = "flux-2-klein-4b"
gpu = "l40s"
cost = {{ kind = "rented", plan = "on-demand", usd_per_gpu_h = 0.3 }}
"""


def asked() -> list[Asked]:
    return rows_of(traffic(21, days=28, requests_per_day=500), ("bulk", "bulk", "hero"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    as_csv(asked(), tmp_path / "past.csv")
    return tmp_path


def scenario(folder: Path, traffic_: str, name: str = "s.toml") -> Path:
    path = folder / name
    path.write_text(SCENARIO.format(traffic=traffic_))
    return path


def ran(command: Any, *args: object) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*map(str, args), "--on", ON, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.output)
    return document


def refused(command: Any, *args: object) -> str:
    result = CliRunner().invoke(command, [*map(str, args), "--on", ON])
    assert isinstance(result.exception, (PlannerError, LedgerError)), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_a_plan_from_a_trace_is_what_the_router_does_and_names_the_trace(folder: Path) -> None:
    told = ran(mix, scenario(folder, 'trace = "past.csv"'), "--vendors", "openai", "--check")
    assert abs(told["check"]["off_share"]) < 0.02
    assert told["best"]["own_image_share"] > 0.5
    digest = read_past(str(folder / "past.csv")).digest
    assert [(one["segment"], one["content_sha256"], one["whole_days"]) for one in told["pasts"]] == [
        ("bulk", digest, 28), ("hero", digest, 28)]
    assert all(digest[:16] in label and "28 whole days" in label for label in told["demand"])
    sized = ran(size, folder / "s.toml")
    assert sized["pasts"] == told["pasts"]
    lines = CliRunner().invoke(size, [str(folder / "s.toml"), "--on", ON]).output
    assert f"Demand: {folder}/past.csv, 2026-09-07 to 2026-10-04" in lines
    bulk = sum(row.n for row in asked() if row.segment == "bulk") / 28 * 730 / 24
    assert told["pasts"][0]["images_per_month"] == pytest.approx(bulk)
    assert f"planned: {40_000 / bulk:.2f} times their volume" in lines


def test_parquet_and_books_plan_as_csv_does(folder: Path) -> None:
    as_parquet(asked(), folder / "past.parquet")
    books = as_books(asked(), folder / "books.sqlite")
    told = [ran(mix, scenario(folder, f'trace = "{source}"'), "--vendors", "openai")
            for source in ("past.csv", "past.parquet", books)]
    assert told[0]["ways"] == told[1]["ways"] == told[2]["ways"]


def test_another_past_plans_differently_and_growth_ahead_is_more(folder: Path) -> None:
    path = scenario(folder, 'trace = "past.csv", growth_share_per_month = 0.1')
    now, later = (ran(mix, path, "--vendors", "openai", "--ahead", ahead) for ahead in (0, 6))
    assert later["work"][0]["images_per_month"] == pytest.approx(now["work"][0]["images_per_month"] * 1.1**6)
    assert "+10.0% a month, as stated" in now["demand"][0]
    as_csv(rows_of(traffic(22, days=28, requests_per_day=500), ("bulk", "bulk", "hero")), folder / "past.csv")
    assert ran(mix, path, "--vendors", "openai")["ways"] != now["ways"]


def test_a_trace_stands_beside_the_file_that_names_it(folder: Path) -> None:
    (folder / "deep").mkdir()
    scenario(folder, 'trace = "past.csv"', "base.toml")
    over = folder / "deep" / "over.toml"
    over.write_text('base = "../base.toml"\n[[segment]]\nname = "hero"\ntraffic = { trace = "hero.csv" }\n')
    found = load_scenario(over)
    assert found.traffic.trace == str(folder / "deep" / ".." / "base.toml").replace("base.toml", "past.csv")
    assert found.segment[1].traffic is not None
    assert found.segment[1].traffic.trace == str(folder / "deep" / "hero.csv")
    url = load_scenario(scenario(folder, 'trace = "sqlite:///books.sqlite"'))
    assert url.traffic.trace == "sqlite:///books.sqlite"
    stated = load_scenario(folder / "base.toml", settings=[("traffic.trace", '"other.csv"')])
    assert stated.traffic.trace == "other.csv"


@pytest.mark.parametrize(("traffic_", "says"), [
    ('trace = "nowhere.csv"', "nowhere.csv: cannot be read"),
    ('trace = "short.csv"', "5 whole days"),
    ('trace = "past.csv", hour_shape = 2', "leave out either trace or hour_shape"),
    ('trace = "past.csv", archetype = "studio"', "leave out either trace or archetype"),
    ('trace = ""', "traffic.trace"),
    ('trace = "sqlite:///nowhere.sqlite"', "there is no such file"),
])
def test_a_past_that_cannot_be_drawn_from_is_one_line(folder: Path, traffic_: str, says: str) -> None:
    as_csv(rows_of(traffic(1, days=5)), folder / "short.csv")
    assert says in refused(mix, scenario(folder, traffic_))


def test_the_fit_writes_a_scenario_that_mix_plans_and_overwrites_nothing(folder: Path) -> None:
    out = folder / "fit.toml"
    found = ran(fit, folder / "past.csv", "--write-scenario", out)
    document = tomllib.loads(out.read_text())
    assert [row["name"] for row in document["segment"]] == ["bulk", "hero"]
    total = sum(row["images_per_month"] for row in document["segment"])
    assert total == pytest.approx(found["images_per_month"], rel=1e-4)
    assert document["segment"][0]["images_per_month"] / total == pytest.approx(
        {one["name"]: one["images"] for one in found["parts"]["segment"]}["bulk"], rel=1e-3)
    assert found["content_sha256"] in out.read_text()
    shape = shape_of(Traffic.model_validate(load_scenario(out).traffic.model_dump(exclude_unset=True)),
                     open_book(None, {}).archetypes)
    assert shape.hour_shape == pytest.approx(1 / found["whole"]["hour_noise"], rel=1e-3)
    assert "archetype" not in shape.label
    told = ran(mix, out, "--vendors", "openai", "--check")
    assert abs(told["check"]["off_share"]) < 0.02
    assert sum(one["images_per_month"] for one in told["work"]) == pytest.approx(total)
    assert "clumps" not in out.read_text()
    assert "is there already" in refused(fit, folder / "past.csv", "--write-scenario", out)
    assert ran(fit, folder / "past.csv", "--write-scenario", out, "--force")["requests"] == found["requests"]


def test_what_made_the_images_is_taken_from_the_past_where_it_is_priced(folder: Path) -> None:
    header = "arrived_at,n,model,quality,segment,size\n"
    rows = [row for row in (folder / "past.csv").read_text().splitlines()[1:] if row]
    models = {"bulk": "openai/gpt-image-2@low,,bulk,1536x1024", "hero": "no/such-model,high,hero,"}
    lines = [f"{row.split(',')[0]},{row.split(',')[1]},{models[row.split(',')[2]]}\n" for row in rows]
    (folder / "made.csv").write_text(header + "".join(lines))
    ran(fit, folder / "made.csv", "--write-scenario", folder / "made.toml")
    text = (folder / "made.toml").read_text()
    bulk, hero = tomllib.loads(text)["segment"]
    assert (bulk["today"], bulk["size"]) == ({"model": "openai/gpt-image-2", "quality": "low"}, "1536x1024")
    assert (hero["today"], hero["size"]) == ({"model": "openai/gpt-image-2", "quality": "high"}, "1024x1024")
    assert 'the past says "no/such-model", which has no price here' in text


def test_a_fit_to_clumps_says_that_it_has_none(folder: Path) -> None:
    as_csv(rows_of(clumped(traffic(1, days=15), 4)), folder / "clumps.csv")
    found = ran(fit, folder / "clumps.csv", "--write-scenario", folder / "clumps.toml")
    assert found["clump"] == pytest.approx(4, rel=0.25)
    assert f"in clumps of {found['clump']:.1f}" in (folder / "clumps.toml").read_text()


def test_a_short_past_says_what_it_leaves_to_the_archetype(folder: Path) -> None:
    as_csv(rows_of(traffic(1, days=5)), folder / "short.csv")
    ran(fit, folder / "short.csv", "--write-scenario", folder / "short.toml")
    text = (folder / "short.toml").read_text()
    assert "too short to tell: weekday, day_cv as of the archetype user-app" in text
    assert "# growth: not known below two weeks" in text
    assert ran(mix, folder / "short.toml", "--vendors", "openai")["best"]["usd"] > 0
