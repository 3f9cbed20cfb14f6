"""How right plans were: errors by how far ahead, coverage with its interval, and a file that is appended to once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.closing.accuracy import Outcome, by_ahead
from planner.closing.outcomes import ACCURACY, keep_outcomes, kept_outcomes
from planner.errors import PlannerError
from tests.planner.actuals.month_books import MONTH, attempt, said, write_books
from tests.planner.closing.plan_folders import BFL, image_line, month_of, plan_folder

if TYPE_CHECKING:
    from pathlib import Path

SEPTEMBER = datetime(2026, 9, 3, tzinfo=UTC)


def outcome(planned: int, came: int, *, ahead: int = 1, low: float = 0, high: float = 1e9,
            digest: str = "d") -> Outcome:
    return Outcome("2026-10", "oct", digest, "2026-09-25", ahead, planned, came, "100", 80, low, high)


def test_errors_worked_by_hand() -> None:
    found = by_ahead([outcome(120, 100, low=90e-6, high=110e-6), outcome(60, 100, low=10e-6, high=20e-6),
                      outcome(100, 100, ahead=3)])
    assert [(one.ahead_months, one.outcomes, one.inside) for one in found] == [(1, 2, 1), (3, 1, 1), (None, 3, 2)]
    near = found[0]
    assert (near.usd_bias_percent, near.usd_mae_percent) == (pytest.approx(-10), pytest.approx(30))
    assert (near.images_bias_percent, near.images_mae_percent) == (pytest.approx(25), pytest.approx(25))
    assert near.inside_low < 0.5 < near.inside_high


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 12)), max_size=20))
def test_sums_hold_together(made: list[tuple[int, int, int]]) -> None:
    outcomes = [outcome(planned, came, ahead=ahead, low=came / 2e6, high=came / 1e6) for planned, came, ahead in made]
    found = by_ahead(outcomes)
    assert sum(one.outcomes for one in found[:-1]) == len(outcomes)
    for one in found:
        assert 0 <= one.inside_low < one.inside_high <= 1
        assert one.inside_low - 1e-9 <= one.inside / one.outcomes <= one.inside_high + 1e-9
        assert one.usd_mae_percent is None or one.usd_mae_percent >= abs(one.usd_bias_percent or 0) - 1e-9


def test_the_file_gets_a_month_and_plan_once(tmp_path: Path) -> None:
    first, second = outcome(1, 2), outcome(1, 2, digest="other")
    assert keep_outcomes(tmp_path, [first]) == 1
    assert keep_outcomes(tmp_path, [outcome(5, 6), second]) == 1
    assert kept_outcomes(tmp_path) == (first, second)
    (tmp_path / ACCURACY).write_text('{"month": "2026-10"}\n')
    with pytest.raises(PlannerError, match="lines this planner does not know"):
        kept_outcomes(tmp_path)


def told(url: str, plans: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(said("accuracy", plans, "--ledger", url, "--json"))["outcomes"]
    return found


def test_every_approved_plan_of_every_month_that_is_over(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1, SEPTEMBER), attempt(2), attempt(3)])
    months = [month_of(label, [image_line("bulk", BFL, "2.000", price="0.03")], p10=0.05, p90=0.08)
              for label in ("2026-09", MONTH, "2026-11")]
    plan_folder(tmp_path / "plans" / "a", months, made_on="2026-08-10")
    plan_folder(tmp_path / "plans" / "b", months[1:], made_on="2026-09-10", state="frozen")
    plan_folder(tmp_path / "plans" / "draft", months, made_on="2026-08-11", state="draft")
    found = told(url, tmp_path / "plans")
    names = ("month", "plan", "ahead_months", "is_inside", "usd_error_percent")
    assert [tuple(one[name] for name in names) for one in found] == [
        ("2026-09", "a", 1, False, 100), (MONTH, "a", 2, True, 0), (MONTH, "b", 1, True, 0)]
    text = said("accuracy", tmp_path / "plans", "--ledger", url)
    assert "2 of 3 (" in text
    assert "+50.0%" in text  # mean of 100 and 0, a month ahead


def test_what_a_close_kept_is_told_as_it_was(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1)])
    folder = plan_folder(tmp_path / "plans" / "a", [month_of(MONTH, [image_line("bulk", BFL, "2.000", price="0.03")])])
    kept = told(url, tmp_path / "plans")[0]
    digest = str(kept["digest"])
    keep_outcomes(tmp_path / "plans", [outcome(60_000, 55_555, digest=digest)])
    assert told(url, tmp_path / "plans")[0]["micro_usd"] == 55_555
    assert folder.is_dir()


def test_a_month_with_open_attempts_is_not_told(url: str, tmp_path: Path) -> None:
    write_books(url, [attempt(1), attempt(2, state="sent", images=0, settled_micro_usd=0, settled_at=None)])
    plan_folder(tmp_path / "plans" / "a", [month_of(MONTH, [image_line("bulk", BFL, "2.000", price="0.03")])])
    with pytest.raises(PlannerError, match="no approved plan foresaw a month that is over and in the books"):
        told(url, tmp_path / "plans")
