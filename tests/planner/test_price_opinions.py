from __future__ import annotations

import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from planner.errors import PlannerError
from planner.price_lists import LIST_MEMBERS, read_price_list
from planner.second_opinion import Difference, compare
from router.prices import load_prices

DATA = Path(__file__).parents[2] / "data"
ON = date(2026, 11, 22)
LITELLM = {
    "sample_spec": {"mode": "one of chat, image_generation"},
    "gpt-image-2": {
        "litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 5e-06,
        "output_cost_per_image_token": 3.3e-05, "output_cost_per_image_token_batches": 1.5e-05},
    "fal_ai/high/1024-x-1536/openai/gpt-image-2/edit": {
        "litellm_provider": "fal_ai", "mode": "image_generation", "output_cost_per_image": 0.178},
    "fal_ai/low/1024-x-768/openai/gpt-image-2.5/flare/text-to-image": {
        "litellm_provider": "fal_ai", "mode": "image_generation", "output_cost_per_image": 0.005},
    "fal_ai/openai/gpt-image-2": {
        "litellm_provider": "fal_ai", "mode": "image_generation", "output_cost_per_image": 0.145},
    "azure_ai/flux.2-pro": {
        "litellm_provider": "azure_ai", "mode": "image_generation", "output_cost_per_image": 0.04},
    "azure_ai/FLUX.2-flex": {
        "litellm_provider": "azure_ai", "mode": "image_generation", "input_cost_per_pixel": 5e-08},
    "high/1024-x-1024/gpt-image-1": {
        "litellm_provider": "openai", "mode": "image_generation", "input_cost_per_pixel": 1.6e-07},
    "openai/unheard-of-image": {
        "litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 1},
    "gpt-5": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06},
}
GENAI = [{"id": "openai", "models": [
    {"id": "gpt-image-2", "prices": {"input_mtok": 5, "output_mtok": 30, "input_image_mtok": 8},
     "price_variants": [{"when": {"processing": "batch"}, "prices": {"output_mtok": 14}}]},
    {"id": "gpt-image-1.5", "prices": [{"prices": {"output_mtok": 10, "output_image_mtok": 33}}]},
    {"id": "gpt-5", "prices": {"input_mtok": 1}}]},
    {"id": "some-other-vendor", "models": [{"id": "image-9", "prices": {"input_mtok": 1}}]}]
GENAI_PY = """\
from decimal import Decimal
from .types import *
__all__ = ('providers',)
providers: list[Provider] = [
    Provider(id='openai', models=[
        ModelInfo(id='gpt-image-2', match=ClauseEquals(equals='gpt-image-2'),
                  prices=ModelPrice(input_mtok=Decimal('5'), output_mtok=Decimal('31')),
                  price_variants=[PriceVariant(when={'processing': 'batch'},
                                               prices=ModelPrice(output_mtok=Decimal('15')))]),
        ModelInfo(id='gpt-image-1.5', prices=[ConditionalPrice(prices=ModelPrice(output_image_mtok=Decimal('32')))]),
    ]),
]
raise SystemExit('data is read, never run')
"""


def written(folder: Path, document: object, name: str = "list.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def compared(path: Path) -> dict[tuple[str, str], Difference]:
    found = compare(load_prices([DATA]), read_price_list(path), on=ON)
    return {(one.name, one.what): one for one in found}


def test_litellm_is_laid_beside_our_rows_one_by_one(tmp_path: Path) -> None:
    found = compared(written(tmp_path, LITELLM))
    rate = found["gpt-image-2", "generate image_output sync"]
    assert (rate.row, rate.ours_usd, rate.theirs_usd) == ("openai-gpt-image-2-image-output", 30, 33)
    assert rate.relative == pytest.approx(0.1)
    assert found["gpt-image-2", "generate image_output batch"].equal
    assert found["gpt-image-2", "generate text_input sync"].equal
    keyed = found["fal_ai/high/1024-x-1536/openai/gpt-image-2/edit", "edit image high 1024x1536 sync"]
    assert (keyed.model, keyed.row, keyed.equal) == ("fal/gpt-image-2", "fal-gpt-image-2-edit-high-1024x1536", True)
    newer = found["fal_ai/low/1024-x-768/openai/gpt-image-2.5/flare/text-to-image",
                  "generate image low 1024x768 sync"]
    assert (newer.ours_usd, newer.theirs_usd) == (Decimal("0.00402"), Decimal("0.005"))


def test_a_flat_price_is_laid_beside_our_price_of_one_megapixel(tmp_path: Path) -> None:
    found = compared(written(tmp_path, LITELLM))
    flat = found["azure_ai/flux.2-pro", "generate image sync"]
    assert (flat.row, flat.ours_usd, flat.theirs_usd) == ("computed for 1024x1024", Decimal("0.03"), Decimal("0.04"))
    assert found["azure_ai/FLUX.2-flex", "generate image sync"].theirs_usd == Decimal("0.0524288")


def test_what_cannot_be_compared_is_told_or_passed_over(tmp_path: Path) -> None:
    found = compared(written(tmp_path, LITELLM))
    assert found["fal_ai/openai/gpt-image-2", "generate image sync"].why == "no quality or size named"
    names = {name for name, _ in found}
    assert not {"sample_spec", "gpt-5", "openai/unheard-of-image", "high/1024-x-1024/gpt-image-1"} & names


def test_genai_prices_files_image_output_under_output_where_it_has_no_other(tmp_path: Path) -> None:
    found = compared(written(tmp_path, GENAI))
    assert found["openai:gpt-image-2", "generate image_output sync"].equal
    assert found["openai:gpt-image-2", "generate image_output batch"].theirs_usd == 14
    assert found["openai:gpt-image-1.5", "generate text_output sync"].equal
    assert found["openai:gpt-image-1.5", "generate image_output sync"].theirs_usd == 33
    assert len(found) == 6


@pytest.mark.parametrize(("member", "text", "theirs"), [
    (LIST_MEMBERS[0], json.dumps(LITELLM), 33), (LIST_MEMBERS[1], GENAI_PY, 31)])
def test_wheels_are_read_and_nothing_in_them_is_run(tmp_path: Path, member: str, text: str, theirs: int) -> None:
    path = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, text)
    found = compared(path).values()
    assert next(one.theirs_usd for one in found if one.what == "generate image_output sync") == theirs


@pytest.mark.parametrize(("name", "text"), [
    ("list.json", "{not json"), ("list.json", "3"), ("list.json", ""), ("data.py", "providers = ("),
    ("data.py", "nothing = 1"), ("some.whl", "not a zip")])
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(PlannerError) as refusal:
        read_price_list(written(tmp_path, text, name))
    assert str(tmp_path / name) in str(refusal.value)
    assert "give" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_wheel_without_a_price_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("other/__init__.py", "")
    with pytest.raises(PlannerError, match="holds neither"):
        read_price_list(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="no such file"):
        read_price_list(tmp_path / "nothing.json")
