"""The staircase and its crossings: hand-worked cases, a brute-force twin, and properties."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.curve import CostCurve, binding_term, durable_crossing, first_crossing

ALWAYS_ON = CostCurve(
    hosted_usd_per_image=0.05, review_usd_per_image=0.0, credit_usd_per_month=0.0, gpu_usd_per_month=0.69 * 730,
    images_per_gpu_month=30_660.0, spare_gpus=0, bought_in=1, most_gpus=math.inf, staff_usd_per_month=0.0,
    other_usd_per_month=0.0, licence_usd_per_month=0.0, licence_included_images=math.inf,
    licence_usd_per_extra_image=0.0, own_usd_per_image=0.0, own_images_per_image=1.0)

curves = st.builds(
    CostCurve,
    hosted_usd_per_image=st.floats(0.002, 0.3), review_usd_per_image=st.sampled_from([0.0, 0.02]),
    credit_usd_per_month=st.sampled_from([0.0, 50.0]), gpu_usd_per_month=st.floats(50, 3000),
    images_per_gpu_month=st.floats(3e3, 3e5), spare_gpus=st.integers(0, 2), bought_in=st.sampled_from([1, 2, 8]),
    most_gpus=st.just(math.inf), staff_usd_per_month=st.sampled_from([0.0, 750.0]), other_usd_per_month=st.just(20.0),
    licence_usd_per_month=st.sampled_from([0.0, 999.0]), licence_included_images=st.sampled_from([2e4, 1e5]),
    licence_usd_per_extra_image=st.sampled_from([0.0, 0.01]), own_usd_per_image=st.floats(0, 0.004),
    own_images_per_image=st.floats(0.7, 2.0))


@pytest.mark.parametrize(("rent", "hours", "price", "images"), [
    (0.69, 730, 0.05, 10_074.0), (1.19, 730, 0.08, 10_858.75), (2.69, 176, 0.05, 9_468.8),
    (2.69, 730, 0.08, 24_546.25), (3.99, 730, 0.05, 58_254.0)])
def test_one_card_all_month_is_rent_times_hours_over_price(rent: float, hours: float, price: float,
                                                           images: float) -> None:
    curve = replace(ALWAYS_ON, gpu_usd_per_month=rent * hours, hosted_usd_per_image=price, images_per_gpu_month=1e6)
    assert round(float(first_crossing(curve)), 6) == images


def test_a_spare_card_doubles_the_first_crossing() -> None:
    assert float(first_crossing(replace(ALWAYS_ON, spare_gpus=1))) == pytest.approx(2 * 10_074)


def test_staff_adds_its_cost_over_the_price() -> None:
    assert float(first_crossing(replace(ALWAYS_ON, staff_usd_per_month=750.0))) == pytest.approx(10_074 + 15_000)


def test_half_the_acceptance_doubles_the_images_to_make_but_not_the_crossing_in_todays_images() -> None:
    curve = replace(ALWAYS_ON, own_images_per_image=2.0, images_per_gpu_month=1e6)
    assert float(first_crossing(curve)) == pytest.approx(10_074)
    assert float(first_crossing(replace(curve, own_usd_per_image=0.01))) == pytest.approx(503.7 / 0.03)


def test_the_second_card_undoes_a_thin_first_crossing() -> None:
    thin = replace(ALWAYS_ON, images_per_gpu_month=12_000.0)
    assert float(first_crossing(thin)) == pytest.approx(10_074)
    assert thin.own_usd(12_001.0) > thin.hosted_usd(12_001.0)
    # Each further full card earns 96.30 USD; the next card's 503.70 are earned after ceil((503.7) / 96.3) = 6 cards.
    assert float(durable_crossing(thin)) == pytest.approx(6 * 503.7 / 0.05)


def test_never_names_what_binds() -> None:
    slow = replace(ALWAYS_ON, images_per_gpu_month=9_000.0)
    dear = replace(ALWAYS_ON, own_usd_per_image=0.06)
    taxed = replace(ALWAYS_ON, licence_usd_per_month=999.0, licence_included_images=1_000.0,
                    licence_usd_per_extra_image=0.05)
    assert [(float(first_crossing(curve)), binding_term(curve)) for curve in (slow, dear, taxed)] == [
        (math.inf, "speed"), (math.inf, "price"), (math.inf, "licence")]


def test_cards_at_hand_bound_the_crossing() -> None:
    one = replace(ALWAYS_ON, gpu_usd_per_month=0.0, staff_usd_per_month=3_000.0, most_gpus=1.0)
    assert float(first_crossing(one)) == math.inf
    assert float(first_crossing(replace(one, most_gpus=2.0))) == pytest.approx(60_000)


@given(curves)
def test_crossings_agree_with_looking_at_every_volume(curve: CostCurve) -> None:
    volumes = np.linspace(50, 4e5, 8_000)
    gain = curve.hosted_usd(volumes) - curve.own_usd(volumes)
    first, durable = float(first_crossing(curve)), float(durable_crossing(curve))
    slack = 1e-6 * np.maximum(1.0, np.asarray(curve.own_usd(volumes)))
    assert not np.any((gain > slack) & (volumes < first))
    assert not np.any((gain < -slack) & (volumes > durable))
    assert first <= durable
    if math.isfinite(first):
        assert float(curve.own_usd(first)) == pytest.approx(float(curve.hosted_usd(first)), rel=1e-6, abs=1e-6)


@given(curves, st.floats(1.0, 3.0))
def test_a_dearer_card_never_lowers_the_crossing(curve: CostCurve, factor: float) -> None:
    dearer = replace(curve, gpu_usd_per_month=curve.gpu_usd_per_month * factor)
    assert float(first_crossing(dearer)) >= float(first_crossing(curve)) * (1 - 1e-9)
    assert float(durable_crossing(dearer)) >= float(durable_crossing(curve)) * (1 - 1e-9)


@given(curves, st.floats(1, 1e6), st.floats(1.0, 10.0))
def test_more_volume_never_lowers_the_bill(curve: CostCurve, images: float, factor: float) -> None:
    assert curve.own_usd(images * factor) >= curve.own_usd(images) - 1e-9
    assert curve.hosted_usd(images * factor) >= curve.hosted_usd(images) - 1e-9


def test_arrays_of_draws_give_what_single_draws_give() -> None:
    rents, seconds = np.array([300.0, 503.7, 900.0]), np.array([20_000.0, 12_000.0, 9_000.0])
    together = replace(ALWAYS_ON, gpu_usd_per_month=rents, images_per_gpu_month=seconds)
    alone = [replace(ALWAYS_ON, gpu_usd_per_month=float(rent), images_per_gpu_month=float(images))
             for rent, images in zip(rents, seconds, strict=True)]
    assert first_crossing(together).tolist() == [float(first_crossing(curve)) for curve in alone]
    assert durable_crossing(together).tolist() == [float(durable_crossing(curve)) for curve in alone]
