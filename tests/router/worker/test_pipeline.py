"""A tiny pipeline from disk: what it says of itself, what it makes, and that nothing leaves it broken."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from router.errors import BadRequest, CannotLoad, OutOfMemory
from router.quantities import Size
from router.worker.encoding import picture_file
from router.worker.loading import Loading
from router.worker.order import Order
from router.worker.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.torch

PEAR = Order("a pear", Size(64, 48), n=1, steps=3, seed=7)


def file_of(pipeline: Pipeline, order: Order) -> Image.Image:
    return Image.open(BytesIO(picture_file(pipeline.run(order).images[0], order)))


class Gone(Exception):
    pass


@pytest.mark.parametrize(("kind", "pipeline", "steps", "guidance", "forwards"), [
    ("dev", "Flux2Pipeline", 50, 4.0, 1), ("klein", "Flux2KleinPipeline", 4, 1.0, 1),
    ("klein-base", "Flux2KleinPipeline", 50, 4.0, 2)])
def test_a_saved_pipeline_says_what_it_is(
        tiny: Mapping[str, Path], kind: str, pipeline: str, steps: int, guidance: float, forwards: int) -> None:
    loaded = Pipeline.load(Loading(str(tiny[kind]), device="cpu"), ())
    facts = loaded.facts
    assert (facts.model, facts.pipeline, facts.weights, facts.dtype, facts.device, facts.loaded_as) == (
        "", pipeline, "trained", "fp32", "cpu", kind)
    assert (facts.default_steps, facts.default_guidance, facts.forwards_per_step) == (steps, guidance, forwards)
    assert loaded.run(PEAR).images[0].size == (64, 48)
    assert loaded.vram() is None


def test_an_image_does_not_depend_on_its_batch(klein: Pipeline) -> None:
    both = klein.run(replace(PEAR, n=2)).images
    alone = klein.run(replace(PEAR, seed=8)).images
    assert len(both) == 2
    assert both[0].tobytes() != both[1].tobytes()
    difference = max(abs(one - other) for one, other in zip(both[1].tobytes(), alone[0].tobytes(), strict=True))
    assert difference <= 1


def test_steps_are_told_one_by_one_and_timed(klein: Pipeline) -> None:
    told: list[tuple[int, int]] = []
    ran = klein.run(PEAR, lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert ran.seconds.denoise is not None
    assert 0 < ran.seconds.denoise < ran.seconds.wall
    assert (ran.seconds.device, ran.peak_vram_bytes) == (None, None)


def test_what_a_step_raises_stops_the_work_and_leaves_the_pipeline_whole(klein: Pipeline) -> None:
    before, made = klein.run(PEAR).images[0].tobytes(), []

    def leave(done: int, _: int) -> None:
        made.append(done)
        if done == 2:
            raise Gone

    with pytest.raises(Gone):
        klein.run(replace(PEAR, steps=40), leave)
    assert made == [1, 2]
    assert klein.run(PEAR).images[0].tobytes() == before


def test_a_reference_changes_the_picture(klein: Pipeline) -> None:
    file = BytesIO()
    Image.new("RGB", (80, 64), "red").save(file, "PNG")
    edited = klein.run(replace(PEAR, references=(file.getvalue(),))).images[0]
    assert edited.size == (64, 48)
    assert edited.tobytes() != klein.run(PEAR).images[0].tobytes()


def test_a_reference_that_is_no_picture_is_refused_before_the_work(klein: Pipeline) -> None:
    with pytest.raises(BadRequest, match="the reference cannot be decoded"):
        klein.run(replace(PEAR, references=(b"\x89PNG\r\n\x1a\n" + b"0" * 64,)), lambda *_: pytest.fail("it ran"))


@pytest.mark.parametrize(("name", "format_"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_pictures_are_files_of_the_format_asked_for(klein: Pipeline, name: str, format_: str) -> None:
    picture = file_of(klein, replace(PEAR, output_format=name, output_compression=80))
    assert (picture.format, picture.size) == (format_, (64, 48))


def test_an_enlarged_picture_says_so(klein: Pipeline) -> None:
    picture = file_of(klein, replace(PEAR, upscale=2))
    assert picture.size == (128, 96)
    assert picture.text == {"upscaled": "2x LANCZOS from 64x48"}


@pytest.mark.parametrize(("option", "value", "text"), [
    ("device", "cuda:99", "device = 'cuda:99': torch finds no such device; here are"),
    ("device", "tpu", "device = 'tpu': torch finds no such device"),
    ("offload", "model", "offload = 'model': takes a CUDA card, and this is cpu"),
    ("attention", "flash-9", "attention = 'flash-9': .*`native` always works"),
    ("quantisation", "nf4", "quantisation = 'nf4': needs bitsandbytes; pip install bitsandbytes")])
def test_an_option_that_does_not_work_here_is_one_line(
        tiny: Mapping[str, Path], option: str, value: str, text: str) -> None:
    with pytest.raises(CannotLoad, match=text) as caught:
        Pipeline.load(replace(Loading(str(tiny["klein"]), device="cpu"), **{option: value}), ())
    assert "\n" not in str(caught.value)


def test_options_that_work_on_any_device_make_a_picture(tiny: Mapping[str, Path]) -> None:
    loading = Loading(str(tiny["klein"]), device="cpu", dtype="bf16", attention="native", cache="taylorseer")
    facts = (loaded := Pipeline.load(loading, ())).facts
    assert (facts.dtype, facts.attention, facts.cache) == ("bf16", "native", "taylorseer")
    first, again = (loaded.run(replace(PEAR, steps=12)).images[0].tobytes() for _ in range(2))
    assert first == again
    plain = Pipeline.load(replace(loading, cache="none"), ()).run(replace(PEAR, steps=12))
    assert plain.images[0].tobytes() != first


def test_a_cache_of_steps_forgets_a_picture_that_was_stopped(tiny: Mapping[str, Path]) -> None:
    loaded = Pipeline.load(Loading(str(tiny["klein"]), device="cpu", cache="taylorseer"), ())
    order = replace(PEAR, steps=12)
    before = loaded.run(order).images[0].tobytes()

    def leave(done: int, _: int) -> None:
        if done == 7:
            raise Gone

    with pytest.raises(Gone):
        loaded.run(replace(order, seed=99), leave)
    assert loaded.run(order).images[0].tobytes() == before


def test_weights_of_chance_are_labelled() -> None:
    facts = Pipeline.load(Loading("tiny-dev", device="cpu", random_weights=True), ()).facts
    assert (facts.weights, facts.model, facts.pipeline) == ("random", "", "Flux2Pipeline")


@pytest.mark.parametrize(("make", "text"), [
    (lambda folder: folder / "absent", "no folder of that name, and no id of the hub"),
    (lambda folder: folder, "model_index.json cannot be read"),
    (lambda folder: (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}') and folder,
     "is a 'FluxPipeline'; the worker runs Flux2Pipeline and Flux2KleinPipeline"),
    (lambda folder: (folder / "model_index.json").write_text("[]") and folder, "model_index.json cannot be read")])
def test_what_is_no_model_is_one_line(tmp_path: Path, make: object, text: str) -> None:
    with pytest.raises(CannotLoad, match=text):
        Pipeline.load(Loading(str(make(tmp_path)), device="cpu"), ())


def test_pickled_weights_are_not_opened(tiny: Mapping[str, Path], tmp_path: Path) -> None:
    import shutil

    import torch

    folder = shutil.copytree(tiny["klein"], tmp_path / "pickled")
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, folder / "transformer" / "diffusion_pytorch_model.bin")
    with pytest.raises(CannotLoad, match=r"cannot be loaded: .*safetensors"):
        Pipeline.load(Loading(str(folder), device="cpu"), ())


def test_a_hub_id_without_the_hub_is_one_line() -> None:
    with pytest.raises(CannotLoad, match=r"nobody/nothing-here: cannot be loaded: .*check the id or folder"):
        Pipeline.load(Loading("nobody/nothing-here", device="cpu", offline=True), ())


MEMORY = """
import resource, sys
from dataclasses import replace
from pathlib import Path
import torch
from router.errors import OutOfMemory
from router.quantities import Size
from router.worker.loading import Loading
from router.worker.order import Order
from router.worker.pipeline import Pipeline

torch.set_num_threads(1)
pipe = Pipeline.load(Loading(sys.argv[1], device="cpu"), ())
small = Order("a pear", Size(64, 48), n=1, steps=1, seed=7)
before = pipe.run(small).images[0].tobytes()
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
try:
    pipe.run(replace(small, size=Size(2048, 2048), n=8))
except OutOfMemory as error:
    print(error)
print(pipe.run(small).images[0].tobytes() == before)
"""


def test_a_batch_that_does_not_fit_gives_its_memory_back(tiny: Mapping[str, Path]) -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY, str(tiny["klein"])], capture_output=True, text=True,
                          check=False, timeout=240)
    assert done.stdout == ("8 x 2048x2048 with 0 references did not fit on cpu; ask for fewer images or pixels\n"
                           "True\n"), done.stderr[-500:]
    assert OutOfMemory.__mro__[1].__name__ == "RouterError"
