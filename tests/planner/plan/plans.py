"""Plans that the workbook is held against."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from planner.book import open_book
from planner.case import Case
from planner.mix.paying import paying_of
from planner.plan import monthly
from planner.plan.monthly import Plan, monthly_plan
from planner.plan.successors import succeeded
from planner.scenario_file import find_scenario, load_scenario
from planner.uncertainty import Draws
from router.catalog import table_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from planner.book import Book

BOOK = open_book(None, {})
ON, FIRST = date(2026, 11, 24), date(2026, 12, 1)
HOURS = (("own.cost.usd_per_gpu_h", "0.39"), ("segment.bulk.images_per_month", "400000"),
                   ("traffic.growth_share_per_month", "0.04"))
"""Own cards by the hour that pay, and growth that has them planned anew."""
BOUGHT = (("segment.bulk.images_per_month", "1500000"), ("own.cost.capex_usd", "100000"),
          ("range", "[]"))
SERVERLESS = (("traffic.growth_share_per_month", "0.03"), ("own.cost.usd_per_gpu_s", "0.0003"),
              ("own.lora", "{ runs_per_month = 2, gpu_h_per_run = 3 }"))
"""Cheap enough a second that own cards pay."""
BY_DEMAND = (("own.cost", '{ kind = "rented", plan = "spot", usd_per_gpu_h = 0.4, lost_share = 0.05 }'),
             ("own.autoscale", "{ most = 2, idle_minutes = 1 }"), ("own.start_minutes", "1"),
             ("own.failures", "{ per_card_month = 20, repair_minutes = 600 }"),
             ("own.lora", "{ runs_per_month = 2, gpu_h_per_run = 3 }"))
EXISTING = (("own.cost", ('{ kind = "existing", gpus = 2, power_w = 400, usd_per_kwh = 0.2, '
                              'opportunity_usd_per_gpu_h = 0.05 }')),
            ("own.lora", "{ runs_per_month = 2, gpu_h_per_run = 3 }"))
RESERVED = (("segment.bulk.images_per_month", "3000000"), ("own.cost.usd_per_gpu_h", "5.5"))
"""Cards that work all day at a rent above that of reserved ones."""
REPRICED = """\
id,model,operation,component,quality,size,tier,usd,unit,valid_from,valid_to,as_of,confidence,anomaly,source,note
later,fal/flux-2-klein-4b,generate,output_mp,,,sync,0.0061,per_mp,2027-02-01,,2026-11-20,A,no,https://fal.ai,
"""
SIGNED = """
base = {base!r}
schema = 1
name = "=HYPERLINK(1)"
summary = "+cards by the hour, a licence, a server that could be bought, euros"

[[segment]]
name = "=1+1"
images_per_month = 2000
today = {{ model = "openai/gpt-image-2", quality = "low" }}

[[licence]]
vendor = "@vendor"
models = ["flux-2-klein-4b"]
usd_per_month = 250
included_images_per_month = 450000
overage_usd_per_image = 0.0013
document = "=cmd|' /C calc'!A0"

[plan]
fiscal_year_starts = 4
currency = "EUR"
tax_share = 0.19
discount_share_per_year = 0.11
fx = [{{ valid_from = 2026-06-01, per_usd = 0.87, source = "stated" }},
      {{ valid_from = 2027-01-15, per_usd = 0.91, source = "stated" }}]

[[plan.commitment]]
name = "-storage contract"
usd_per_month = 333.33
first_month = "2027-02"
months = 4

[plan.purchase]
kind = "owned"
capex_usd = 6000
adder_share = 0.1
life_months = 30
residual_share = 0.2
power_kw = 0.6
usd_per_kwh = 0.15
pue = 1.3
colo_usd_per_kw_month = 40
failures_share_per_year = 0.05
"""


def case_of(scenario: str | Path, settings: Sequence[tuple[str, str]] = (), *, book: Book = BOOK) -> Case:
    """A shipped scenario, or a file, with other settings."""
    path = find_scenario(str(scenario), table_files(book.roots, "scenarios/*.toml"))
    return Case(load_scenario(path, settings=settings), book, ON, Draws(300, 1))


def repriced(folder: Path) -> Book:
    """The tables, with a price that changes in February."""
    (folder / "prices").mkdir()
    (folder / "prices" / "fal.csv").write_text(REPRICED)
    return open_book(folder, {})


def signed_file(folder: Path) -> Path:
    """A scenario with everything that can be signed, and names that begin as formulas do."""
    path = folder / "signed.toml"
    path.write_text(SIGNED.format(base=str(find_scenario("team", table_files(BOOK.roots, "scenarios/*.toml")))))
    return path


def planned(case: Case, count: int = 12) -> Plan:
    """Its months."""
    return monthly_plan(case, first=FIRST, count=count)


def replanned(plan: Plan, case: Case) -> Plan:
    """The months of another case with the fleets of a plan: the same cards, at what they cost now."""
    fleets = {id(fleet): replace(fleet, mix=replace(fleet.mix, paying=paying_of(case))) for fleet in plan.fleets}
    paid = tuple(fleets[id(fleet)] for fleet in plan.fleets)
    months = []
    for month, fleet in zip(plan.months, paid, strict=True):
        then = replace(case, scenario=succeeded(case, month.month.first), on=max(case.on, month.month.first))
        planned = monthly._streams(then, month.month, fleet, plan.vendors)
        months.append(monthly._month(then, month.month, fleet, planned=planned))
    return replace(plan, case=case, months=tuple(months), fleets=paid)
