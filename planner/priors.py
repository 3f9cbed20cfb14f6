"""What is believed of each kind of effect before a measurement is read: mean and spread of its logarithm.

A spread says how far a level of that kind may stand from its neighbours: 0.1 is about 10 %. The spreads were chosen so
that measurements of a source that was left out are predicted best; the means are 0 but for LoRA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.law import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NOISE_SD", "PRIORS"]

NOISE_SD = 0.03  # one timing against another of the same source and setup

_SPREADS = {
    "all": 0.22, "mode": 0.10, "engine": 0.147, "gpu": 0.12, "arch": 0.08, "precision": 0.11, "model": 0.03,
    "engine-mode": 0.07, "engine-precision": 0.07, "precision-mode": 0.10, "gpu-engine": 0.085, "gpu-precision": 0.037,
    "arch-precision": 0.06, "arch-mode": 0.04, "cell": 0.033, "cell-model": 0.03, "engine-model": 0.04,
    # an unmerged LoRA adds 20 to 30 % in eager mode (vllm-omni #5059), less when compiled: its mean is 0.15
    "source": 0.024, "source-cell": 0.05, "derived-rate": 0.15, "lora": 0.05, "machine": 0.30,
    "matmul": 0.10, "attention": 0.35, "attention-kernel": 0.182, "passes": 0.45, "passes-engine": 0.82,
    "weights": 0.50, "tail": 0.60, "launch": 0.60, "quantise": 0.37, "quantise-engine": 0.30,
    "dequantise": 0.44, "dequantise-engine": 0.30, "decode": 0.41, "encode": 0.40, "around-engine": 0.75,
    "endpoint": 0.44, "endpoint-engine": 0.33, "endpoint-source": 1.48, "swap": 0.80, "swap-engine": 0.60,
}


PRIORS: Mapping[str, Kind] = {name: Kind(0.15 if name == "lora" else 0.0, sd) for name, sd in _SPREADS.items()}
