"""A price as JSON and as lines of text: the same for every command that prints one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .price_table import why_not_routable
from .quantities import MEGAPIXEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from .price_rows import Rate
    from .price_table import PriceTable
    from .prices import Part, Quote

__all__ = ["plain_usd", "quote_json", "quote_lines", "rate_json"]


def plain_usd(usd: Decimal) -> str:
    """Every digit of an amount, without an exponent or trailing zeros."""
    return format(usd.normalize(), "f")


def quote_json(table: PriceTable, quoted: Quote) -> dict[str, Any]:
    """The quote as a document; money and quantities are text, so that no digit is lost."""
    ask, on, offer = quoted.ask, quoted.on, table.find(quoted.model)
    why = why_not_routable(offer, size=ask.size, references=ask.references)
    contract = table.contract
    return {
        "usd": plain_usd(quoted.usd), "usd_per_image": plain_usd(quoted.usd_per_image),
        "contracted_usd": plain_usd(quoted.contracted_usd),
        "contract": contract.document if contract is not None and contract.in_force(on) else None,
        "model": quoted.model, "vendor_model": offer.vendor_model, "on": str(on),
        "asked": {"operation": "edit" if ask.references else ask.operation, "size": str(ask.size),
                  "quality": ask.quality, "n": ask.n, "tier": ask.tier,
                  "references": [str(size) for size in ask.references], "steps": ask.steps,
                  "partial_images": ask.partial_images, "prompt_tokens": ask.prompt_tokens},
        "delivered_size": str(quoted.delivered), "megapixels": f"{ask.size.pixels / MEGAPIXEL:.4f}",
        "parts": [_part_json(part) for part in quoted.parts], "row": rate_json(quoted.row),
        "flags": list(quoted.flags), "checked_on": str(quoted.checked_on), "age_days": quoted.age_days(on),
        "stale": quoted.stale(on), "stale_spread_share": round(quoted.stale_spread(on), 4),
        "routable": not why, "not_routable_because": f"priced, not routable: {why}" if why else None,
    }


def rate_json(row: Rate) -> dict[str, Any]:
    """A row of the tables as a document."""
    return {"id": row.id, "model": row.model, "operation": row.operation, "component": row.component,
            "quality": row.quality or None, "size": str(row.size) if row.size else None, "tier": row.tier,
            "usd": plain_usd(row.usd), "unit": row.unit, "valid_from": str(row.valid_from),
            "valid_to": str(row.valid_to) if row.valid_to else None, "as_of": str(row.as_of),
            "as_of_precision": row.as_of.precision, "confidence": row.confidence, "anomaly": row.anomaly,
            "source": row.source, "note": row.note or None}


def quote_lines(table: PriceTable, quoted: Quote) -> Iterator[str]:
    """The quote for a terminal: the price, its parts, its source, its flags, and why it is not dispatched to."""
    ask = quoted.ask
    asked = " ".join(word for word in (quoted.model, ask.quality, str(ask.size), ask.tier, f"n={ask.n}") if word)
    yield f"{plain_usd(quoted.usd)} USD  {asked}  on {quoted.on}"
    if quoted.contracted_usd != quoted.usd:
        yield f"{plain_usd(quoted.contracted_usd)} USD  under your contract"
    if ask.n > 1:
        yield f"{plain_usd(quoted.usd_per_image)} USD  per image"
    for part in quoted.parts:
        yield (f"  {plain_usd(part.quantity):>12} x {plain_usd(part.rate_usd)} {part.unit.replace('_', ' ')} = "
               f"{plain_usd(part.usd)}  {part.label}  [{part.row.id}]")
    row = quoted.row
    yield f"  source: {row.source} (read {row.as_of}, confidence {row.confidence})"
    yield from (f"  note: {flag}" for flag in quoted.flags)
    if why := why_not_routable(table.find(quoted.model), size=ask.size, references=ask.references):
        yield f"  priced, not routable: {why}"


def _part_json(part: Part) -> dict[str, Any]:
    return {"label": part.label, "quantity": plain_usd(part.quantity), "unit": part.unit,
            "rate_usd": plain_usd(part.rate_usd), "usd": plain_usd(part.usd),
            "contracted_usd": plain_usd(part.contracted_usd), "row": part.row.id}
