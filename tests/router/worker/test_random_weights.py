"""Pipelines with random weights: real ones have the real counts, tiny ones are loaded and make a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from router.catalog import data_roots
from router.errors import CannotLoad
from router.models import load_models
from router.worker.loading import Loading
from router.worker.random_weights import blueprint_of, build, save_tiny

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("name", "kind"), [("flux-2-klein-4b", "klein"), ("flux-2-klein-9b", "klein"),
                                            ("flux-2-dev", "dev")])
def test_a_real_configuration_has_the_counts_of_the_table(name: str, kind: Literal["dev", "klein"]) -> None:
    import torch

    architecture = load_models(data_roots(None, {})).architectures[name]
    made = build(blueprint_of(architecture, kind), seed=0, device="meta", dtype=torch.bfloat16)
    assert sum(each.numel() for each in made.transformer.parameters()) == architecture.parameters
    assert sum(each.numel() for each in made.text_encoder.parameters()) == architecture.encoder_parameters
    assert {each.dtype for each in made.transformer.parameters()} == {torch.bfloat16}


def test_an_architecture_without_numbers_is_refused() -> None:
    architecture = load_models(data_roots(None, {})).architectures["flux-1-dev"]
    with pytest.raises(CannotLoad, match="flux-1-dev: no configuration"):
        blueprint_of(architecture, "dev")


@pytest.mark.parametrize(("kind", "pipeline"), [("dev", "Flux2Pipeline"), ("klein", "Flux2KleinPipeline"),
                                                ("klein-base", "Flux2KleinPipeline")])
def test_a_tiny_pipeline_is_loaded_and_makes_a_picture(
        tmp_path: Path, kind: Literal["dev", "klein", "klein-base"], pipeline: str) -> None:
    import torch
    from diffusers import DiffusionPipeline

    loaded = DiffusionPipeline.from_pretrained(save_tiny(tmp_path / kind, kind), local_files_only=True)
    loaded.set_progress_bar_config(disable=True)
    assert type(loaded).__name__ == pipeline
    if kind != "dev":
        assert loaded.config.is_distilled is (kind == "klein")
    asked = {"height": 64, "width": 96, "num_inference_steps": 2, "guidance_scale": 1.0}
    first, again = (loaded(prompt="a pear", generator=torch.Generator().manual_seed(1), **asked).images[0]
                    for _ in range(2))
    assert first.size == (96, 64)
    assert first.tobytes() == again.tobytes()


@pytest.mark.parametrize(("wrong", "text"), [
    ({"dtype": "fp64"}, "dtype = 'fp64': unknown; use one of auto, bf16, fp16, fp32"),
    ({"compile": "yes"}, "compile = 'yes': unknown"),
    ({"offload": "disk"}, "offload = 'disk': unknown"),
    ({"cache": "all"}, "cache = 'all': unknown"),
    ({"quantisation": "nf4", "random_weights": True}, "leave one of the two out"),
])
def test_an_unknown_word_is_refused(wrong: dict[str, str], text: str) -> None:
    with pytest.raises(CannotLoad, match=text):
        Loading("flux-2-klein-4b", **wrong)  # type: ignore[arg-type]
