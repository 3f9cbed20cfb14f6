"""Fine-tunes: what may be registered, and what an order that names one gets."""

from __future__ import annotations

import json
import pickle
import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import CannotLoad
from router.quantities import Size
from router.request import Lora
from router.worker.fine_tunes import registered
from router.worker.loading import Loading
from router.worker.order import Order
from router.worker.pipeline import Pipeline
from router.worker.random_weights import save_tiny_lora

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.torch

PEAR = Order("a pear", Size(64, 48), n=1, steps=2, seed=7)


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


GOOD = safetensors({"__metadata__": {"by": "hand"}, "w": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}},
                   b"\0" * 8)


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loras")
    for number in range(5):
        save_tiny_lora(folder / f"style-{number}.safetensors", "klein", seed=number)
    save_tiny_lora(folder / "wide.safetensors", "klein", heads=3)
    (folder / "stranger.safetensors").write_bytes(GOOD)
    return folder


@pytest.fixture(scope="module")
def pipeline(tiny: Mapping[str, Path], loras: Path) -> Pipeline:
    return Pipeline.load(Loading(str(tiny["klein"]), device="cpu"), (), shelf=registered((), loras))


def test_a_whole_file_is_registered_by_name_or_folder(tmp_path: Path) -> None:
    path = tmp_path / "brand.safetensors"
    path.write_bytes(GOOD)
    for shelf in (registered([("brand", path)]), registered((), tmp_path)):
        assert {name: (each.path, each.file_bytes, each.tensors) for name, each in shelf.items()} == {
            "brand": (path, len(GOOD), 1)}


@pytest.mark.parametrize("data", [
    b"", b"\0" * 7, pickle.dumps({"w": [1.0]}), b"PK\x03\x04" + b"\0" * 40, struct.pack("<Q", 2**63) + b"{}",
    struct.pack("<Q", 50) + b"{}", safetensors({}), safetensors([]), safetensors(b"{" * 40),
    safetensors(b"[" * 100_000), safetensors({"w": 1}), safetensors({"w": {"dtype": "F16"}}),
    safetensors({"w": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}),
    safetensors({"w": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}, b"\0" * 5),
    safetensors({"w": {"dtype": "F16", "shape": [2], "data_offsets": [1, 5]}}, b"\0" * 5),
    safetensors({"w": {"dtype": "F16", "shape": [3], "data_offsets": [0, 4]}}, b"\0" * 4),
    safetensors({"w": {"dtype": "F16", "shape": [-2], "data_offsets": [0, -4]}}, b"\0" * 4),
    safetensors({"w": {"dtype": "O", "shape": [2], "data_offsets": [0, 4]}}, b"\0" * 4),
    safetensors({"w": {"dtype": "F16", "shape": [True, 2], "data_offsets": [0, 4]}}, b"\0" * 4),
    safetensors({name: {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]} for name in "ab"}, b"\0" * 4)])
def test_what_is_not_a_whole_safetensors_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(CannotLoad, match=r"lora x: .* is not a whole safetensors file"):
        registered([("x", path)])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int, value: int) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    for file in (data, safetensors(data), GOOD[:at] + bytes([value]) + GOOD[at + 1:], GOOD[:at]):
        path.write_bytes(file)
        with suppress(CannotLoad):
            assert registered([("any", path)])["any"].tensors >= 1


def test_a_file_stays_where_it_was_registered(tmp_path: Path) -> None:
    (tmp_path / "outside.safetensors").write_bytes(GOOD)
    (folder := tmp_path / "loras").mkdir()
    (folder / "link.safetensors").symlink_to(tmp_path / "outside.safetensors")
    for shelf in ({"folder": folder, "named": ()}, {"named": [("link", folder / "link.safetensors")]}):
        with pytest.raises(CannotLoad, match="leads out of its folder"):
            registered(**shelf)


