"""From one plan to another: steps that add up, every changed value named, and hashes that follow values alone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.plan.document import content_hash
from planner.plan.monthly import monthly_plan
from planner.plan.page import diff_page
from planner.plan.waterfall import changed_keys, waterfall
from planner.scenario_file import load_scenario

from .cases import FIRST, case

if TYPE_CHECKING:
    from pathlib import Path

CHANGES = (("segment.bulk.images_per_month", "30000"), ("review.usd_per_h", "50"), ("plan.tax_share", "0.05"),
           ("own.cost.usd_per_gpu_h", "1.25"))

leaves = st.one_of(st.none(), st.integers(-5, 5), st.text("ab", max_size=3))
trees = st.recursive(leaves, lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3),
                     max_leaves=12)


def leaves_of(value: Any, at: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: leaf for name, inner in value.items() for key, leaf in leaves_of(inner, f"{at}.{name}").items()}
    return {at: value}


def relaid(value: Any, at: str, changed: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: relaid(inner, f"{at}.{name}", changed) for name, inner in value.items()}
    return changed.get(at, value)


def test_steps_add_up_to_the_micro_dollar_and_name_what_changed() -> None:
    before, after = case(draws=100), case(*CHANGES, draws=100)
    found = waterfall(before, after, first=FIRST, count=2)
    assert found.before_usd == monthly_plan(before, first=FIRST, count=2).usd
    assert found.after_usd == monthly_plan(after, first=FIRST, count=2).usd
    assert found.before_usd + sum((step.usd for step in found.steps), Decimal(0)) == found.after_usd
    assert [step.part for step in found.steps] == ["segment", "review", "own", "plan"]
    keys = [key for step in found.steps for key in step.keys]
    assert keys == ["segment.bulk.images_per_month: 40000.0 -> 30000.0", "review.usd_per_h: 40 -> 50",
                    "own.cost.usd_per_gpu_h: 0.99 -> 1.25", "plan.tax_share: 0.0 -> 0.05"]
    same = waterfall(before, before, first=FIRST, count=1)
    assert (same.steps, same.before_usd) == ((), same.after_usd)


def test_sums_of_different_months_are_not_compared() -> None:
    gone = ("segment.draft.today", '{ model = "azure/flux-2-pro", acceptance_share = 0.5 }')
    with pytest.raises(PlannerError, match=r"stops before 2027-01: azure/flux-2-pro shuts down on 2027-01-20; .* or "
                                           r"compare the 1 months before that \(--months\)"):
        waterfall(case(gone, draws=100), case(draws=100), first=FIRST, count=3)


def test_the_page_of_a_difference_shows_every_step_and_no_markup_of_a_name() -> None:
    found = waterfall(case(draws=100), case(*CHANGES, draws=100), first=FIRST, count=1)
    page = diff_page(found, "<b>one</b>.toml", after="two.toml")
    assert "<b>one" not in page
    assert "&lt;b&gt;one&lt;/b&gt;.toml" in page
    for step in found.steps:
        assert f'<td class="number">{step.usd:+,.6f}</td>' in page
        assert f"{step.part} {step.usd:+,.2f}" in page  # the figure, in words
    assert f"{found.after_usd:,.6f}" in page


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=2), trees, min_size=1, max_size=3), st.data())
def test_every_changed_leaf_is_found_and_no_other(before: dict[str, Any], data: st.DataObject) -> None:
    known = leaves_of(before, "part")
    chosen = data.draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    changed = {key: data.draw(leaves, key) for key in chosen}
    after = relaid(before, "part", changed)
    found = list(changed_keys(before, after, at="part"))
    differing = {key for key, value in changed.items() if value != known[key]}
    assert sorted(key.partition(":")[0] for key in found) == sorted(differing)
    assert list(changed_keys(before, before, at="part")) == []


@given(st.dictionaries(st.sampled_from(["hero", "bulk", "text"]), st.integers(1, 9), min_size=1),
       st.dictionaries(st.sampled_from(["hero", "bulk", "text"]), st.integers(1, 9), min_size=1))
def test_rows_are_told_apart_by_their_names(before: dict[str, int], after: dict[str, int]) -> None:
    rows = [[{"name": name, "images": images} for name, images in one.items()] for one in (before, after)]
    found = {key.partition(":")[0].split(".")[1] for key in changed_keys(rows[0], rows[1], at="segment")}
    assert found == {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_a_hash_follows_what_a_scenario_says_and_not_how_it_is_written(tmp_path: Path) -> None:
    text = ('schema = 1\nname = "x"\n[[segment]]\nname = "a"\nimages_per_month = 1000\n'
            'today = { model = "openai/gpt-image-2", quality = "low" }\n'
            '[own]\nmodel = "flux-2-klein-4b"\ngpu = "l40s"\ncost = { kind = "rented", usd_per_gpu_h = 0.50 }\n')
    turned = ('[own]\ngpu = "l40s"\nmodel = "flux-2-klein-4b"\n[own.cost]\nusd_per_gpu_h = 0.5\nkind = "rented"\n'
              '[[segment]]\ntoday = { quality = "low", model = "openai/gpt-image-2" }\nimages_per_month = 1_000.0\n'
              'name = "a"\n')
    files = {"one": text, "base": 'schema = 1\nname = "y"\n' + turned, "over": 'base = "base.toml"\nname = "x"\n'}
    for name, written in files.items():
        (tmp_path / f"{name}.toml").write_text(written)
    one, base, over = (content_hash(load_scenario(tmp_path / f"{name}.toml")) for name in files)
    assert one == over != base


@pytest.mark.parametrize("change", [*CHANGES, ("segment.hero.size", '"1024x1024"'), ("promise.p95_s", "61"),
                                    ("acceptance.flux-2-klein-4b.accepted_share", "0.7500001"), ("summary", '""'),
                                    ("plan.ask", '"yes"'), ("own.lora.runs_per_month", "3")])
def test_a_hash_changes_with_any_value(change: tuple[str, str]) -> None:
    changed = case(change).scenario
    assert content_hash(changed) != content_hash(case().scenario)
    quiet = changed.model_copy(update={"override": ()})
    assert content_hash(quiet) != content_hash(case().scenario)
