"""Grid factors: rows with a source and a year, names forgiven, nonsense refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from planner.commands.lists import grids
from planner.errors import PlannerError
from planner.grid import find_factor, load_grids, stated_factor
from router.errors import OutOfReach, TableError
from tests.tables import DATA

if TYPE_CHECKING:
    from pathlib import Path

ROWS = load_grids([DATA])


def test_every_row_has_a_source_and_a_year_that_has_been() -> None:
    assert {"world", "eu", "us", "us-egrid", "uk-desnz", "fr", "de", "in", "sg"} <= {row.id for row in ROWS}
    assert all(row.source and 2020 <= row.year <= row.as_of.earliest.year for row in ROWS)


@pytest.mark.parametrize("name", ["fr", "France", "FRA"])
def test_names_are_forgiven(name: str) -> None:
    assert find_factor(ROWS, name).g_per_kwh == 44.18


def test_pounds_for_a_megawatt_hour_are_converted_rightly() -> None:
    assert find_factor(ROWS, "egrid us").g_per_kwh == pytest.approx(770.884 * 453.59237 / 1000, abs=0.01)


def test_a_number_is_a_stated_factor() -> None:
    factor = find_factor(ROWS, "250")
    assert factor.grams(3.6e6) == 250
    assert factor.grams(3.6e6, pue=1.5) == 375
    assert "stated" in factor.says


@pytest.mark.parametrize("grams", ["-1", "nan", "inf", "9000"])
def test_a_number_that_is_no_grid_is_refused(grams: str) -> None:
    with pytest.raises(PlannerError, match="planner grids"):
        stated_factor(float(grams))


def test_an_unknown_grid_names_the_list() -> None:
    with pytest.raises(OutOfReach, match="planner grids"):
        find_factor(ROWS, "atlantis")


def test_co2_alone_is_not_called_co2e() -> None:
    assert find_factor(ROWS, "de-uba").gases == "CO2"
    assert "g CO2/kWh" in find_factor(ROWS, "de-uba").says


def test_a_folder_of_ones_own_replaces_a_row_and_a_wild_one_is_refused(tmp_path: Path) -> None:
    lines = (DATA / "energy" / "grid.csv").read_text().splitlines()
    (tmp_path / "energy").mkdir()
    file = tmp_path / "energy" / "grid.csv"
    french = next(line for line in lines if line.startswith("fr,"))
    file.write_text(f"{lines[0]}\n{french.replace('44.18', '50')}\n")
    assert find_factor(load_grids([DATA, tmp_path]), "fr").g_per_kwh == 50
    file.write_text(f"{lines[0]}\n{french.replace('44.18', '44180')}\n")
    with pytest.raises(TableError, match="g_per_kwh"):
        load_grids([tmp_path])


def test_the_list_shows_year_and_how_it_is_counted() -> None:
    text = CliRunner().invoke(grids, [], catch_exceptions=False).stdout
    assert "lifecycle-generation" in text
    told = json.loads(CliRunner().invoke(grids, ["--json"], catch_exceptions=False).stdout)
    assert told["fr"]["year"] == 2024
