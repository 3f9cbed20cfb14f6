from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.price_formulas import gpt_output_tokens, gpt_reference_tokens, scaled_megapixels, tiles, whole_megapixels
from router.quantities import Size

SIDES = st.integers(min_value=1, max_value=6000)


@pytest.mark.parametrize(("factor", "size", "tokens"), [
    (96, Size(1024, 1024), 7024), (96, Size(1536, 1024), 5488), (96, Size(3584, 2048), 12329),
    (48, Size(1600, 1600), 2627), (16, Size(1024, 1024), 196), (64, Size(2560, 1440), 3276),
    (48, Size(1920, 1080), 1320), (16, Size(1408, 480), 54),
])
def test_output_tokens_as_read_from_the_calculator(factor: int, size: Size, tokens: int) -> None:
    assert gpt_output_tokens(factor, size) == tokens


@given(SIDES, SIDES, st.sampled_from([16, 24, 48, 64, 96]))
def test_output_tokens_know_no_orientation(width: int, height: int, factor: int) -> None:
    assert gpt_output_tokens(factor, Size(width, height)) == gpt_output_tokens(factor, Size(height, width))


@pytest.mark.parametrize(("size", "tokens"), [
    (Size(1024, 768), 768), (Size(1024, 1024), 1024), (Size(1024, 1536), 1536), (Size(2048, 2048), 1536),
    (Size(512, 512), 1024), (Size(256, 256), 256), (Size(768, 768), 1024), (Size(1000, 500), 512), (Size(1, 1), 1),
])
def test_reference_tokens_count_patches_up_to_a_budget(size: Size, tokens: int) -> None:
    assert gpt_reference_tokens(size) == tokens


@pytest.mark.parametrize(("size", "megapixels"), [
    (Size(64, 64), 1), (Size(1024, 1024), 1), (Size(1024, 1025), 2), (Size(1920, 1080), 2), (Size(2048, 2048), 4),
])
def test_megapixels_step_at_1048576_pixels(size: Size, megapixels: int) -> None:
    assert whole_megapixels(size) == megapixels


def test_scaled_megapixels_are_linear_in_pixels_and_steps() -> None:
    assert scaled_megapixels(Size(1024, 1024), steps=28, reference_steps=28) == 1
    assert scaled_megapixels(Size(2048, 512), steps=14, reference_steps=28) == Decimal("0.5")
    assert scaled_megapixels(Size(1024, 1024), steps=50, reference_steps=28) == Decimal("1.785714285714")


@pytest.mark.parametrize(("size", "count"), [(Size(512, 512), 1), (Size(513, 512), 2), (Size(1024, 1024), 4)])
def test_tiles_cover_the_image(size: Size, count: int) -> None:
    assert tiles(size) == count
