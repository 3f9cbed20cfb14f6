"""Fingerprints: equal for one and the same request, different for every field that makes it another one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.identity import Hasher, hash_key_of, new_request_id
from router.quantities import Size
from router.request import ImageRequest, Lora

from .worlds import picture

if TYPE_CHECKING:
    from pathlib import Path

HASHER = Hasher(b"k" * 32)
PLAIN = ImageRequest("a red bicycle", operation="edit", references=(picture(), picture(128)))
OTHERS: dict[str, tuple[Any, ...]] = {
    "prompt": ("a red bicycle ", "a blue bicycle", "A red bicycle", ""), "operation": ("generate",),
    "model": ("gpt-image-2", ""), "size": (Size(1024, 1024), Size(1536, 1024), Size(1024, 1536)), "n": (2, 3),
    "quality": ("low", "high"), "output_format": ("jpeg", "webp"), "output_compression": (0, 50, 100),
    "background": ("transparent", "opaque"), "moderation": ("low",), "seed": (0, 1, 2), "steps": (4, 28),
    "partial_images": (1, 2), "references": ((), (picture(),), (picture(128), picture()), (picture(), picture(129))),
    "mask": (picture(), picture(128)), "lora": (Lora("brand"), Lora("brand", 0.5), Lora("other")),
    "data_class": ("confidential", "restricted"), "residency": ("eu", "us"), "max_usd": (Decimal(1), Decimal("0.5")),
    "segment": ("hero", "bulk"), "text": ("exact", "none"), "project": ("p", "q"), "brand": ("b",), "campaign": ("c",),
    "cost_center": ("4711",), "urgency": ("can_wait",)}
SAME: dict[str, Any] = {"deadline_s": 20.0, "tags": {"trace": "1"}, "safety_identifier": "user-1", "tenant": "acme"}


def test_every_field_either_belongs_to_the_fingerprint_or_does_not() -> None:
    assert {field.name for field in fields(ImageRequest)} == {*OTHERS, *SAME}


def test_no_two_requests_that_differ_in_a_field_have_one_fingerprint() -> None:
    told = [HASHER.fingerprint(PLAIN)]
    told += [HASHER.fingerprint(replace(PLAIN, **{name: value})) for name, values in OTHERS.items() for value in values]
    assert len(told) == len(set(told)) > 50


@pytest.mark.parametrize("name", SAME)
def test_how_a_caller_waits_and_what_it_notes_beside_is_no_other_request(name: str) -> None:
    """The tenant is part of the key that a fingerprint is kept under."""
    assert HASHER.fingerprint(replace(PLAIN, **{name: SAME[name]})) == HASHER.fingerprint(PLAIN)


def test_the_same_amount_or_strength_written_otherwise_is_the_same_request() -> None:
    for one, other in ((Decimal("0.50"), Decimal("0.5")), (Decimal(9), Decimal("9E+0")), (Decimal(0), Decimal("0.0"))):
        assert HASHER.fingerprint(replace(PLAIN, max_usd=one)) == HASHER.fingerprint(replace(PLAIN, max_usd=other))
    assert HASHER.fingerprint(replace(PLAIN, lora=Lora("a", 1))) == HASHER.fingerprint(replace(PLAIN, lora=Lora("a")))


def test_a_mask_is_not_a_second_image_and_the_order_of_images_counts() -> None:
    first, second = picture(128), picture(129)
    told = {HASHER.fingerprint(ImageRequest("x", "edit", references=images, mask=mask)) for images, mask in (
        ((first, second), None), ((second, first), None), ((first,), second), ((first,), None))}
    assert len(told) == 4


def test_the_same_picture_as_base64_is_the_same_request() -> None:
    import base64

    from router.pictures import read_picture

    as_text = read_picture(base64.b64encode(picture().as_bytes()), is_base64=True)
    assert (HASHER.fingerprint(ImageRequest("x", "edit", references=(as_text,)))
            == HASHER.fingerprint(ImageRequest("x", "edit", references=(picture(),))))


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_texts_do_not_run_into_each_other(prompt: str, other: str, project: str, brand: str) -> None:
    one, two = ImageRequest(prompt, project=project, brand=brand), ImageRequest(other, project=brand, brand=project)
    assert (HASHER.fingerprint(one) == HASHER.fingerprint(two)) == ((prompt, project) == (other, brand))


def test_half_a_character_has_a_hash_too() -> None:
    assert HASHER.prompt("\ud800") != HASHER.prompt("\ud801")
    assert len(HASHER.fingerprint(ImageRequest("\ud800"))) == 64


def test_another_key_gives_other_hashes_and_the_prompt_is_not_in_them() -> None:
    assert Hasher(b"a").prompt("x") != Hasher(b"b").prompt("x")
    assert Hasher(b"a").fingerprint(PLAIN) != Hasher(b"b").fingerprint(PLAIN)


def test_request_ids_are_long_and_never_the_same() -> None:
    ids = {new_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(name) == 36 and name.startswith("img-") for name in ids)


def test_a_stated_key_is_taken_as_it_is_even_where_the_environment_held_no_text(tmp_path: Path) -> None:
    assert hash_key_of("secret", tmp_path / "new") == b"secret"
    assert hash_key_of("\udcff", tmp_path / "new") == b"\xff"
    assert not (tmp_path / "new").exists()


def test_a_key_is_made_once_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: hash_key_of("", folder), range(40)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert (folder / "hash.key").stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.iterdir()] == ["hash.key"]


def test_a_folder_that_cannot_be_written_gives_a_key_of_this_process_alone(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    first, second = hash_key_of("", blocked / "images"), hash_key_of("", blocked / "images")
    assert len(first) == len(second) == 32
    assert first != second


def test_a_key_that_was_never_written_whole_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "hash.key").write_bytes(b"")
    assert len(hash_key_of("", tmp_path)) == 32
