from __future__ import annotations

import dataclasses
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from router.catalog import data_roots
from router.errors import PriceError
from router.price_loading import load_published
from router.price_table import BUILT_BACKENDS
from router.prices import PriceAsk, load_prices, quote
from router.quantities import Size
from router.vendors import load_vendors

if TYPE_CHECKING:
    from router.price_rows import Published
    from router.price_table import PriceTable
    from router.prices import Quote

DATA = Path(__file__).parents[2] / "data"
ON = date(2026, 11, 22)
SQUARE = Size(1024, 1024)
PUBLISHED = load_published([DATA])


@pytest.fixture(scope="module")
def table() -> PriceTable:
    return load_prices([DATA])


def asked(model: str, size: str = "1024x1024", *, references: str = "", **more: object) -> PriceAsk:
    return PriceAsk(model, Size.parse(size), references=tuple(map(Size.parse, references.split())), **more)


def told(table: PriceTable, figure: Published) -> tuple[Decimal, Quote]:
    quoted = quote(table, asked(figure.model, str(figure.size), operation=figure.operation, tier=figure.tier,
                                quality=figure.quality or None, n=figure.n, references=figure.references,
                                steps=figure.steps, partial_images=figure.partial_images or 0,
                                prompt_tokens=figure.prompt_tokens), on=figure.on)
    if figure.unit == "tokens":
        return quoted.parts[0].quantity, quoted
    rounded = quoted.usd.quantize(figure.figure, ROUND_HALF_UP) if figure.unit == "usd_rounded" else quoted.usd
    return rounded, quoted


@pytest.mark.parametrize("figure", [row for row in PUBLISHED if row.holds], ids=lambda row: row.id)
def test_every_published_figure_comes_out_exactly(table: PriceTable, figure: Published) -> None:
    said, quoted = told(table, figure)
    assert said == figure.figure, quoted.parts


@pytest.mark.parametrize("figure", [row for row in PUBLISHED if not row.holds], ids=lambda row: row.id)
def test_a_figure_that_contradicts_its_own_rule_is_noted_as_such(table: PriceTable, figure: Published) -> None:
    assert told(table, figure)[0] != figure.figure
    assert figure.note


def test_there_is_a_published_figure_for_every_vendor_and_the_list_is_not_thin() -> None:
    assert {row.model.partition("/")[0] for row in PUBLISHED} == {
        "openai", "bfl", "fal", "replicate", "together", "deepinfra", "cloudflare", "azure"}
    assert len(PUBLISHED) >= 300
    assert sum(not row.holds for row in PUBLISHED) == 1


def test_a_price_names_its_parts_and_what_it_leaves_out(table: PriceTable) -> None:
    quoted = quote(table, asked("openai/gpt-image-2", "1536x1024", quality="high", n=2), on=ON)
    assert quoted.usd == Decimal("0.32928")
    assert quoted.usd_per_image == Decimal("0.16464")
    (part,) = quoted.parts
    assert part.label == "image output alone, without prompt text and reference images"
    assert (part.quantity, part.unit, part.rate_usd, part.row.id) == (
        10976, "per_million_tokens", 30, "openai-gpt-image-2-image-output")
    assert quoted.row is part.row
    assert quoted.delivered == quoted.ask.size


def test_prompt_and_references_are_billed_n_times_and_said_to_be_estimates(table: PriceTable) -> None:
    quoted = quote(table, asked("openai/gpt-image-2", quality="medium", n=3, prompt_tokens=200,
                                references="1024x1024 2048x2048"), on=ON)
    assert [part.label for part in quoted.parts] == ["image output", "prompt text",
                                                     "reference images, estimated tokens"]
    assert [part.quantity for part in quoted.parts] == [3 * 1756, 3 * 200, 3 * (1024 + 1536)]
    assert quoted.usd == 3 * (1756 * Decimal("0.00003") + 200 * Decimal("0.000005") + 2560 * Decimal("0.000008"))
    assert any("±50 %" in flag for flag in quoted.flags)
    assert any("n times" in flag for flag in quoted.flags)


def test_flux_takes_any_side_and_says_what_is_delivered(table: PriceTable) -> None:
    quoted = quote(table, asked("bfl/flux-2-pro", "1920x1080"), on=ON)
    assert (quoted.usd, quoted.delivered) == (Decimal("0.045"), Size(1920, 1088))
    assert any("1920x1080 is priced, about 1920x1088 is delivered" in flag for flag in quoted.flags)