@pytest.mark.parametrize(("name", "text"), [
    ("../../etc/passwd", "no name"), ("", "no name"), ("a b", "no name"), ("-x", "no name"), ("a" * 65, "no name"),
    ("a\n", "no name")])
def test_a_name_is_a_name(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "x.safetensors").write_bytes(GOOD)
    with pytest.raises(CannotLoad, match=text) as caught:
        registered([(name, tmp_path / "x.safetensors")])
    assert "\n" not in str(caught.value)


def test_other_suffixes_names_twice_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(GOOD)
    (tmp_path / "x.pt").write_bytes(GOOD)
    with pytest.raises(CannotLoad, match=r"is no \.safetensors file; other formats can run code"):
        registered([("x", tmp_path / "x.pt")])
    with pytest.raises(CannotLoad, match="lora x: is given twice"):
        registered([("x", tmp_path / "x.safetensors")], tmp_path)
    with pytest.raises(CannotLoad, match="cannot be read: No such file"):
        registered([("y", tmp_path / "y.safetensors")])
    with pytest.raises(CannotLoad, match="no folder of fine-tunes"):
        registered((), tmp_path / "absent")


def test_a_fine_tune_changes_the_picture_and_goes_again(pipeline: Pipeline) -> None:
    plain = pipeline.run(PEAR).images[0].tobytes()
    first = pipeline.run(replace(PEAR, lora=Lora("style-0")))
    assert first.images[0].tobytes() != plain
    assert first.seconds.lora > 0
    again = pipeline.run(replace(PEAR, lora=Lora("style-0")))
    assert (again.images[0].tobytes(), again.seconds.lora) == (first.images[0].tobytes(), 0.0)
    other = pipeline.run(replace(PEAR, lora=Lora("style-1"))).images[0].tobytes()
    weak = pipeline.run(replace(PEAR, lora=Lora("style-0", 0.01))).images[0].tobytes()
    assert len({plain, first.images[0].tobytes(), other, weak}) == 4
    assert pipeline.run(PEAR).images[0].tobytes() == plain


def test_the_least_recently_used_leaves(pipeline: Pipeline) -> None:
    plain = pipeline.run(PEAR).images[0].tobytes()
    made = [pipeline.run(replace(PEAR, lora=Lora(f"style-{number}"))).images[0].tobytes() for number in range(5)]
    assert len(pipeline._pipe.transformer.peft_config) == 4
    assert pipeline.run(replace(PEAR, lora=Lora("style-0"))).images[0].tobytes() == made[0]
    assert pipeline.run(PEAR).images[0].tobytes() == plain


@pytest.mark.parametrize(("name", "text"), [
    ("absent", "is not registered here; registered are stranger, style-0"), ("../x", "is not registered here"),
    ("wide", "does not fit this model"), ("stranger", "does not fit this model")])
def test_one_that_does_not_fit_leaves_the_model_as_it_was(pipeline: Pipeline, name: str, text: str) -> None:
    plain = pipeline.run(PEAR).images[0].tobytes()
    styled = pipeline.run(replace(PEAR, lora=Lora("style-2"))).images[0].tobytes()
    with pytest.raises(CannotLoad, match=text) as caught:
        pipeline.run(replace(PEAR, lora=Lora(name)))
    assert "\n" not in str(caught.value)
    assert pipeline.run(PEAR).images[0].tobytes() == plain
    assert pipeline.run(replace(PEAR, lora=Lora("style-2"))).images[0].tobytes() == styled


def test_a_file_replaced_after_it_was_registered_is_not_loaded(tiny: Mapping[str, Path], tmp_path: Path) -> None:
    path = save_tiny_lora(tmp_path / "x.safetensors", "klein")
    loaded = Pipeline.load(Loading(str(tiny["klein"]), device="cpu"), (), shelf=registered([("x", path)]))
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(CannotLoad, match="not a whole safetensors file"):
        loaded.run(replace(PEAR, lora=Lora("x")))
    assert loaded.run(PEAR).images
