from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from planner.errors import PlannerError
from planner.rents import RENT_KINDS, Rent, cheapest, load_rents, offers
from router.errors import TableError

DATA = Path(__file__).parents[2] / "data"
ON = date(2026, 11, 24)
HEADER = ("id,provider,gpu,gpus_per_instance,instance,region,kind,usd_per_gpu_h,billing,superseded,confidence,as_of,"
          "source,note")
ROW = "mine,Ours,h100-sxm,1,,all,on-demand,1.50,per hour,no,A,2026-11-20,our contract,"


@pytest.fixture(scope="module")
def rents() -> tuple[Rent, ...]:
    return load_rents([DATA])


def table(folder: Path, *rows: str) -> Path:
    (folder / "gpus").mkdir(exist_ok=True)
    path = folder / "gpus" / "rents.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("row", "usd"), [
    ("runpod-rtx-5090-community", "0.69"),
    ("runpod-a100-80gb-pcie-community", "1.19"),
    ("runpod-h100-sxm-community", "2.69"),
    ("runpod-h100-sxm-on-demand", "3.99"),
    ("nebius-h100-sxm-on-demand", "4.5"),
    ("aws-p5-48xlarge-us-east-1", "6.88"),
    ("gcp-a3-highgpu-8g-us-central1", "11.06125"),
])
def test_rents_are_the_ones_the_sources_state(rents: tuple[Rent, ...], row: str, usd: str) -> None:
    assert {rent.id: rent.usd_per_gpu_h for rent in rents}[row] == Decimal(usd)


def test_an_instance_price_is_divided_by_its_gpus_without_rounding(rents: tuple[Rent, ...]) -> None:
    node = next(rent for rent in rents if rent.id == "coreweave-h100-sxm-x8-spot")
    assert node.usd_per_gpu_h * node.gpus_per_instance == Decimal("19.71")


def test_no_row_comes_from_a_compilation_without_permission(rents: tuple[Rent, ...]) -> None:
    left_out = ("skypilot", "silybench", "compute-screener", "privum", "lantern-works")
    assert [rent.id for rent in rents if any(name in rent.source.lower() for name in left_out)] == []


def test_every_kind_and_every_row_is_reachable(rents: tuple[Rent, ...]) -> None:
    assert {rent.kind for rent in rents} == set(RENT_KINDS)
    current = {rent.id for rent in rents if not rent.superseded}
    offered = {rent.id for gpu in {rent.gpu for rent in rents}
               for rent in offers(rents, gpu, kinds=RENT_KINDS, on=ON)}
    assert offered == current


def test_cheapest_is_the_least_of_what_fits(rents: tuple[Rent, ...]) -> None:
    least = min(rent.usd_per_gpu_h for rent in rents
                if rent.gpu == "h100-sxm" and rent.kind == "on-demand" and not rent.superseded)
    assert cheapest(rents, "h100-sxm", kinds={"on-demand"}, on=ON).usd_per_gpu_h == least


def test_more_kinds_never_cost_more(rents: tuple[Rent, ...]) -> None:
    alone = cheapest(rents, "h100-sxm", kinds={"on-demand"}, on=ON)
    both = cheapest(rents, "h100-sxm", kinds={"on-demand", "community"}, on=ON)
    assert both.usd_per_gpu_h <= alone.usd_per_gpu_h
    assert both.id == "runpod-h100-sxm-community"


def test_an_instance_larger_than_needed_can_be_left_out(rents: tuple[Rent, ...]) -> None:
    assert cheapest(rents, "b200", kinds={"spot"}, on=ON).gpus_per_instance == 8
    with pytest.raises(PlannerError, match="at most 1 GPU an instance"):
        cheapest(rents, "b200", kinds={"spot"}, on=ON, at_most_gpus=1)


def test_a_price_seen_later_was_not_known_before(rents: tuple[Rent, ...]) -> None:
    community = {"community"}
    assert offers(rents, "h100-sxm", kinds=community, on=date(2026, 9, 19)) == ()
    assert [r.id for r in offers(rents, "h100-sxm", kinds=community, on=date(2026, 9, 20))] == [
        "akash-h100-sxm-community"]


def test_superseded_rows_are_kept_and_never_offered(rents: tuple[Rent, ...]) -> None:
    old = {rent.id for rent in rents if rent.superseded}
    assert "nebius-h100-sxm-on-demand-until-2026-09" in old
    assert old.isdisjoint(r.id for r in offers(rents, "h100-sxm", kinds=RENT_KINDS, on=ON))


def test_age_counts_from_the_earliest_day_a_date_may_mean(rents: tuple[Rent, ...]) -> None:
    monthly = next(rent for rent in rents if rent.id == "lambda-gpu-1x-h100-sxm5")
    assert monthly.as_of.precision == "month"
    assert monthly.age_days(ON) == 84  # from 1 September


@pytest.mark.parametrize(("gpu", "kinds", "says"), [
    ("rtx-5090", {"on-demand"}, "known for it: community"),
    ("rtx-9090", {"community"}, "use one of a10,"),
])
def test_no_such_rent_says_what_there_is(rents: tuple[Rent, ...], gpu: str, kinds: set[str], says: str) -> None:
    with pytest.raises(PlannerError, match=says) as refusal:
        cheapest(rents, gpu, kinds=kinds, on=ON)
    assert gpu in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_overlay_adds_rows_and_replaces_rows_of_the_same_id(tmp_path: Path) -> None:
    table(tmp_path, ROW, ROW.replace("mine", "runpod-h100-sxm-community").replace("1.50", "2.00"))
    rents = load_rents([DATA, tmp_path])
    by_id = {rent.id: rent for rent in rents}
    assert by_id["runpod-h100-sxm-community"].usd_per_gpu_h == Decimal("2.00")
    assert cheapest(rents, "h100-sxm", kinds={"on-demand"}, on=ON).id == "mine"
    assert len(rents) == len(load_rents([DATA])) + 1


@pytest.mark.parametrize(("row", "key"), [
    (ROW.replace("our contract", ""), "source"),
    (ROW.replace("1.50", "0"), "usd_per_gpu_h"),
    (ROW.replace("1.50", "-1"), "usd_per_gpu_h"),
    (ROW.replace("1.50", "$1.50"), "usd_per_gpu_h"),
    (ROW.replace("on-demand", "by-the-day"), "kind"),
    (ROW.replace("h100-sxm,1", "h100-sxm,0"), "gpus_per_instance"),
    (ROW.replace("h100-sxm", ""), "gpu"),
    (ROW.replace(",no,", ",maybe,"), "superseded"),
    (ROW.replace("2026-11-20", "last week"), "as_of"),
    (ROW.replace("2026-11-20", ""), "as_of"),
])
def test_a_bad_rent_is_refused_with_file_line_and_remedy(tmp_path: Path, row: str, key: str) -> None:
    path = table(tmp_path, ROW.replace("mine", "good"), row)
    with pytest.raises(TableError) as refusal:
        load_rents([tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, 3, key)
    assert str(refusal.value).startswith(f"{path}:3: {key} = ")
    assert refusal.value.remedy in str(refusal.value)
