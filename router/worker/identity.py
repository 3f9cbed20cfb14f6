"""Which model was loaded, told by its configuration and not by its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models import load_models
from .order import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..models import Architecture, ModelCard
    from .loading import Loading
    from .opening import Opened

__all__ = ["facts_of"]

# Of the model cards and reference code of black-forest-labs: dev and the base models take 50 steps, distilled klein 4.
_STEPS_DISTILLED, _STEPS = 4, 50
_GUIDANCE_DISTILLED, _GUIDANCE = 1.0, 4.0
_REFERENCES = 10


def facts_of(opened: Opened, loading: Loading, *, roots: Iterable[Path]) -> Facts:
    """What is loaded; its card is named only where every number of the transformer is that of a known architecture."""
    pipe = opened.pipe
    distilled = bool(pipe.config.get("is_distilled", False))
    guided = not distilled and not pipe.transformer.config.guidance_embeds
    card = _card_of(pipe.transformer.config, 2 if guided else 1, roots)
    return Facts(
        model=card.id if card else "",
        loaded_as=Path(loading.model).resolve().name if Path(loading.model).is_dir() else loading.model,
        pipeline=type(pipe).__name__, weights=opened.weights, revision=opened.revision,
        default_steps=(card.default_steps if card else None) or (_STEPS_DISTILLED if distilled else _STEPS),
        default_guidance=_GUIDANCE_DISTILLED if distilled else _GUIDANCE,
        forwards_per_step=2 if guided else 1, max_references=card.max_references if card else _REFERENCES,
        dtype=opened.dtype, device=opened.device, device_name=_name_of(opened.device),
        parameters=sum(each.numel() for each in pipe.transformer.parameters()),
        compile=loading.compile, offload=loading.offload, quantisation=loading.quantisation,
        attention=loading.attention, cache=loading.cache)


def _card_of(config: Any, forwards: int, roots: Iterable[Path]) -> ModelCard | None:
    models = load_models(roots)
    same = {name for name, each in models.architectures.items() if _is(config, each)}
    return next((card for card in models.cards.values()
                 if card.architecture in same and card.forwards_per_step == forwards), None)


def _is(config: Any, architecture: Architecture) -> bool:
    found = (config.num_layers, config.num_single_layers, config.num_attention_heads, config.attention_head_dim,
             config.in_channels, config.joint_attention_dim, bool(config.guidance_embeds))
    return architecture.style == "flux-2" and found == (
        architecture.double_blocks, architecture.single_blocks, architecture.heads, architecture.head_dim,
        architecture.in_channels, architecture.text_width, architecture.guidance)


def _name_of(device: str) -> str:
    import platform  # noqa: PLC0415 (only a name for the CPU)

    import torch  # noqa: PLC0415 (loading it takes seconds)

    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return platform.processor() or platform.machine()
