"""The answer as a JSON document; infinity becomes null, which reads as "never"."""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answer import Answer
    from .breakeven import BreakEven
    from .own_energy import OwnEnergy

__all__ = ["answer_json"]


def answer_json(said: Answer) -> dict[str, Any]:
    """A document of plain values: USD as numbers, volumes in today's images a month, shares 0..1."""
    scenario, own = said.case.scenario, said.own
    document = {
        "scenario": scenario.name, "priced_on": said.case.on.isoformat(), "draws": said.case.draws.count,
        "seed": said.case.draws.seed, "verdict": said.verdict, "stopped": said.stopped,
        "displaceable": {"usd_per_month": said.displaceable_usd_per_month,
                         "contract_relief_usd_per_month": said.relief_usd_per_month,
                         "images_per_month": said.displaceable_images,
                         "cheapest_gpu_month": said.cheapest,
                         "segments": [{"name": row.segment.name, "images_per_month": row.segment.volume,
                                       "usd_per_month": row.usd_per_month, "today": row.option.label,
                                       "price_unchecked_days": row.option.unchecked_days,
                                       "own": str(row.own_verdict)} for row in said.today]},
        "ladder": said.rungs, "review_usd_per_month": said.review_usd_per_month,
        "account_limits": said.account_paces,
        "cheaper_left_out": said.left_out and said.left_out.label,
        "break_even": _break_even(own.main) if own else _nothing_moves(said),
        "break_even_against": {found.against.name: _break_even(found) for found in (own.main, *own.others)} if own
        else {},
        "seconds_per_image": own.side.spreads["seconds"] if own else None,
        "energy": _energy(own.side.energy) if own and own.side.energy else None,
        "what_if": said.what_ifs, "options": said.options, "solved": said.solved,
        "overrides": [override.model_dump() for override in scenario.override],
        "not_confirmed": scenario.not_confirmed,
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def _break_even(found: BreakEven) -> dict[str, Any]:
    return {"p10": found.p10, "p50": found.p50, "p90": found.p90, "first_crossing": found.first,
            "durable_crossing": found.durable, "binding": found.binding or None,
            "against": found.against.says, "usd_per_image_replaced": found.against.usd_per_image,
            "price_unchecked_days": found.against.unchecked_days,
            "p_self_host_cheaper": found.cheaper_share_now,
            "full_load_usd_per_image": found.full_load_usd_per_image,
            "images_per_gpu_month": found.images_per_gpu_month,
            "curve": {"images_per_month": found.volumes, "p_self_host_cheaper": found.cheaper_share},
            "moves_it_most": found.swings}


def _energy(energy: OwnEnergy) -> dict[str, Any]:
    """Of own images while they are made; a hosted image's is not known, never nothing."""
    factor = energy.factor
    return {"joules_per_image": energy.joules_per_image, "label": energy.label, "watts": energy.watts,
            "own_images_per_month": energy.images_per_month, "kwh_per_month": energy.kwh_per_month, "pue": energy.pue,
            "kg_per_month": energy.kg_per_month, "gases": factor and factor.gases, "grid": factor and factor.says,
            "hosted_joules_per_image": None}


def _nothing_moves(said: Answer) -> dict[str, Any]:
    return {"p10": None, "p50": None, "p90": None, "first_crossing": None, "durable_crossing": None,
            "binding": said.binding}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Decimal) else value
