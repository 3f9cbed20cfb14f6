"""Plans the tests ask for, each made once."""

from __future__ import annotations

from datetime import date
from functools import cache

from planner.case import Case
from planner.displaceable import segments_today
from planner.plan.monthly import Plan, monthly_plan
from planner.scenario_file import find_scenario, load_scenario
from planner.uncertainty import Draws
from router.catalog import table_files
from tests.tables import book

__all__ = ["CERTAIN", "FIRST", "LICENCE", "ON", "OWN_CARDS", "case", "planned", "sure"]

ON, FIRST = date(2026, 11, 25), date(2026, 12, 1)
OWN_CARDS = (("own.staff.fte", "0"),)
CERTAIN = (("plan.volume_doubt_share", "0"), ("own.seconds_per_image", "2.5"))
LICENCE = ('[{ vendor = "Lab", models = ["flux-2-klein-4b"], usd_per_month = 100, included_images_per_month = 52000, '
           'overage_usd_per_image = 0.01, document = "a test" }]')


def case(*settings: tuple[str, str], name: str = "team", draws: int = 2_000, seed: int = 1) -> Case:
    path = find_scenario(name, table_files(book().roots, "scenarios/*.toml"))
    return Case(load_scenario(path, settings=list(settings)), book(), ON, Draws(draws, seed))


@cache
def planned(*settings: tuple[str, str], vendors: tuple[str, ...] = (), count: int = 4, seed: int = 1,
            draws: int = 2_000, name: str = "team") -> Plan:
    """A shipped scenario's plan; its traffic and its worlds from the same seed."""
    return monthly_plan(case(*settings, name=name, draws=draws, seed=seed), first=FIRST, count=count, vendors=vendors,
                        seed=seed)


def sure(*settings: tuple[str, str], rent: float = 0.99, staff: float = 0.1, count: int = 3,
         vendors: tuple[str, ...] = ("openai",)) -> Plan:
    """A plan of which everything is certain."""
    moved = [row for row in segments_today(case()) if row.own_images]
    today = sum(row.own_images * float(row.option.usd_per_image) for row in moved)
    stated = {"rent": rent, "staff": staff, "acceptance": 0.75, "price": today / sum(row.own_images for row in moved)}
    rows = ", ".join(f'{{ driver = "{name}", low = {value}, high = {value}, source = "a test" }}'
                     for name, value in stated.items() if value)
    return planned(*settings, *CERTAIN, ("range", f"[{rows}]"), count=count, vendors=vendors)
