"""Scenarios from disk: composition, overrides, and one line for everything that is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from planner.errors import ScenarioError
from planner.scenario import Scenario, WhatIf
from planner.scenario_file import find_scenario, load_scenario, with_changes

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
schema = 1
name = "x"
[[segment]]
name = "bulk"
images_per_month = 20000
today = { model = "openai/gpt-image-2", quality = "medium" }
[own]
model = "flux-2-klein-4b"
gpu = "rtx-5090"
cost = { kind = "rented", usd_per_gpu_h = 0.69 }
[[range]]
driver = "rent"
low = 0.5
high = 0.9
source = "a quote"
"""

BROKEN = [
    ("images_per_month = 20000", "images_per_month = -5", "images_per_month", "-5"),
    ("images_per_month = 20000", 'images_per_month = "many"', "images_per_month", "many"),
    ("images_per_month = 20000", "images_per_month = nan", "images_per_month", "nan"),
    ("images_per_month = 20000", "", "segment", "either images_per_month or deliverables"),
    ("images_per_month = 20000", "images_per_month = 1\nacceptance = 2", "acceptance", "remedy"),
    ("gpu = ", "gpuu = ", "own.gpu", "missing"),
    ('kind = "rented"', 'kind = "rent"', "own.cost", "kind = 'rented'"),
    ('kind = "rented"', 'kind = "rented", plan = "weekly"', "plan", "weekly"),
    ("usd_per_gpu_h = 0.69", "usd_per_gpu_h = 0", "usd_per_gpu_h", "greater than 0"),
    ("usd_per_gpu_h = 0.69", "usd_per_gpu_h = 0.69, hours_per_month = 900", "hours_per_month", "900"),
    ("schema = 1", "schema = 2", "schema", "newer"),
    ("schema = 1", "", "schema", "schema = 1"),
    ("low = 0.5", "low = 0.95", "range", "low is above high"),
    ('driver = "rent"', 'driver = "rents"', "driver", "rents"),
    ("high = 0.9", "", "range.rent.high", "missing"),
    ('source = "a quote"', "", "source", "missing"),
    ('name = "x"', "", "name", "missing"),
    ("[own]", "[own", "TOML", "line 7"),
    ('quality = "medium"', 'quality = "medium", tier = "slow"', "tier", "slow"),
    ('quality = "medium"', 'quality = "medium", acceptance_share = 1.4', "acceptance_share", "1.4"),
    ('name = "bulk"', 'name = "bulk"\nsize = "big"', "size", "WIDTHxHEIGHT"),
    ('name = "x"', 'name = "x"\nagainst = "yesterday"', "against", "yesterday"),
    ('name = "x"', 'name = "x"\nsegmnt = 3', "segmnt", "did you mean 'segment'"),
    ("[own]", "[[licence]]\nvendor='v'\nmodels=['m']\nusd_per_month=1\noverage_usd_per_image=0.01\ndocument='d'\n[own]",
     "licence", "included_images_per_month"),
]


def written(folder: Path, text: str, name: str = "scenario.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_scenario_keeps_its_money_exact(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, GOOD))
    assert scenario.own.cost.usd_per_gpu_h == Decimal("0.69")  # type: ignore[union-attr]
    assert scenario.images_per_month == 20_000


@pytest.mark.parametrize(("old", "new", "key", "says"), BROKEN)
def test_a_broken_scenario_is_one_line_with_file_key_value_and_remedy(tmp_path: Path, old: str, new: str, key: str,
                                                                      says: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    assert key in text
    assert says in text or says == "remedy"
    assert caught.value.remedy


def test_deliverables_multiply_and_divide_by_acceptance(tmp_path: Path) -> None:
    text = GOOD.replace("images_per_month = 20000",
                        "deliverables = { assets_per_month = 100, markets = 3, candidates = 4, rounds = 2 }").replace(
        'quality = "medium"', 'quality = "medium", acceptance_share = 0.8')
    assert load_scenario(written(tmp_path, text)).images_per_month == 100 * 3 * 4 * 2 / 0.8


def test_a_file_lies_over_its_base(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "base.toml")
    over = written(tmp_path, 'schema = 1\nbase = "base.toml"\nname = "y"\n[own.cost]\nusd_per_gpu_h = 0.5\n'
                             '[[segment]]\nname = "bulk"\nimages_per_month = 7\n'
                             '[[segment]]\nname = "more"\nimages_per_month = 1\ntoday = { model = "bfl/flux-2-pro" }\n')
    scenario = load_scenario(over)
    assert (scenario.name, [segment.volume for segment in scenario.segment]) == ("y", [7, 1])
    assert scenario.segment[0].today.quality == "medium"
    assert scenario.own.cost.usd_per_gpu_h == Decimal("0.5")  # type: ignore[union-attr]


def test_another_kind_of_cost_replaces_the_base_whole(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "base.toml")
    over = written(tmp_path, 'schema = 1\nbase = "base.toml"\n[own.cost]\nkind = "serverless"\nusd_per_gpu_s = 0.001\n'
                             'cold_start_s = 1\nidle_tail_s = 1\n')
    assert load_scenario(over).own.cost.kind == "serverless"


def test_a_base_that_rests_on_itself_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 'schema = 1\nbase = "scenario.toml"\n')
    with pytest.raises(ScenarioError, match="no end"):
        load_scenario(path)


def test_settings_are_overrides_said_on_the_command_line(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, GOOD), settings=[("segment.*.today.usd_per_image", "0.08")])
    assert scenario.segment[0].today.usd_per_image == Decimal("0.08")
    assert [(stated.key, stated.says) for stated in scenario.override] == [
        ("segment.*.today.usd_per_image", "set on the command line")]


@pytest.mark.parametrize(("key", "text", "says"), [
    ("segment.hero.images_per_month", "5", "use one of bulk"), ("own.gpu.name", "5", "no table stands there"),
    ("own.gpus", "5", "did you mean 'gpu"), ("name", "= =", "not a TOML value")])
def test_a_bad_setting_is_refused(tmp_path: Path, key: str, text: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        load_scenario(written(tmp_path, GOOD), settings=[(key, text)])


def test_a_what_if_sets_and_drops(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, GOOD))
    changed = with_changes(scenario, WhatIf(name="w", set={"own.cost.hours_per_month": 176}, drop=("range",)))
    assert changed.own.cost.hours_per_month == 176  # type: ignore[union-attr]
    assert (len(scenario.range), len(changed.range)) == (1, 0)


def test_a_scenario_is_found_by_path_or_shipped_name(tmp_path: Path) -> None:
    shipped = written(tmp_path, GOOD, "article.toml")
    assert find_scenario("article", [shipped]) == shipped
    assert find_scenario(str(shipped), []) == shipped
    with pytest.raises(ScenarioError, match="one of article"):
        find_scenario("articel", [shipped])


def test_the_schema_refuses_what_it_does_not_know() -> None:
    assert Scenario.model_config["extra"] == "forbid"
