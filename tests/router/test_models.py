"""Model cards, and the names people use for models, cards and engines."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from router.errors import OutOfReach, TableError
from router.gpus import find_gpu, load_gpus
from router.models import load_models
from router.setup import find_engine, read_precision
from tests.tables import DATA, book, law

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "card"), [
    ("flux-2-dev", "flux-2-dev"), ("FLUX.2-dev", "flux-2-dev"),
    ("black-forest-labs/FLUX.2-klein-4B", "flux-2-klein-4b"),
    ("flux2_klein_9b", "flux-2-klein-9b"), ("FLUX.2-klein-base-4B", "flux-2-klein-base-4b"),
    ("flux1-dev", "flux-1-dev"),
    ("openai/gpt-image-2", "gpt-image-2"), ("GPT Image 2.5", "gpt-image-2.5")])
def test_names_of_models_are_forgiven(name: str, card: str) -> None:
    assert law().models.find(name).id == card


@pytest.mark.parametrize(("name", "gpu"), [
    ("H100", "h100-sxm"), ("NVIDIA H100 80GB HBM3", "h100-sxm"), ("80 GB Hopper", "h100-sxm"),
    ("h100-pcie", "h100-pcie"),
    ("H200", "h200-sxm"), ("NVIDIA GeForce RTX 4090", "rtx-4090"), ("5090", "rtx-5090"), ("rtx_5090", "rtx-5090"),
    ("A100 80GB", "a100-80gb-sxm"), ("AMD Instinct MI300X", "mi300x"), ("NVIDIA RTX PRO 6000 Blackwell Workstation",
                                                                        "rtx-pro-6000"), ("L20", "l20")])
def test_names_of_gpus_are_forgiven(name: str, gpu: str) -> None:
    assert find_gpu(law().gpus, name).id == gpu


@pytest.mark.parametrize(("name", "engine", "kernel"), [
    ("sglang", "sglang", ""), ("SGLang-Diffusion", "sglang", ""), ("torchao", "diffusers", ""),
    ("vllm", "vllm-omni", ""),
    ("diffusers fa3", "diffusers", "fa3"), ("ParaAttention", "diffusers", ""), ("sd.cpp", "stable-diffusion.cpp", ""),
    ("TRT", "tensorrt", "")])
def test_names_of_engines_are_forgiven(name: str, engine: str, kernel: str) -> None:
    found, named = find_engine(law().engines, name)
    assert (found.id, named) == (engine, kernel)


@pytest.mark.parametrize(("text", "engine", "precision", "weight_only"), [
    ("bf16", "sglang", "bf16", False), ("fp8", "diffusers", "fp8", False), ("float8wo", "diffusers", "fp8", True),
    ("int8-wo", "diffusers", "int8", True), ("q8_0", "comfyui", "int8", True), ("NVFP4", "comfyui", "nvfp4", False),
    ("svdq-int4", "diffusers", "int4", False), ("int8", "stable-diffusion.cpp", "int8", True)])
def test_precisions_are_read(text: str, engine: str, precision: str, *, weight_only: bool) -> None:
    assert read_precision(text, engine) == (precision, weight_only)


def test_an_unknown_name_says_what_comes_closest() -> None:
    with pytest.raises(OutOfReach, match=r"gpu = 'rtx-4091'.*did you mean rtx-4090"):
        find_gpu(law().gpus, "rtx-4091")
    with pytest.raises(OutOfReach, match="list them with: planner models"):
        law().models.find("zzzz")
    with pytest.raises(OutOfReach, match="precision = 'fp3'"):
        read_precision("fp3", "sglang")


def test_no_two_gpus_and_no_two_models_share_a_name() -> None:
    from router.names import aliases_of, plain_name
    for rows in (law().gpus.values(), law().models.cards.values(), law().engines.values()):
        names = [name for row in rows for name in {plain_name(alias) for alias in aliases_of(row)}]
        assert sorted(names) == sorted(set(names))


def test_every_priced_offer_has_a_card() -> None:
    assert {offer.card for offer in book().prices.offers.values()} <= set(law().models.cards)


def test_open_weights_need_an_architecture_that_exists(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(DATA / "models" / "architectures.csv", tmp_path / "models")
    text = (DATA / "models" / "cards.csv").read_text()
    (tmp_path / "models" / "cards.csv").write_text(text.replace(",yes,flux-2-dev,", ",yes,flux-3-dev,"))
    with pytest.raises(TableError, match=r"cards\.csv:11: architecture = 'flux-3-dev'.*use one of"):
        load_models([tmp_path])
    (tmp_path / "models" / "cards.csv").write_text(text.replace(",yes,flux-2-dev,", ",yes,,"))
    with pytest.raises(TableError, match="open weights need their architecture"):
        load_models([tmp_path])


def test_a_card_without_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gpus").mkdir()
    header, first, *_ = (DATA / "gpus" / "specs.csv").read_text().splitlines()
    (tmp_path / "gpus" / "specs.csv").write_text(f"{header}\n{first.replace(',72,24,', ',72,0,')}\n")
    with pytest.raises(TableError, match=r"specs\.csv:2: memory_gib = 0"):
        load_gpus([tmp_path])
