"""What is taken and what is refused, before anything is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest
from router.pictures import Picture
from router.quantities import Size
from router.request import ImageRequest, Lora
from router.worker.admission import Extras, Limits, admitted
from router.worker.order import Facts, Order
from router.worker.pace import Pace

FACTS = Facts(model="", loaded_as="tiny", pipeline="Flux2KleinPipeline", weights="random", revision="", default_steps=4,
              default_guidance=1.0, forwards_per_step=1, max_references=2, dtype="fp32", device="cpu",
              device_name="cpu", parameters=1)
REFERENCE = Picture(b"x" * 40, is_base64=False, format="png", size=Size(64, 64))


def order_of(extras: Extras | None = None, limits: Limits | None = None, **fields: Any) -> Order:
    asked = ImageRequest(**({"prompt": "a pear", "size": Size(64, 64)} | fields))
    return admitted(asked, extras or Extras(), facts=FACTS, limits=limits or Limits(), fine_tunes=("brand",))


def test_defaults_are_the_models_own() -> None:
    order = order_of(size=None, seed=None)
    assert (order.size, order.steps, order.n, order.guidance, order.upscale) == (Size(1024, 1024), 4, 1, None, 1)
    assert order.seed != order_of(seed=None).seed


@pytest.mark.parametrize(("fields", "param", "text"), [
    ({"size": Size(20_000, 20_000)}, "size", "width must be a multiple of 16 from 16 to 4096"),
    ({"size": Size(64, 20_000)}, "size", "height must be"), ({"size": Size(72, 64)}, "size", "width must be"),
    ({"size": Size(4096, 4096)}, "size", "16,777,216 pixels, at most 4,194,304 are made; upscale = 2"),
    ({"steps": 0}, "steps", "give 1 to 100"), ({"steps": 101}, "steps", "give 1 to 100"),
    ({"n": 9}, "n", "give 1 to 8"), ({"n": 0}, "n", "give 1 to 8"),
    ({"seed": -1}, "seed", "give 0 to"), ({"seed": 2**63 - 1}, "seed", "give 0 to"),
    ({"prompt": " "}, "prompt", "is empty"), ({"prompt": "a" * 32_001}, "prompt", "32,001 characters"),
    ({"lora": Lora("../x")}, "lora", "no such name is registered here; registered are brand"),
    ({"lora": Lora("brand", 5.0)}, "lora", "give -4.0 to 4.0"),
    ({"operation": "edit"}, "image", "an edit needs a picture"),
    ({"operation": "edit", "references": (REFERENCE,) * 3}, "image", "3 pictures, at most 2"),
    ({"operation": "edit", "references": (replace(REFERENCE, size=Size(9000, 9000)),)}, "image", "81,000,000 pixels"),
    ({"operation": "edit", "references": (REFERENCE,), "mask": REFERENCE}, "mask", "has no inpainting"),
    ({"output_compression": 101}, "output_compression", "give 0 to 100")])
def test_what_is_beyond_the_limits_is_refused(fields: dict[str, Any], param: str, text: str) -> None:
    with pytest.raises(BadRequest, match=text.replace("(", r"\(")) as caught:
        order_of(**fields)
    assert caught.value.param == param
    assert "\n" not in str(caught.value)


def test_a_request_has_so_much_work_in_it_and_no_more() -> None:
    limits = Limits(most_pixel_steps=64 * 64 * 4 * 2)
    assert order_of(limits=limits, n=2).pixel_steps == 32_768
    with pytest.raises(BadRequest, match="3 x 64x64 at 4 steps are 0 million pixel steps"):
        order_of(limits=limits, n=3)


def test_guidance_is_a_sensible_number() -> None:
    assert order_of(Extras(guidance=3.5)).guidance == 3.5
    with pytest.raises(BadRequest, match=r"guidance_scale = 31\.0: give 0 to 30"):
        order_of(Extras(guidance=31.0))


@given(st.integers(-10, 10**6), st.integers(-10, 10**6), st.integers(-5, 300), st.integers(-5, 20))
def test_whatever_is_taken_is_within_every_limit(width: int, height: int, steps: int, n: int) -> None:
    limits = Limits()
    try:
        order = order_of(size=Size(width, height), steps=steps, n=n)
    except BadRequest:
        return
    assert order.size.pixels <= limits.most_pixels
    assert order.size.width % 16 == order.size.height % 16 == 0
    assert 0 < order.pixel_steps <= limits.most_pixel_steps


def test_pace_learns_what_was_seen_and_by_kind() -> None:
    pace, small = Pace(FACTS), order_of()
    large = replace(small, size=Size(128, 128))
    first = pace.seconds(large) / pace.seconds(small)
    assert first == pytest.approx(4.0, rel=0.2)
    for _ in range(40):
        pace.learn(small, 2.0)
    assert pace.seconds(small) == pytest.approx(2.0, rel=0.01)
    assert pace.seconds(large) == pytest.approx(8.0, rel=0.2)
    pace.learn(large, 3.0)
    assert pace.seconds(large) == pytest.approx(3.0, rel=0.01)
    assert pace.seconds(small) == pytest.approx(2.0, rel=0.01)


def test_pace_of_a_known_model_on_a_known_card_is_the_law() -> None:
    from router.catalog import data_roots
    from router.service_time import ServiceAsk, estimate, load_law

    law = load_law(data_roots(None, {}))
    order = replace(order_of(), size=Size(1024, 1024), n=2)
    known = replace(FACTS, model="flux-2-klein-4b")
    expected = estimate(law, ServiceAsk(model="flux-2-klein-4b", gpu="h100-sxm", batch=2)).seconds_per_image * 2
    assert Pace(known, law, "h100-sxm").seconds(order) == pytest.approx(expected)
    assert Pace(known, law, "").seconds(order) == Pace(known).seconds(order) != expected
