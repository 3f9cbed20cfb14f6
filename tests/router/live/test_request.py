"""A request of the wrong kind or measure is refused in words before anything is decided."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router.errors import BadRequest
from router.live import Router
from router.request import ImageRequest, Lora
from router.request_checks import check_request

from .simulation import MemoryLedger, Scripted, VirtualClock, simulate
from .worlds import picture, policy_with, settings_with

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "value", "remedy"), [
    ("size", "1024x1024", r"Size\(1024, 1024\)"), ("size", (1024, 1024), r"Size\(1024, 1024\)"),
    ("max_usd", 0.05, r'Decimal\("0.05"\)'), ("max_usd", "0.05", r'Decimal\("0.05"\)'),
    ("lora", "brand", r'Lora\("name"\)'), ("n", "2", "whole number"), ("n", 1.0, "whole number"),
    ("prompt", b"a bicycle", "a text"), ("prompt", None, "a text"), ("model", None, "a text"),
    ("references", [picture()], "tuple of pictures"), ("mask", b"png", "a picture"), ("deadline_s", "60", "seconds"),
    ("data_class", "Restricted", "public, confidential, restricted"), ("data_class", None, "restricted"),
    ("data_class", ["restricted"], "restricted"), ("text", "always", "auto, exact, none"),
    ("output_format", "bmp", "png, jpeg, webp, gif"), ("background", "", "opaque"), ("moderation", "off", "low"),
    ("operation", "upscale", "generate, edit")])
def test_a_field_of_another_kind_is_named_with_its_remedy(name: str, value: Any, remedy: str) -> None:
    with pytest.raises(BadRequest, match=remedy) as error:
        ImageRequest(**{"prompt": "a bicycle", name: value})
    assert error.value.param == name


@pytest.mark.parametrize(("wishes", "param"), [
    ({"prompt": ""}, "prompt"), ({"prompt": " \n"}, "prompt"), ({"prompt": "x" * 32_001}, "prompt"),
    ({"prompt": "half \ud83d of one"}, "prompt"), ({"n": 0}, "n"), ({"n": 11}, "n"), ({"seed": -1}, "seed"),
    ({"steps": 0}, "steps"), ({"output_compression": 101}, "output_compression"), ({"segment": "x" * 61}, "segment"),
    ({"segment": "a\nb"}, "segment"), ({"residency": "\ud800"}, "residency"), ({"model": "x" * 201}, "model"),
    ({"model": "\x1b[31m"}, "model"), ({"lora": Lora("x" * 201)}, "lora"), ({"quality": "q" * 61}, "quality"),
    ({"max_usd": Decimal("NaN")}, "max_usd"), ({"max_usd": Decimal(-1)}, "max_usd"),
    ({"max_usd": Decimal("Infinity")}, "max_usd"), ({"deadline_s": 0.0}, "deadline_s"),
    ({"deadline_s": float("nan")}, "deadline_s"), ({"deadline_s": float("inf")}, "deadline_s"),
    ({"operation": "edit"}, "image"), ({"background": "transparent", "output_format": "jpeg"}, "background")])
def test_what_no_backend_could_honour_is_refused_in_one_line(wishes: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as error:
        check_request(ImageRequest(**{"prompt": "a bicycle", **wishes}))
    assert error.value.param == param
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_a_hashed_user_is_no_reason_to_refuse() -> None:
    check_request(ImageRequest("a bicycle", safety_identifier="a" * 64))


def test_a_name_of_megabytes_is_not_compared_with_every_model() -> None:
    with pytest.raises(BadRequest, match="too long"):
        check_request(ImageRequest("a bicycle", model="gpt-image-" * 1_000_000))


def test_a_request_that_is_refused_is_one_row_and_costs_nothing(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        known = settings_with({"name": "bfl", "vendor": "bfl", "models": ["flux-2-pro"]}, folder=tmp_path)
        books, backend = MemoryLedger(), Scripted("bfl")
        parts: Any = {"clock": clock, "backends": {"bfl": backend}, "ledger": books}
        async with Router(known, policy_with(), environ={}, **parts) as router:
            for wishes in ({"model": "m\ud800"}, {"model": "nobody"}, {"max_usd": Decimal("sNaN")}, {"n": 99}):
                with pytest.raises(BadRequest):
                    await router.generate("half \ud800 of one", **wishes)
        assert [closing.state for closing in books.closings.values()] == ["rejected"] * 4
        assert backend.jobs == []
    simulate(story)
