"""Joules of an image: measured, from own power, from the published share of the limit, and not known."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, median
from typing import TYPE_CHECKING

import pytest

from router.energy import Watts, busy_watts, joules_at, load_board_power
from router.errors import TableError
from router.measurements import load_measurements
from router.service_time import ServiceAsk, estimate, load_law
from tests.runs import repeated, write_runs
from tests.tables import DATA, law

if TYPE_CHECKING:
    from pathlib import Path

ASK = ServiceAsk("klein-4b", "l40s")


def test_the_shares_in_the_table_are_those_of_the_published_rows() -> None:
    rows = load_board_power([DATA])
    read = {card: [row.power_w / law().gpus[card].tdp_w for row in load_measurements([DATA])
                   if row.gpu == card and row.gpu_count == 1 and row.power_w] for card in ("h100-sxm", "b200")}
    for card, shares in read.items():
        assert rows[card].share == pytest.approx(median(shares), abs=1e-3)
        assert rows[card].low_share <= min(shares)
        assert max(shares) <= rows[card].high_share
    assert rows["any"].share == pytest.approx(fmean([rows["h100-sxm"].share, rows["b200"].share]), abs=1e-3)


def test_derived_joules_are_power_times_seconds() -> None:
    found = estimate(law(), replace(ASK, gpu="h100"))
    assert found.energy is not None
    assert found.energy.label == "derived"
    assert found.energy.joules_per_image == pytest.approx(700 * 0.982 * found.seconds_per_image)
    assert found.energy.low < found.energy.joules_per_image < found.energy.high
    assert found.energy.high < 700 * 1.05 * found.high
    assert found.energy.wh_per_image == pytest.approx(found.energy.joules_per_image / 3600)


def test_measured_joules_are_those_that_were_read(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(2.2, 2.2, 2.2, joules=690.0))
    energy = estimate(load_law([DATA, tmp_path]), ASK).energy
    assert energy is not None
    assert (energy.label, energy.joules_per_image) == ("measured", 690.0)
    assert 1.1 < energy.high / energy.low < 1.2


def test_other_batches_of_the_card_take_its_own_power(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(2.0, 2.0, joules=500.0))
    own, ask = load_law([DATA, tmp_path]), replace(ASK, steps=8)
    energy = estimate(own, ask).energy
    assert energy is not None
    assert energy.label == "derived"
    assert energy.joules_per_image == pytest.approx(250 * estimate(own, ask).seconds_per_image)
    assert "own runs" in energy.basis


def test_runs_without_a_reading_leave_the_published_share(tmp_path: Path) -> None:
    write_runs(tmp_path, repeated(2.0, 2.0, joules=None, joules_from=""))
    energy = estimate(load_law([DATA, tmp_path]), ASK).energy
    assert energy is not None
    assert energy.label == "derived"
    assert energy.joules_per_image == pytest.approx(350 * 0.946 * 2.0)


def test_no_row_is_not_known_and_never_nothing() -> None:
    bare = replace(law(), board_power={})
    assert busy_watts(bare, law().gpus["l40s"]) is None
    assert estimate(bare, ASK).energy is None


def test_doubts_of_power_and_seconds_come_together() -> None:
    sure, unsure = Watts(100.0, 100.0, 100.0, "exact"), Watts(100.0, 70.0, 110.0, "roughly")
    assert joules_at(sure, (1.0, 2.0, 4.0)).low == pytest.approx(100.0)
    both = joules_at(unsure, (1.0, 2.0, 4.0))
    assert 70.0 < both.low < 100.0
    assert both.high > 400.0


def test_shares_out_of_order_are_refused(tmp_path: Path) -> None:
    (tmp_path / "energy").mkdir()
    text = (DATA / "energy" / "board_power.csv").read_text().replace("b200,0.910,0.75,1", "b200,0.910,0.95,1")
    (tmp_path / "energy" / "board_power.csv").write_text(text)
    with pytest.raises(TableError, match="low_share"):
        load_board_power([tmp_path])
