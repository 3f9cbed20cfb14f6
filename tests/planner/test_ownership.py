from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from planner.errors import PlannerError
from planner.ownership import load_ownership, ownership_cost
from router.errors import TableError

DATA = Path(__file__).parents[2] / "data"
HEADER = "id,component,item,value,unit,low,high,basis,source,as_of,confidence,note"


def test_assumptions_are_told_from_sources() -> None:
    costs = load_ownership([DATA])
    assumed = [cost for cost in costs if cost.basis == "assumption"]
    assert assumed
    assert all(cost.source.startswith("assumption") for cost in assumed)
    assert not any(cost.source.startswith("assumption") for cost in costs if cost.basis != "assumption")


@pytest.mark.parametrize(("row", "value"), [
    ("h100-node", "350000"), ("electricity-commercial", "0.146"), ("pue-average", "1.54"), ("colo-wholesale", "194.95"),
    ("install-adder-share", "0.12"), ("capital-charge-share", "0.08"), ("staff-usd-per-month", "15000"),
])
def test_figures_are_the_ones_the_sources_state(row: str, value: str) -> None:
    assert ownership_cost(load_ownership([DATA]), row) == Decimal(value)


def test_what_was_not_found_is_not_zero() -> None:
    with pytest.raises(PlannerError, match="state yours"):
        ownership_cost(load_ownership([DATA]), "licence-dev")
    with pytest.raises(PlannerError, match="no such row"):
        ownership_cost(load_ownership([DATA]), "licence-of-my-own")


def test_failure_shares_follow_from_the_counts_they_cite() -> None:
    costs = load_ownership([DATA])
    for row, counted in (("failures-all", 268), ("failures-gpu", 148)):
        assert float(ownership_cost(costs, row)) == pytest.approx(counted / 16384 / 54 * 365, abs=0.0006)


@pytest.mark.parametrize(("row", "key"), [
    ("x,capex,card,,usd,,,sourced,a shop,2026,C,", "value"),
    ("x,capex,card,1,usd,,,not-found,a shop,2026,C,", "value"),
    ("x,capex,card,5,usd,6,7,sourced,a shop,2026,C,", "value"),
    ("x,capex,adder,12,share,,,sourced,a shop,2026,C,", "value"),
    ("x,capex,card,5,euro,,,sourced,a shop,2026,C,", "unit"),
    ("x,capex,card,5,usd,,,guessed,a shop,2026,C,", "basis"),
    ("x,capex,card,5,usd,,,sourced,,2026,C,", "source"),
    ("x,capex,card,5,usd,,,sourced,a shop,2026-Q1,C,", "as_of"),
])
def test_a_bad_row_is_refused_with_file_line_and_remedy(tmp_path: Path, row: str, key: str) -> None:
    (tmp_path / "gpus").mkdir()
    path = tmp_path / "gpus" / "ownership.csv"
    path.write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    with pytest.raises(TableError) as refusal:
        load_ownership([tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, 2, key)
