"""From a `Loading` to a pipeline of diffusers on its device: what may be opened, and how an option is applied."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..errors import CannotLoad, one_line, short_text
from ..models import load_models
from .random_weights import Kind, blueprint_of, build, tiny

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .loading import Loading

__all__ = ["Opened", "device_of", "open_pipeline"]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CLASSES = ("Flux2Pipeline", "Flux2KleinPipeline")
_TINY: dict[str, Kind] = {"tiny-dev": "dev", "tiny-klein": "klein", "tiny-klein-base": "klein-base"}
_MOST_REASON = 300


class Opened(NamedTuple):
    """A pipeline of diffusers, where its weights are from and where it runs."""

    pipe: Any
    weights: Literal["trained", "random"]
    revision: str
    device: str
    dtype: Literal["bf16", "fp16", "fp32"]


def open_pipeline(loading: Loading, roots: Iterable[Path]) -> Opened:
    """Load, place and fit a pipeline.

    Raises:
        CannotLoad: the model or an option of it; the text says what would work.
    """
    device = device_of(loading.device)
    dtype = loading.dtype if loading.dtype != "auto" else ("bf16" if device.startswith("cuda") else "fp32")
    if loading.random_weights:
        pipe, revision = _random(loading, roots, device, dtype), ""
    else:
        pipe, revision = _trained(loading, dtype)
    _place(pipe, loading, device)
    _fit(pipe, loading)
    return Opened(pipe, "random" if loading.random_weights else "trained", revision, device, dtype)


def device_of(asked: str) -> str:
    """The device that torch will run on, as in `cuda:0`.

    Raises:
        CannotLoad: there is none of that name here.
    """
    import torch  # noqa: PLC0415 (loading it takes seconds)

    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    if asked == "auto":
        return "cuda:0" if cards else "mps" if has_mps else "cpu"
    if asked == "cpu" or (asked == "mps" and has_mps):
        return asked
    match = re.fullmatch(r"cuda(?::([0-9]{1,3}))?", asked)
    if match and int(match[1] or 0) < cards:
        return f"cuda:{int(match[1] or 0)}"
    here = [f"cuda:{each}" for each in range(cards)] + ["mps"] * has_mps + ["cpu"]
    raise CannotLoad(f"device = {short_text(asked)}: torch finds no such device; here are {', '.join(here)}")


def _torch_dtype(name: str) -> Any:
    import torch  # noqa: PLC0415 (as above)

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[name]


def _random(loading: Loading, roots: Iterable[Path], device: str, dtype: str) -> Any:
    if loading.model in _TINY:
        blueprint = tiny(_TINY[loading.model])
    else:
        models = load_models(roots)
        card = models.find(loading.model)
        if not card.architecture:
            raise CannotLoad(f"{card.id}: closed weights have no configuration; use a Flux 2 card or one of "
                             f"{', '.join(_TINY)}")
        kind: Kind = "dev" if models.architectures[card.architecture].guidance else (
            "klein-base" if card.forwards_per_step == 2 else "klein")  # noqa: PLR2004 (true guidance runs it twice)
        blueprint = blueprint_of(models.architectures[card.architecture], kind)
    where = device if loading.offload == "none" else "cpu"
    return build(blueprint, seed=0, device=where, dtype=_torch_dtype(dtype))


def _trained(loading: Loading, dtype: str) -> tuple[Any, str]:
    from diffusers import DiffusionPipeline  # noqa: PLC0415 (as above)

    named, folder = loading.model, Path(loading.model)
    if folder.is_dir():
        _check_folder(folder)
    elif not _HUB_ID.fullmatch(named) or folder.exists():
        raise CannotLoad(f"model = {short_text(named)}: no folder of that name, and no id of the hub, as in "
                         "black-forest-labs/FLUX.2-klein-4B")
    offline, revision = loading.offline or folder.is_dir(), ""
    with _in_one_line(named):
        if not folder.is_dir():
            revision = _checked_on_the_hub(named, offline=offline)
        extra = {"quantization_config": _quantisation(loading.quantisation)} if loading.quantisation != "none" else {}
        pipe = DiffusionPipeline.from_pretrained(named, dtype=_torch_dtype(dtype), use_safetensors=True,
                                                 local_files_only=offline, **extra)
    return pipe, revision


def _check_folder(folder: Path) -> None:
    try:
        _check_index(str(folder), folder / "model_index.json")
    except (OSError, ValueError, AttributeError) as error:
        raise CannotLoad(f"{folder}: model_index.json cannot be read; give a folder that save_pretrained of diffusers "
                         "has written") from error


def _checked_on_the_hub(named: str, *, offline: bool) -> str:
    """The commit of a model whose class is one that runs; asked before its many gigabytes are fetched."""
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 (as above)

    index = Path(hf_hub_download(named, "model_index.json", local_files_only=offline))
    _check_index(named, index)
    return index.parent.name if _COMMIT.fullmatch(index.parent.name) else ""


def _check_index(named: str, index: Path) -> None:
    _check_class(named, json.loads(index.read_text(encoding="utf-8")).get("_class_name"))


def _check_class(named: str, pipeline: object) -> None:
    if pipeline not in _CLASSES:
        raise CannotLoad(f"{named}: is a {short_text(pipeline)}; the worker runs {' and '.join(_CLASSES)}")


@contextmanager
def _in_one_line(named: str) -> Iterator[None]:
    """What the libraries say about a model that cannot be loaded, cut to its first line."""
    try:
        yield
    # OSError and ValueError stand for missing, gated and unreachable files; ImportError for a library left out,
    # AssertionError for a card that cannot do a quantisation.
    except (OSError, ValueError, ImportError, RuntimeError, KeyError, AssertionError) as error:
        told = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise CannotLoad(f"{named}: cannot be loaded: {one_line(told)[:_MOST_REASON]}; check the id or folder, the "
                         "network, that its weights are safetensors, and that the card can do what is asked") from error


def _quantisation(word: str) -> Any:
    """Diffusers' own configuration of a quantisation; only the transformer and, in 4 bits, the text encoder."""
    library = "bitsandbytes" if word == "nf4" else "torchao"
    if find_spec(library) is None:
        raise CannotLoad(f"quantisation = {word!r}: needs {library}; pip install {library}")
    from diffusers import PipelineQuantizationConfig  # noqa: PLC0415 (as above)

    if word == "nf4":
        return PipelineQuantizationConfig(
            quant_backend="bitsandbytes_4bit", components_to_quantize=["transformer", "text_encoder"],
            quant_kwargs={"load_in_4bit": True, "bnb_4bit_quant_type": "nf4",
                          "bnb_4bit_compute_dtype": _torch_dtype("bf16")})
    from diffusers import TorchAoConfig  # noqa: PLC0415 (as above)
    from torchao import quantization  # noqa: PLC0415 (as above)

    kinds = {"fp8-wo": "Float8WeightOnlyConfig", "int8-wo": "Int8WeightOnlyConfig",
             "fp8": "Float8DynamicActivationFloat8WeightConfig"}
    config = TorchAoConfig(getattr(quantization, kinds[word])())
    return PipelineQuantizationConfig(quant_mapping={"transformer": config})