def test_one_more_row_of_pixels_costs_a_whole_megapixel(table: PriceTable) -> None:
    assert quote(table, asked("bfl/flux-2-pro", "1024x1040"), on=ON).usd == Decimal("0.045")


@pytest.mark.parametrize(("size", "flag"), [("2000x2000", False), ("2016x2000", True), ("2048x2048", True)])
def test_above_four_million_pixels_nobody_saw_it_accepted(table: PriceTable, size: str, *, flag: bool) -> None:
    flags = quote(table, asked("bfl/flux-2-pro", size), on=ON).flags
    assert any("not seen accepted" in said for said in flags) is flag


@pytest.mark.parametrize(("size", "flag"), [("2560x1440", False), ("2576x1440", True)])
def test_gpt_above_2560x1440_is_experimental(table: PriceTable, size: str, *, flag: bool) -> None:
    flags = quote(table, asked("openai/gpt-image-2", size, quality="low"), on=ON).flags
    assert any("experimental" in said for said in flags) is flag


@pytest.mark.parametrize(("model", "references", "usd"), [
    ("bfl/flux-2-pro", "1920x1080", "0.06"),
    ("fal/flux-2-dev", "4096x4096", "0.06"),
    ("fal/flux-2-klein-4b", "1024x1024", "0.02"),
    ("replicate/flux-2-pro", "1024x1024", "0.045"),
    ("cloudflare/flux-2-klein-4b", "512x512", "0.001207"),
    ("cloudflare/flux-2-dev", "512x512", "0.04625"),
    ("deepinfra/flux-2-max", "1024x1024", "0.10"),
    ("azure/flux-2-flex", "1024x1024", "0.10"),
])
def test_references_are_billed_by_each_vendors_rule(table: PriceTable, model: str, references: str, usd: str) -> None:
    assert quote(table, asked(model, references=references), on=ON).usd == Decimal(usd)


def test_steps_are_the_vendors_default_unless_given(table: PriceTable) -> None:
    default = quote(table, asked("deepinfra/flux-2-dev"), on=ON)
    assert default.usd == quote(table, asked("deepinfra/flux-2-dev", steps=28), on=ON).usd
    assert any("steps not given: 28" in flag for flag in default.flags)
    assert quote(table, asked("cloudflare/flux-2-dev", steps=50), on=ON).usd == Decimal("0.082")


def test_a_reseller_that_takes_text_is_priced_by_its_list(table: PriceTable) -> None:
    suspect = quote(table, asked("fal/gpt-image-2.5-flare", quality="high", references="1024x1024"), on=ON)
    assert suspect.usd == Decimal("0.05268")
    assert any("suspect" in flag for flag in suspect.flags)


def test_a_price_unseen_for_sixty_days_says_so_and_widens(table: PriceTable) -> None:
    fresh = quote(table, asked("openai/gpt-image-2", quality="low"), on=ON)
    assert (fresh.age_days(ON), fresh.stale(ON), fresh.stale_spread(ON)) == (39, False, 0.0)
    assert not fresh.stale(date(2026, 12, 13))
    assert fresh.stale(date(2026, 12, 14))
    old = quote(table, asked("bfl/flux-2-pro", "1920x1080"), on=ON)
    assert (old.checked_on, old.age_days(ON)) == (date(2026, 2, 3), 292)
    assert old.stale_spread(ON) == pytest.approx(0.2 * (292 / 365) ** 0.5)
    assert old.flags[0].startswith("stale: not checked for 292 days")
    assert old.stale_spread(date(2027, 11, 22)) > old.stale_spread(ON)


def test_the_day_decides_which_row_holds(table: PriceTable) -> None:
    launch = quote(table, asked("cloudflare/flux-2-dev"), on=date(2025, 12, 31))
    assert (launch.usd, launch.row.id) == (Decimal("0.0825"), "cloudflare-flux-2-dev-output-tile-step-launch")
    assert quote(table, asked("cloudflare/flux-2-dev"), on=date(2026, 1, 1)).usd == Decimal("0.041")


def test_options_are_every_model_quality_and_tier_of_the_day(table: PriceTable) -> None:
    options = table.options(ON)
    keys = [(option.model, option.quality, option.tier) for option in options]
    assert len(keys) == len(set(keys))
    assert {("openai/gpt-image-2", "low", "batch"), ("openai/gpt-image-2.5-flare", "xhigh", "sync"),
            ("fal/gpt-image-2", "medium", "sync"), ("bfl/flux-2-klein-4b", None, "sync"),
            ("openai/gpt-image-2.6-flare", None, "sync")} <= set(keys)
    models = {option.model for option in options}
    assert not {"openai/gpt-image-1", "bfl/flux-2-dev"} & models
    assert "openai/gpt-image-1.5" not in {option.model for option in table.options(date(2026, 12, 1))}
    assert {option.model for option in table.options(date(2025, 12, 1))} == {
        "cloudflare/flux-2-dev", "openai/gpt-image-2.6-flare", "openai/gpt-image-2.6-sunburst", "deepinfra/flux-2-pro"}


