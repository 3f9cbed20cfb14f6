"""The physics of one image: where its seconds go before anything is learned, and which learned effects bear on them.

seconds = sum over components of base x exp(sum of effects). A component's base is work divided by a rate: matmuls by
the card's measured matmul rate, attention by the same times a kernel factor, element-wise passes and weights by memory
bandwidth, launches by a constant, plus text encoder, VAE, endpoint and encoder swap. docs/throughput.md derives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .flops import decode_flop, encode_flop, forward_flop, image_tokens, reference_tokens, tile_depth
from .setup import BYTES_PER_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .gpus import Gpu
    from .setup import Setup

__all__ = ["DENOISING", "OWN_SOURCE", "base_seconds", "effects_of", "flop_per_image", "peak_flop_per_s"]

OWN_SOURCE = "your runs"  # the source of a user's own timings; their machine may be unlike all others
DENOISING = ("matmul", "attention", "passes", "weights", "tail", "launch", "quantise", "dequantise")
_ATTENTION_FACTOR = 1.3  # attention against matmul at the same rate
_PASSES = {"eager": 60.0, "compiled": 22.0}  # reads and writes of a hidden-wide tensor in one block
_QUANTISE_PASSES = {"eager": 25.0, "compiled": 6.0}
_LAUNCHES_PER_BLOCK = {"eager": 70.0, "compiled": 10.0}
_LAUNCH_S = 1.5e-6
_INT8_GAIN, _INT4_GAIN = 1.7, 2.6  # over the bf16 matmul rate
_TILE = 128 * 256
_HALF_A_WAVE = 0.5
_TAIL_SEEN = 0.5
_DECODE_SHARE, _ENCODE_SHARE = 0.2, 0.6  # of the matmul rate
_ENDPOINT_S = 0.06


def base_seconds(setup: Setup) -> Mapping[str, float]:
    """Seconds per image of each component, before any effect."""
    architecture, gpu, batch = setup.architecture, setup.gpu, setup.batch
    forward = forward_flop(architecture, setup.tokens)
    bandwidth, bf16 = gpu.memory_bandwidth_gb_s * 1e9, gpu.matmul_bf16_tflops * 1e12
    rate = _matmul_rate(setup)
    hidden_pass = 2 * architecture.blocks * forward.tokens * architecture.hidden / bandwidth
    stored = architecture.parameters * BYTES_PER_WEIGHT[setup.precision]
    one = {
        "matmul": forward.matmul / rate,
        "attention": forward.attention / bf16 * _ATTENTION_FACTOR,
        "passes": hidden_pass * _PASSES[setup.mode],
        "weights": stored / bandwidth / batch,
        "tail": 2 * _TILE * tile_depth(architecture) * gpu.multiprocessors * _HALF_A_WAVE * _TAIL_SEEN / rate / batch,
        "launch": architecture.blocks * _LAUNCHES_PER_BLOCK[setup.mode] * _LAUNCH_S / batch,
    }
    if setup.computed_in != "bf16":
        one["quantise"] = hidden_pass * _QUANTISE_PASSES[setup.mode]
    if setup.stored_only:
        one["dequantise"] = (stored + 4 * architecture.parameters) / bandwidth / batch
    seconds = {name: setup.passes * value for name, value in one.items()}
    return seconds if setup.part == "denoise" else seconds | _around(setup, bf16, bandwidth)


def _around(setup: Setup, bf16: float, bandwidth: float) -> dict[str, float]:
    """Text encoder, VAE, endpoint and swap; a prompt is encoded once for a batch."""
    architecture = setup.architecture
    weights = 2 * architecture.encoder_parameters
    seconds = {
        "decode": _vae_flop(setup) / bf16 / _DECODE_SHARE,
        "encode": (architecture.encoder_tflop * 1e12 / bf16 / _ENCODE_SHARE + weights / bandwidth) / setup.batch,
        "endpoint": _ENDPOINT_S / setup.batch,
    }
    if setup.swap:
        seconds["swap"] = weights / (setup.gpu.host_link_gb_s * 1e9) / setup.batch
    return seconds


def _vae_flop(setup: Setup) -> int:
    references = setup.references and setup.references * encode_flop(
        setup.architecture, reference_tokens(setup.size, 1))
    return decode_flop(setup.architecture, image_tokens(setup.size)) + references


def _matmul_rate(setup: Setup) -> float:
    """FLOP per second of a dense matmul in the precision computed in."""
    return 1e12 * _rate(setup, matmul=True)


def peak_flop_per_s(setup: Setup) -> float:
    """The fastest the card can be in this precision: the data sheet, or a measured matmul where that is faster."""
    return 1e12 * max(_rate(setup, matmul=True), _rate(setup, matmul=False))


def _rate(setup: Setup, *, matmul: bool) -> float:
    gpu: Gpu = setup.gpu
    bf16, fp8, fp4 = ((gpu.matmul_bf16_tflops, gpu.matmul_fp8_tflops, gpu.matmul_fp4_tflops) if matmul else
                      (gpu.spec_bf16_tflops, gpu.spec_fp8_tflops, gpu.spec_fp4_tflops))
    gains = (_INT8_GAIN, _INT4_GAIN) if matmul else (2.0, 4.0)
    rates = {"bf16": bf16, "fp8": fp8 or bf16, "nvfp4": fp4 or bf16, "int8": gains[0] * bf16, "int4": gains[1] * bf16}
    return rates[setup.computed_in]


def flop_per_image(setup: Setup) -> float:
    """All operations of one image: denoising, and encoder and VAE where they are asked for."""
    denoise = setup.passes * forward_flop(setup.architecture, setup.tokens).total
    if setup.part == "denoise":
        return float(denoise)
    return denoise + _vae_flop(setup) + setup.architecture.encoder_tflop * 1e12 / setup.batch


def effects_of(setup: Setup) -> Mapping[str, tuple[str, ...]]:
    """The effects on each component, as `kind:level`."""
    engine, precision, mode, arch = setup.engine, setup.precision_key, setup.mode, setup.gpu.arch
    who = setup.source or "?"
    kernel = setup.attention or ("fa3" if (engine, arch) == ("sglang", "hopper") else f"{engine}/{arch}")
    own = {
        "matmul": (f"matmul:{precision}",),
        "attention": ("attention:all", f"attention-kernel:{kernel}"),
        "passes": (f"passes:{mode}", f"passes-engine:{engine}/{mode}"),
        "weights": ("weights:all",), "tail": ("tail:all",), "launch": (f"launch:{mode}",),
        "quantise": (f"quantise:{precision}/{mode}", f"quantise-engine:{engine}/{precision}/{mode}"),
        "dequantise": (f"dequantise:{mode}", f"dequantise-engine:{engine}/{mode}"),
        "decode": ("decode:all", f"around-engine:{engine}"), "encode": ("encode:all", f"around-engine:{engine}"),
        "endpoint": ("endpoint:all", f"endpoint-engine:{engine}", f"endpoint-source:{who}"),
        "swap": ("swap:all", f"swap-engine:{engine}"),
    }
    shared = _shared(setup, who)
    return {name: keys + (shared if name in DENOISING else ()) for name, keys in own.items()}


def _shared(setup: Setup, who: str) -> tuple[str, ...]:
    """Effects on everything that happens in the transformer."""
    engine, precision, mode, gpu = setup.engine, setup.precision_key, setup.mode, setup.gpu
    model = setup.architecture.id
    keys = [
        "all:", f"mode:{mode}", f"engine:{engine}", f"gpu:{gpu.id}", f"arch:{gpu.arch}", f"precision:{precision}",
        f"model:{model}", f"engine-mode:{engine}/{mode}", f"engine-precision:{engine}/{precision}/{mode}",
        f"precision-mode:{precision}/{mode}", f"gpu-engine:{gpu.id}/{engine}", f"gpu-precision:{gpu.id}/{precision}",
        f"arch-precision:{gpu.arch}/{precision}", f"arch-mode:{gpu.arch}/{mode}", f"cell:{setup.cell}",
        f"cell-model:{setup.cell}/{model}", f"engine-model:{engine}/{model}", f"source:{who}",
        f"source-cell:{who}/{setup.cell}"]
    keys += [f"derived-rate:{gpu.id}"] if gpu.matmul_basis == "derived" else []
    keys += [f"lora:{mode}"] if setup.lora else []
    keys += [f"machine:{gpu.id}"] if who == OWN_SOURCE else []
    return tuple(keys)
