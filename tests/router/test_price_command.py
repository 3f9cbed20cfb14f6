from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from router.cli import price, router
from router.errors import PriceError, TableError

ASKED = ["price", "openai/gpt-image-2", "--size", "1536x1024", "--quality", "high", "--n", "2", "--on", "2026-11-22"]


def answered(*arguments: str) -> str:
    result = CliRunner().invoke(router, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    with pytest.raises((PriceError, TableError)) as refusal:
        CliRunner().invoke(router, arguments, catch_exceptions=False)
    return str(refusal.value)


def test_json_carries_the_price_its_parts_and_its_row() -> None:
    said = json.loads(answered(*ASKED, "--json"))
    assert said["usd"] == "0.32928"
    assert said["usd_per_image"] == "0.16464"
    assert said["parts"] == [{"label": "image output alone, without prompt text and reference images",
                              "quantity": "10976", "unit": "per_million_tokens", "rate_usd": "30", "usd": "0.32928",
                              "contracted_usd": "0.32928", "row": "openai-gpt-image-2-image-output"}]
    assert said["row"]["source"].startswith("https://")
    assert (said["row"]["as_of"], said["row"]["as_of_precision"]) == ("2026-10-14", "day")
    assert (said["on"], said["age_days"], said["stale"]) == ("2026-11-22", 39, False)
    assert said["routable"] is True
    assert sum(Decimal(part["usd"]) for part in said["parts"]) == Decimal(said["usd"])


def test_batch_references_and_prompt_from_the_command_line() -> None:
    said = json.loads(answered(*ASKED, "--tier", "batch", "--references", "1024x1024,512x512", "--references",
                               "1024x768", "--prompt-tokens", "100", "--json"))
    assert said["asked"]["references"] == ["1024x1024", "512x512", "1024x768"]
    assert said["asked"]["operation"] == "edit"
    assert said["usd"] == str((2 * (5488 * Decimal(15) + 100 * Decimal("2.5") + 2816 * Decimal(4)) / 10**6).normalize())


def test_text_says_the_same_and_names_the_source() -> None:
    lines = answered(*ASKED).splitlines()
    assert lines[0] == "0.32928 USD  openai/gpt-image-2 high 1536x1024 sync n=2  on 2026-11-22"
    assert any("developers.openai.com" in line for line in lines)


def test_a_price_nobody_is_dispatched_to_says_why() -> None:
    told = answered("price", "replicate/flux-2-klein-4b", "--size", "1024x1024", "--on", "2026-11-22")
    assert "  priced, not routable: it takes a ratio and megapixels; a size cannot be asked for" in told.splitlines()
    assert "not routable" not in answered(*ASKED)


@pytest.mark.parametrize(("asked", "why"), [
    (("--size", "2048x1024"), "2048x1024 asked, a side has 1920 px at most here"),
    (("--size", "1024x1024", "--references", "64x512"), "a reference with a side of 512 px given, 511 at most here"),
    (("--size", "1024x1024", "--references", "511x511"), "")])
def test_a_size_the_vendor_does_not_take_is_not_routable_either(asked: tuple[str, ...], why: str) -> None:
    words = ("price", "cloudflare/flux-2-klein-4b", *asked, "--on", "2026-11-22")
    said = json.loads(answered(*words, "--json"))
    assert said["routable"] is not bool(why)
    assert said["not_routable_because"] == (f"priced, not routable: {why}" if why else None)
    assert (f"  priced, not routable: {why}" in answered(*words).splitlines()) is bool(why)


def test_a_stale_price_says_so() -> None:
    assert "stale: not checked for 292 days" in answered("price", "bfl/flux-2-pro", "--size", "1920x1080", "--on",
                                                         "2026-11-22")


def test_the_contract_of_an_overlay_is_printed_beside_the_list_price(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text('document = "ours"\nvalid_from = 2026-01-01\n'
                                            '[[rate]]\nmodel = "openai/gpt-image-2"\ndiscount_share = 0.5\n')
    assert "0.16464 USD  under your contract" in answered(*ASKED, "--data", str(tmp_path))
    said = json.loads(answered(*ASKED, "--data", str(tmp_path), "--json"))
    assert (said["usd"], said["contracted_usd"], said["contract"]) == ("0.32928", "0.16464", "ours")


@pytest.mark.parametrize(("arguments", "says"), [
    (["--size", "auto", "--quality", "low"], "cannot be priced ahead"),
    (["--size", "big", "--quality", "low"], "WIDTHxHEIGHT"),
    (["--references", "auto", "--quality", "low"], "cannot be priced ahead"),
    (["--on", "yesterday", "--quality", "low"], "write it as 2026-11-22"),
    (["--data", "/no/such/folder", "--quality", "low"], "no such folder"),
    ([], "missing for openai/gpt-image-2"),
])
def test_a_bad_question_is_one_line_with_a_remedy(arguments: list[str], says: str) -> None:
    text = refused("price", "openai/gpt-image-2", *arguments)
    assert says in text
    assert "\n" not in text


@pytest.mark.parametrize("program", ["router", "planner"])
def test_both_programs_share_the_command_and_exit_2_with_one_line(program: str) -> None:
    binary = Path(sys.executable).with_name(program)
    good = subprocess.run([binary, *ASKED, "--json"], capture_output=True, text=True, check=False)
    assert (good.returncode, json.loads(good.stdout)["usd"]) == (0, "0.32928")
    bad = subprocess.run([binary, "price", "openai/gpt-image-2", "--quality", "auto"], capture_output=True, text=True,
                         check=False)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
    assert bad.stderr.startswith(f"{program}: quality = 'auto'")


def test_planner_price_is_the_same_object() -> None:
    from planner.commands import price as command

    assert command.price is price