def test_only_built_backends_are_routable(table: PriceTable, monkeypatch: pytest.MonkeyPatch) -> None:
    vendors = load_vendors(data_roots(None, {}))
    assert {vendor.id for vendor in vendors.values() if not vendor.own} - {"sandbox"} >= BUILT_BACKENDS
    built = {option.model: option for option in table.options(ON)}
    assert (built["bfl/flux-2-pro"].routable, built["bfl/flux-2-pro"].reason) == (True, "")
    monkeypatch.setattr("router.price_table.BUILT_BACKENDS", frozenset({"bfl", "azure"}))
    now = {option.model: option for option in table.options(ON)}
    assert (now["bfl/flux-2-pro"].routable, now["bfl/flux-2-pro"].reason) == (True, "")
    assert now["fal/flux-2-pro"].reason == "priced, not routable: backend fal not built yet"
    assert now["azure/flux-2-pro"].reason == "priced, not routable: backend azure-flux not built yet"


def test_what_is_priced_is_dispatched_to_or_says_why_not(table: PriceTable) -> None:
    vendors = load_vendors(data_roots(None, {}))
    assert {offer.dispatcher for offer in table.offers.values()} == set(BUILT_BACKENDS)
    assert {vendors[name].own for name in BUILT_BACKENDS} == {False}
    left = {option.model: option.reason for option in table.options(ON) if not option.routable}
    assert {model for model, reason in left.items() if not reason.startswith("not priced")} == {
        "replicate/flux-2-klein-4b", "replicate/flux-2-klein-9b", "replicate/flux-2-klein-base-9b"}
    assert left["replicate/flux-2-klein-4b"] == (
        "priced, not routable: it takes a ratio and megapixels; a size cannot be asked for")


@pytest.mark.parametrize(("name", "model"), [
    ("BFL/FLUX.2-pro", "bfl/flux-2-pro"), ("bfl/flux2 pro", "bfl/flux-2-pro"),
    ("cloudflare_workers_ai/flux-2-dev", "cloudflare/flux-2-dev"),
    ("@cf/black-forest-labs/flux-2-klein-4b", "cloudflare/flux-2-klein-4b"),
    ("azure_openai/gpt-image-2", "azure/gpt-image-2"), ("azure_foundry/FLUX.2-flex", "azure/flux-2-flex"),
    ("black-forest-labs/FLUX.2-dev", "together/flux-2-dev"), ("fal-ai/flux-2/turbo", "fal/flux-2-turbo"),
    ("fal/openai/gpt-image-2", "fal/gpt-image-2"), ("openai/gpt-image-2-2026-04-21", "openai/gpt-image-2"),
    ("flux-2-turbo", "fal/flux-2-turbo"), (" openai/gpt-image-2.5-Flare ", "openai/gpt-image-2.5-flare"),
])
def test_names_are_forgiven(table: PriceTable, name: str, model: str) -> None:
    assert table.find(name).id == model


