"""`GET /v1/models`: every model with what it can do through each backend, typed, so that clients need not guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..decide import Compiled
    from ..options import Option

__all__ = ["models_document"]


def models_document(compiled: Compiled) -> dict[str, Any]:
    """The list of models: `auto`, every card, and under each its endpoints."""
    cards: dict[str, list[Option]] = {}
    for option in compiled.catalogue.options:
        cards.setdefault(option.card.id, []).append(option)
    auto = {"id": "auto", "object": "model", "created": 0, "owned_by": "router",
            "description": f"the policy {compiled.policy.name} decides"}
    return {"object": "list", "data": [auto, *(_model(name, options) for name, options in cards.items())]}


def _model(name: str, options: list[Option]) -> dict[str, Any]:
    card = options[0].card
    return {
        "id": name, "object": "model", "created": 0, "owned_by": card.maker, "name": card.name,
        "capabilities": {
            "size": {"type": "range", "min_pixels": card.min_pixels, "max_pixels": card.max_pixels,
                     "side_multiple": card.side_multiple},
            "quality": {"type": "enum", "values": sorted({option.quality for option in options if option.quality})},
            "references": {"type": "integer", "max": card.max_references},
            "reliable_text_words": {"type": "integer", "max": card.text_words, "evidence": card.text_evidence},
            "lora": {"type": "boolean", "value": card.lora}, "weights": card.weights, "licence": card.licence},
        "endpoints": [_endpoint(option) for option in options]}


def _endpoint(option: Option) -> dict[str, Any]:
    backend, vendor = option.backend, option.backend.vendor
    return {
        "option": option.label, "backend": backend.name, "vendor": vendor.id, "quality": option.quality or None,
        "tier": option.tier, "own": backend.is_own, "simulated": backend.simulated, "region": backend.region or None,
        "images_per_call": vendor.max_images, "edits": vendor.edits, "masks": vendor.masks, "loras": backend.loras,
        "seed": vendor.seeds, "steps": vendor.steps, "streams": vendor.streams, "formats": vendor.formats.split(),
        "transparent": vendor.transparent}
