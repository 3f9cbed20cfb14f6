"""plan.html and plan.pdf: self-contained, the plan's own numbers, the same bytes, and nobody's markup."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from planner.plan.board import board_of
from planner.plan.figures import COLOURS, figures_of
from planner.plan.lines import PARTS, parts_usd
from planner.plan.page import plan_page
from planner.plan.paper import plan_pdf
from planner.plan.tables import tables_of

from .cases import LICENCE, OWN_CARDS, planned

if TYPE_CHECKING:
    from planner.plan.monthly import Plan

SERVER = '{ kind = "owned", capex_usd = 4000, gpus = 1, life_months = 24 }'
SIGNED = '[{ name = "rack", usd_per_month = 33.333333, first_month = "2027-01", months = 2, exit_usd = 50 }]'
RICH = (*OWN_CARDS, ("plan.purchase", SERVER), ("plan.commitment", SIGNED), ("plan.tax_share", "0.07"),
        ("licence", LICENCE), ("traffic.growth_share_per_month", "0.06"))


def rich() -> Plan:
    return planned(*RICH, vendors=("openai", "bfl"))


def renamed(plan: Plan, name: str) -> Plan:
    scenario = plan.case.scenario.model_copy(update={"name": name})
    return replace(plan, case=replace(plan.case, scenario=scenario))


class Page(HTMLParser):
    """Which tags are open, and everything that would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                self.fetched.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def test_a_page_fetches_nothing_and_has_every_id_once() -> None:
    text = plan_page(rich())
    page = Page(text)
    assert [one for one in page.fetched if not one.startswith("#")] == []
    assert not re.search(r"@import|url\((?!#)", text)
    assert "script" not in page.tags
    assert len(page.ids) == len(set(page.ids)) > 0
    assert {one.removeprefix("#") for one in page.fetched} <= set(page.ids)


def test_figures_are_said_in_words_and_take_the_pages_colours() -> None:
    plan = rich()
    drawn = list(figures_of(plan))
    assert [one.name for one in drawn] == ["bill", "each", "cards", "payback"]
    assert [one.name for one in figures_of(planned())] == ["bill", "each"]
    text = plan_page(plan)
    assert text.count('role="img"') == 2 * len(drawn)
    for one in drawn:
        for svg in (one.wide, one.narrow):
            assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 (our own)
            assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) <= set(COLOURS.values())
        assert f'aria-label="{one.alt}"' in text
    assert f"${plan.usd:,.2f} together" in drawn[0].alt
    body = text[text.index("<body"):]
    assert not re.findall(r"(?:fill|stroke): #", body)  # dark and light come from the page


def test_bars_are_as_high_as_the_months_parts_and_the_band_as_wide_as_the_percentiles() -> None:
    plan = rich()
    for month in plan.months:
        assert sum(parts_usd(month).values(), Decimal(0)) == month.usd
    root = ET.fromstring(next(figures_of(plan)).wide)  # noqa: S314 (our own)
    heights: dict[str, list[float]] = {}
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        numbers = [float(one) for one in re.findall(r"-?\d+\.?\d*", path.get("d") or "")]
        fill = re.search(r"fill: (#[0-9a-f]{6})", path.get("style") or "")
        if fill and len(numbers) == 8 and "clip-path" in path.attrib:
            heights.setdefault(fill[1], []).append(max(numbers[1::2]) - min(numbers[1::2]))
    each = [[float(parts_usd(month)[part]) for month in plan.months] for part in PARTS]
    drawn = [heights[COLOURS[name]] for name in ("hosted", "own", "people", "other")]
    scale = drawn[2][0] / each[2][0]
    for mine, usd in zip(drawn, each, strict=True):
        assert mine == pytest.approx([one * scale for one in usd], abs=0.01)


def test_tables_sum_to_the_plan_to_the_micro_dollar() -> None:
    plan = rich()
    tables = {table.title: table for table in tables_of(plan)}
    months, paid = tables["Months (USD)"], tables["What is paid for, all months together"]
    for table, column in ((months, 6), (paid, 5)):
        amounts = [Decimal(row[column].replace(",", "")) for row in table.rows]
        assert sum(amounts[:-1], Decimal(0)) == amounts[-1] == plan.usd
        assert all(re.fullmatch(r"[\d,]+\.\d{6}", row[column]) for row in table.rows)
    text = plan_page(plan)
    for table in tables.values():
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert table.title in text
    assert text.count(f"{plan.usd:,.6f}") == 2
    sources = [row[3] for row in tables["Assumptions"].rows]
    assert all(sources)
    assert any(re.search(r"https://.*\(20\d\d-\d\d", one) for one in sources)


def test_a_board_reads_the_ask_the_doubt_the_decisions_and_the_way_out() -> None:
    plan = rich()
    board, total = board_of(plan), plan.worlds.total
    assert board.ask.startswith(f"Approve ${plan.usd:,.2f} for 2026-12 to 2027-03: own l40s cards, at most")
    shown = dict(board.facts)
    assert shown["Contingency: P80 less P50"] == f"${total.p80 - total.p50:,.0f}"
    assert (f"${total.p50:,.0f}" in shown.values(), f"${total.p90:,.0f}" in shown.values()) == (True, True)
    assert 1 <= len(board.drivers) <= 3
    assert any(one.startswith("Buy or rent: a purchase of $4,000") for one in board.decisions)
    assert any("leaving early costs $50.00" in one for one in board.commitments)
    assert any(one.startswith("Licence of Lab: $100.00 a month, 12 months") for one in board.commitments)
    plain = board_of(planned())
    assert "no card is worth its month" in plain.ask
    assert plain.commitments[0].startswith("nothing is signed")
    assert board_of(planned(("plan.ask", '"Two cards, please."'))).ask == "Two cards, please."


def test_the_same_plan_gives_the_same_bytes_and_another_name_others() -> None:
    plan = planned(count=2)
    assert plan_page(plan) == plan_page(plan)
    first = plan_pdf(plan)
    assert first == plan_pdf(plan)
    assert first.startswith(b"%PDF-")
    assert first != plan_pdf(renamed(plan, "another"))


def test_names_are_text_and_never_markup_or_control() -> None:
    plan = renamed(planned(count=2), '<script>alert("x")</script>\x1b[31m & \u202e目\x00')
    text = plan_page(plan)
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;\\x1b[31m &amp; \\u202e目\\x00" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)
    assert plan_pdf(plan).startswith(b"%PDF-")


@pytest.mark.parametrize("count", [1, 30])
def test_short_and_long_plans_are_drawn(count: int) -> None:
    plan = planned(count=count, draws=200)
    assert len(next(iter(tables_of(plan))).rows) == count + 1
    assert plan_page(plan).count("2026-12") > 0
    assert plan_pdf(plan).count(b"/Type /Page\n") >= 2