REFUSED = [
    (asked("openai/gpt-image-3", quality="low"), ON, "did you mean openai/gpt-image-2"),
    (asked("nobody"), ON, "models are named vendor/model"),
    (asked("flux-2-pro"), ON, "more than one vendor sells it; use one of bfl/flux-2-pro"),
    (asked("openai/gpt-image-2"), ON, "missing for openai/gpt-image-2; use one of low, medium, high"),
    (asked("openai/gpt-image-2", quality="auto"), ON, "cannot be priced ahead; use one of low, medium, high"),
    (asked("openai/gpt-image-2", quality="max"), ON, "unknown for openai/gpt-image-2"),
    (asked("bfl/flux-2-pro", quality="high"), ON, "leave --quality out"),
    (asked("bfl/flux-2-pro", quality="auto"), ON, "leave it out"),
    (asked("openai/gpt-image-2", "1920x1080", quality="low"), ON, "ask 1920x1088 and crop"),
    (asked("openai/gpt-image-2", "4096x1024", quality="low"), ON, "above 3840"),
    (asked("openai/gpt-image-2", "3600x720", quality="low"), ON, "longer than 3:1"),
    (asked("openai/gpt-image-2", "768x768", quality="low"), ON, "outside 655,360 to 8,294,400"),
    (asked("openai/gpt-image-2", "3840x3840", quality="low"), ON, "outside 655,360 to 8,294,400"),
    (asked("openai/gpt-image-1.5", "2048x2048", quality="low"), ON, "makes 1024x1024, 1024x1536, 1536x1024 only"),
    (asked("bfl/flux-2-pro", "2064x2048"), ON, "above Flux's 4,194,304"),
    (asked("bfl/flux-2-pro", "48x1024"), ON, "no side below 64"),
    (asked("fal/gpt-image-2", "1536x1024", quality="low"), ON, "lists no price for it; use one of 1024x768"),
    (asked("fal/gpt-image-2", "1920x1080", quality="high", operation="edit"), ON, "edit-high-1920x1080 is left out"),
    (asked("deepinfra/flux-2-max", "512x512"), ON, "use one of 1024x1024"),
    (asked("bfl/flux-2-pro", tier="batch"), ON, "tier 'batch' is not sold; use --tier sync"),
    (asked("azure/gpt-image-2", quality="low", tier="batch"), ON, "tier 'batch' is not sold"),
    (asked("openai/gpt-image-2", quality="low", tier="flex"), ON, "use sync or batch"),
    (asked("openai/gpt-image-2", quality="low", operation="upscale"), ON, "use generate or edit"),
    (asked("openai/gpt-image-1", quality="low"), ON, "shut down on 2026-10-23; use openai/gpt-image-2.5-sunburst"),
    (asked("azure/gpt-image-2", quality="medium"), date(2027, 10, 21), "use azure/gpt-image-2.5-sunburst high"),
    (asked("bfl/flux-2-dev"), ON, "not sold (open weights only; BFL hosts no endpoint for it); use fal/flux-2-dev"),
    (asked("openai/gpt-image-2.6-flare", quality="low"), ON, "token counts per quality are not published"),
    (asked("deepinfra/flux-2-pro"), ON, "the output price was not"),
    (asked("openai/gpt-image-2", quality="low"), date(2026, 9, 4), "first known day 2026-09-05"),
    (asked("fal/flux-2-turbo", references="1024x1024"), ON, "operation 'edit' is not sold; use --operation generate"),
    (asked("fal/flux-2-klein-base-9b-lora"), ON, "use --operation edit"),
    (asked("deepinfra/flux-2-dev", references="1024x1024"), ON, "no price of reference images is known"),
    (asked("openai/gpt-image-1.5", quality="low", references="1024x1024"), ON, "no token rule for reference images"),
    (asked("bfl/flux-2-klein-4b", references="64x64 " * 5), ON, "takes at most 4"),
    (asked("openai/gpt-image-2", quality="low", n=0), ON, "n = 0"),
    (asked("openai/gpt-image-2", quality="low", n=11), ON, "at most 10 images"),
    (asked("openai/gpt-image-2", quality="low", steps=20), ON, "takes no steps"),
    (asked("deepinfra/flux-2-dev", steps=0), ON, "steps = 0"),
    (asked("openai/gpt-image-2", quality="low", partial_images=4), ON, "at most 3"),
    (asked("openai/gpt-image-2", quality="low", partial_images=1, tier="batch"), ON, "the batch tier streams nothing"),
    (asked("bfl/flux-2-pro", partial_images=1), ON, "prices no partial images"),
    (asked("openai/gpt-image-2", quality="low", prompt_tokens=-1), ON, "prompt_tokens = -1"),
]


@pytest.mark.parametrize(("ask", "on", "says"), REFUSED, ids=[says for _, _, says in REFUSED])
def test_what_cannot_be_priced_is_refused_in_one_line_with_a_remedy(
        table: PriceTable, ask: PriceAsk, on: date, says: str) -> None:
    with pytest.raises(PriceError) as refusal:
        quote(table, ask, on=on)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_row_is_found_by_its_id(table: PriceTable) -> None:
    assert table.row("openai-gpt-image-2-image-output").confidence == "A"
    with pytest.raises(PriceError, match="no such price row"):
        table.row("nothing")


def test_a_table_that_misses_a_token_factor_refuses(table: PriceTable) -> None:
    poorer = dataclasses.replace(table, factors={("gpt-image-2", "low"): 16})
    with pytest.raises(PriceError, match="use one of low"):
        quote(poorer, asked("openai/gpt-image-2", quality="high"), on=ON)
