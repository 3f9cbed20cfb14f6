"""Energy through the break-even: joules, kilowatt-hours and CO2e by hand, one truth for power, nothing invented."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from planner.answer import answer
from planner.answer_json import answer_json
from planner.book import open_book
from planner.case import Case
from planner.commands.breakeven import breakeven
from planner.errors import ScenarioError
from planner.scenario_file import load_scenario
from planner.uncertainty import Draws
from router.errors import OutOfReach
from tests.runs import repeated, write_runs
from tests.tables import DATA, book

if TYPE_CHECKING:
    from pathlib import Path

    from planner.answer import Answer
    from planner.book import Book
    from planner.own_energy import OwnEnergy

ON = date(2026, 11, 22)
WITHOUT_POWER = '{ kind = "existing", gpus = 1, usd_per_kwh = 0.146, opportunity_usd_per_gpu_h = 0.10 }'


def answered(name: str, *settings: tuple[str, str], tables: Book | None = None) -> Answer:
    scenario = load_scenario(DATA / "scenarios" / f"{name}.toml", settings=settings)
    return answer(Case(scenario, tables or book(), ON, Draws(200, 1)))


def energy_of(said: Answer) -> OwnEnergy:
    assert said.own is not None
    assert said.own.side.energy is not None
    return said.own.side.energy


def test_stated_power_times_seconds_times_images() -> None:
    said = answered("existing_gpu")
    energy = energy_of(said)
    assert said.own is not None
    seconds = said.own.side.spreads["seconds"]
    assert energy.joules_per_image.mid == pytest.approx(575 * seconds.mid)
    assert energy.kwh_per_month.mid == pytest.approx(575 * seconds.mid * 5_000 / 3.6e6)
    assert energy.watts == pytest.approx(575)
    assert "stated" in energy.joules_per_image.source
    assert energy.joules_per_image.low < energy.joules_per_image.mid < energy.joules_per_image.high
    assert energy.label == "derived"


def test_no_grid_is_no_co2e() -> None:
    energy = energy_of(answered("existing_gpu"))
    assert (energy.factor, energy.kg_per_month) == (None, None)


@pytest.mark.parametrize(("key", "value", "g_per_kwh"), [("grid", "fr", 44.18), ("g_per_kwh", "250", 250.0)])
def test_a_named_grid_and_a_pue_are_multiplied(key: str, value: str, g_per_kwh: float) -> None:
    plain = energy_of(answered("existing_gpu"))
    energy = energy_of(answered("existing_gpu", (f"own.energy.{key}", value), ("own.energy.pue", "1.5")))
    assert energy.joules_per_image == plain.joules_per_image
    assert energy.kwh_per_month.mid == pytest.approx(plain.kwh_per_month.mid * 1.5)
    assert energy.kg_per_month is not None
    assert energy.kg_per_month.mid == pytest.approx(energy.kwh_per_month.mid * g_per_kwh / 1000)
    assert energy.kg_per_month.high == pytest.approx(energy.kwh_per_month.high * g_per_kwh / 1000)


def test_a_pue_that_is_paid_for_is_counted_unless_the_site_says_another() -> None:
    assert energy_of(answered("existing_gpu", ("own.cost.pue", "1.4"))).pue == 1.4
    assert energy_of(answered("existing_gpu", ("own.cost.pue", "1.4"), ("own.energy.pue", "1.2"))).pue == 1.2
    assert energy_of(answered("existing_gpu")).pue is None


def test_power_left_out_is_paid_for_as_the_joules_say() -> None:
    said = answered("existing_gpu", ("own.cost", WITHOUT_POWER))
    energy = energy_of(said)
    assert energy.watts == pytest.approx(0.946 * book().law.gpus["rtx-5090"].tdp_w)
    stated = WITHOUT_POWER.replace("gpus = 1", f"gpus = 1, power_w = {energy.watts}")
    same = answered("existing_gpu", ("own.cost", stated))
    assert said.own is not None
    assert same.own is not None
    assert said.own.main.full_load_usd_per_image == pytest.approx(same.own.main.full_load_usd_per_image)
    assert said.own.main.full_load_usd_per_image > 0


def test_power_that_nobody_knows_is_asked_for_where_it_is_paid_and_not_known_elsewhere() -> None:
    bare = replace(book(), law=replace(book().law, board_power={}))
    with pytest.raises(ScenarioError, match="power_w"):
        answered("existing_gpu", ("own.cost", WITHOUT_POWER), tables=bare)
    said = answered("team", tables=bare)
    assert said.own is not None
    assert said.own.side.energy is None
    assert answer_json(said)["energy"] is None


def test_stated_seconds_take_the_power_of_the_card() -> None:
    energy = energy_of(answered("team", ("own.seconds_per_image", "2.0")))
    assert energy.joules_per_image.mid == pytest.approx(350 * 0.946 * 2.0)


def test_repeats_for_acceptance_are_paid_in_kilowatt_hours() -> None:
    said = answered("team")
    assert said.own is not None
    energy = energy_of(said)
    assert energy.images_per_month == pytest.approx(said.displaceable_images * said.own.side.own_images_per_image)
    assert energy.images_per_month > said.displaceable_images


def test_own_runs_are_measured_in_seconds_and_in_joules(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(1.5, 1.52, 1.51, joules=480.0, compile=True, weights="random"))
    said = answered("team", tables=open_book(tmp_path, {}))
    energy = energy_of(said)
    assert said.own is not None
    assert said.own.side.spreads["seconds"].mid == pytest.approx(1.51)
    assert said.own.side.pedigree == "own runs, measured, random weights"
    assert (energy.label, energy.joules_per_image.mid) == ("measured", pytest.approx(480.0))
    before = answered("team")
    assert before.own is not None
    assert said.own.main.full_load_usd_per_image > before.own.main.full_load_usd_per_image
    assert said.own.main.images_per_gpu_month < before.own.main.images_per_gpu_month


def test_an_unknown_grid_names_the_list_and_two_grids_are_one_too_many() -> None:
    with pytest.raises(OutOfReach, match="planner grids"):
        answered("existing_gpu", ("own.energy.grid", "atlantis"))
    with pytest.raises(ScenarioError, match="either grid or g_per_kwh"):
        answered("existing_gpu", ("own.energy.grid", "fr"), ("own.energy.g_per_kwh", "50"))


def test_the_command_tells_it_in_text_and_json() -> None:
    asked = ["existing_gpu", "--on", "2026-11-22", "--set", "own.energy.grid=fr"]
    text = " ".join(CliRunner().invoke(breakeven, asked, catch_exceptions=False).stdout.split())
    assert "J an image at the board [derived: 575 W (stated in the scenario)" in text
    assert "kWh a month for 5,000 own images, no cooling counted" in text
    assert "kg CO2e a month; France 2024" in text
    assert "hosted images: not known" in text
    told = json.loads(CliRunner().invoke(breakeven, [*asked, "--json"], catch_exceptions=False).stdout)["energy"]
    assert told["hosted_joules_per_image"] is None
    assert told["kg_per_month"]["mid"] == pytest.approx(told["kwh_per_month"]["mid"] * 44.18 / 1000)
    without = CliRunner().invoke(breakeven, asked[:3], catch_exceptions=False).stdout
    assert "CO2e: name a grid" in without
