from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.claims import VERDICTS, Claims, load_claims, verdict_counts
from planner.commands.claims import claims
from planner.ownership import load_ownership, ownership_cost
from planner.rents import load_rents
from router.errors import TableError

DATA = Path(__file__).parents[2] / "data"
HEAD = 'article = "a page"\nreviewed_on = "2026-04-24"\n\n'
ENTRY = """[[claim]]
id = "one"
says = "It is so."
verdict = "true"
evidence = "Seen."
product = "Nothing."
sources = [{ name = "a page", as_of = "2026-11" }]
"""


@pytest.fixture(scope="module")
def shipped() -> Claims:
    return load_claims([DATA])


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_all_fourteen_claims_are_there_with_a_verdict_and_dated_evidence(shipped: Claims) -> None:
    assert len(shipped.claim) == 14
    assert shipped.reviewed_on.text == "2026-04-24"
    assert sum(verdict_counts(shipped).values()) == 14
    assert list(verdict_counts(shipped)) == list(VERDICTS)


@pytest.mark.parametrize(("claim", "verdict"), [
    ("text-in-images", "not-supported"), ("open-weights", "true"), ("native-resolution", "false"),
    ("licence", "false"), ("break-even-10k", "true-under-conditions"), ("photorealism", "not-supported"),
])
def test_verdicts(shipped: Claims, claim: str, verdict: str) -> None:
    assert {entry.id: entry.verdict for entry in shipped.claim}[claim] == verdict


def test_the_arithmetic_of_the_break_even_claim_follows_from_the_tables(shipped: Claims) -> None:
    evidence = next(entry.evidence for entry in shipped.claim if entry.id == "break-even-10k")
    rent = {row.id: row.usd_per_gpu_h for row in load_rents([DATA])}
    card, h100 = rent["runpod-rtx-5090-community"], rent["runpod-h100-sxm-community"]
    costs = load_ownership([DATA])
    engineer = ownership_cost(costs, "staff-fte") * ownership_cost(costs, "staff-usd-per-month")
    stated = {int(number.replace(",", "")) for number in re.findall(r"\d{1,3}(?:,\d{3})+", evidence)}
    images = [card * 730 / Decimal("0.05"), card * 730 / Decimal("0.012"), engineer / Decimal("0.05"),
              h100 * 730 / Decimal("0.05")]
    assert {int(value) for value in images} <= stated


def test_the_sample_behind_the_text_claim_bounds_what_it_says(shipped: Claims) -> None:
    evidence = next(entry.evidence for entry in shipped.claim if entry.id == "text-in-images")
    assert round(100 * 0.05 ** (1 / 15)) == 82
    assert "82 %" in evidence


def test_an_overlay_replaces_a_claim_and_adds_one(tmp_path: Path) -> None:
    ours = ENTRY.replace('"one"', '"licence"') + ENTRY.replace('"one"', '"ours"')
    written(tmp_path, "claims.toml", HEAD + ours)
    loaded = load_claims([DATA, tmp_path])
    by_id = {entry.id: entry for entry in loaded.claim}
    assert len(loaded.claim) == 15
    assert by_id["licence"].verdict == "true"
    assert loaded.article.startswith("cc.com.ai")


@pytest.mark.parametrize(("text", "key", "line"), [
    (HEAD + ENTRY.replace('verdict = "true"', 'verdict = "maybe"'), "verdict", 7),
    (HEAD + ENTRY.replace('verdict = "true"\n', ""), "verdict", 4),
    (HEAD + ENTRY + ENTRY.replace('"one"', '"two"').replace("says =", "said ="), "said", 13),
    (HEAD + ENTRY.replace('sources = [{ name = "a page", as_of = "2026-11" }]\n', ""), "sources", 4),
    (HEAD + ENTRY.replace('[{ name = "a page", as_of = "2026-11" }]', "[]"), "sources", 10),
    (HEAD + ENTRY.replace(', as_of = "2026-11"', ""), "as_of", 10),
    (HEAD + ENTRY.replace('"2026-11"', '"lately"'), "as_of", 10),
    (HEAD + ENTRY.replace('"2026-11"', "2026-11-24"), "as_of", 10),
    (HEAD + ENTRY.replace('"Seen."', '""'), "evidence", 8),
    (HEAD + ENTRY + ENTRY, "claim", 0),
    ('author = "me"\n' + HEAD + ENTRY, "author", 1),
    ("reviewed_on = \n", "TOML", 1),
])
def test_a_bad_claim_is_refused_with_file_line_and_remedy(tmp_path: Path, text: str, key: str, line: int) -> None:
    path = written(tmp_path, "claims.toml", text)
    with pytest.raises(TableError) as refusal:
        load_claims([tmp_path])
    assert (refusal.value.file, refusal.value.line, refusal.value.key) == (path, line, key)
    assert refusal.value.remedy in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_command_prints_every_claim_as_json() -> None:
    result = CliRunner().invoke(claims, ["--json"])
    assert result.exit_code == 0
    document = json.loads(result.output)
    assert [entry["id"] for entry in document["claim"]] == [entry.id for entry in load_claims([DATA]).claim]
    assert document["claim"][0]["sources"][1]["as_of"] == "2026-02-03"


def test_the_command_prints_a_table_with_a_count_and_brackets_as_they_are(tmp_path: Path) -> None:
    written(tmp_path, "claims.toml", HEAD + ENTRY.replace("It is so.", "FLUX [dev] is so."))
    result = CliRunner().invoke(claims, ["--data", str(tmp_path)])
    assert "FLUX [dev] is so." in result.output
    assert "15 claims: 3 true" in result.output
