from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from planner.commands.prices import prices
from router.errors import PriceError

if TYPE_CHECKING:
    from pathlib import Path

ROW = "bfl-flux-2-pro-output-first-mp"


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(prices, [str(argument) for argument in arguments], catch_exceptions=False)


def test_check_lists_rows_by_age_and_counts_the_stale_ones() -> None:
    said = json.loads(ran("check", "--on", "2026-11-22", "--json").output)
    assert said["rows"][0]["id"] == "fal-flux-2-flash-generate-output-mp"
    assert said["stale"] == sum(row["stale"] for row in said["rows"]) > 0
    text = ran("check", "--on", "2026-11-22").output
    assert f"{said['stale']} of {len(said['rows'])} rows not checked for more than 60 days" in text
    assert "stale" in text.splitlines()[1]


def test_strict_fails_where_a_row_is_stale() -> None:
    assert ran("check", "--on", "2026-11-22").exit_code == 0
    assert ran("check", "--on", "2026-11-22", "--strict").exit_code == 1
    assert ran("check", "--on", "2025-12-01", "--strict").exit_code == 0


def test_confirm_writes_to_the_folder_and_check_sees_it(tmp_path: Path) -> None:
    said = json.loads(ran("confirm", ROW, "--on", "2026-11-22", "--data", tmp_path, "--json").output)
    assert said == {"row": ROW, "on": "2026-11-22", "file": str(tmp_path / "prices" / "confirmations.csv")}
    rows = json.loads(ran("check", "--on", "2026-11-22", "--data", tmp_path, "--json").output)["rows"]
    assert next(row["age_days"] for row in rows if row["id"] == ROW) == 0
    with pytest.raises(PriceError, match="seen on 2026-11-22 already"):
        ran("confirm", ROW, "--on", "2026-11-22", "--data", tmp_path)


def test_import_prints_what_differs_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"gpt-image-2": {
        "litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 5e-06,
        "output_cost_per_image_token": 3.3e-05}}))
    text = ran("import", path, "--on", "2026-11-22").output
    assert "openai-gpt-image-2-image-output" in text
    assert "+10.0%" in text
    assert "2 figures compared: 1 equal, 1 differ. Nothing was changed." in text
    said = json.loads(ran("import", path, "--on", "2026-11-22", "--json").output)
    assert (said["compared"], said["equal"]) == (2, 1)
    assert said["differences"][0]["theirs_usd"] == "33"


def test_import_of_an_agreeing_list_prints_no_table(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text("{}")
    assert ran("import", path).output == "0 figures compared: 0 equal, 0 differ. Nothing was changed.\n"