def _place(pipe: Any, loading: Loading, device: str) -> None:
    import torch  # noqa: PLC0415 (as above)

    if loading.offload == "none":
        pipe.to(device)
        return
    if not device.startswith("cuda"):
        raise CannotLoad(f"offload = {loading.offload!r}: takes a CUDA card, and this is {device}; leave it out")
    if loading.offload == "group":
        pipe.enable_group_offload(onload_device=torch.device(device), offload_type="leaf_level", use_stream=True)
    elif loading.offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.enable_sequential_cpu_offload(device=device)


def _fit(pipe: Any, loading: Loading) -> None:
    """Attention, cache and compilation, in this order: what is compiled is what the others left."""
    if loading.attention != "auto":
        try:
            pipe.transformer.set_attention_backend(loading.attention)
        except (ValueError, RuntimeError, ImportError) as error:
            told = one_line(str(error).splitlines()[0] if str(error) else type(error).__name__)[:_MOST_REASON]
            raise CannotLoad(f"attention = {short_text(loading.attention)}: {told}; `native` always works") from error
    if loading.cache != "none":
        from diffusers import TaylorSeerCacheConfig  # noqa: PLC0415 (as above)

        # Of diffusers 0.42 first-block fails on Flux 2, and its other caches change nothing or need figures per model.
        pipe.transformer.enable_cache(TaylorSeerCacheConfig())
    if loading.compile == "regional":
        pipe.transformer.compile_repeated_blocks(fullgraph=True)
    elif loading.compile != "none":
        pipe.transformer.compile(mode="max-autotune" if loading.compile == "max-autotune" else None)
