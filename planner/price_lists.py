"""Readers of public price lists: LiteLLM's JSON and GenAI-prices' data, as files or inside their wheels.

Nothing in a list is executed: the Python data of GenAI-prices is read as a syntax tree.
"""

from __future__ import annotations

import ast
import json
import re
import zipfile
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from router.quantities import MEGAPIXEL, Size
from router.text_files import MOST_BYTES, Unreadable, read_plain_text

from .errors import PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["LIST_MEMBERS", "Opinion", "read_price_list"]

LIST_MEMBERS = ("litellm/model_prices_and_context_window_backup.json", "genai_prices/data.py")
_VENDORS: Mapping[str, str] = MappingProxyType({
    "openai": "openai", "azure": "azure", "azure_ai": "azure", "fal_ai": "fal", "together_ai": "together",
    "together": "together", "replicate": "replicate", "deepinfra": "deepinfra", "cloudflare": "cloudflare",
    "black_forest_labs": "bfl", "bfl": "bfl"})
_LITELLM_TOKENS: Mapping[str, str] = MappingProxyType({
    "input_cost_per_token": "text_input", "cache_read_input_token_cost": "text_cached_input",
    "input_cost_per_image_token": "image_input", "cache_read_input_image_token_cost": "image_cached_input",
    "output_cost_per_image_token": "image_output", "output_cost_per_token": "text_output"})
_GENAI_TOKENS: Mapping[str, str] = MappingProxyType({
    "input_mtok": "text_input", "cache_read_mtok": "text_cached_input", "input_image_mtok": "image_input",
    "cache_image_read_mtok": "image_cached_input", "output_image_mtok": "image_output"})
_MOST_USD = 1_000_000
_KEYED = re.compile(r"(?P<quality>[a-z]+)/(?P<width>\d+)-x-(?P<height>\d+)/(?P<model>.+)")


@dataclass(frozen=True)
class Opinion:
    """One figure of a list: USD per million tokens, or per image (of `size`, where the list names one)."""

    name: str
    vendor: str
    model: str
    component: str
    usd: Decimal
    operation: str = "generate"
    quality: str = ""
    size: Size | None = None
    tier: str = "sync"


def read_price_list(path: Path) -> tuple[Opinion, ...]:
    """The image prices of a list, in its order.

    Raises:
        PlannerError: not a file, not one of the known formats, or not readable.
    """
    try:
        text, name = _text(path)
        document = _literal(_tree(text)) if name.endswith(".py") else json.loads(text, parse_float=Decimal)
    except Unreadable as error:
        raise PlannerError(f"{path}: {error}") from None
    except (OSError, zipfile.BadZipFile, ValueError, SyntaxError, RuntimeError, TypeError, MemoryError) as error:
        # Somebody else's file: zipfile says RuntimeError for an encrypted or oddly packed member, the parsers say
        # RecursionError or MemoryError for endless nesting, a Python list with unhashable keys says TypeError.
        raise PlannerError(f"{path}: cannot be read ({type(error).__name__}); give LiteLLM's price JSON, "
                           "GenAI-prices' data, or a wheel of either") from None
    try:
        if isinstance(document, dict):
            return tuple(_litellm(document))
        if isinstance(document, list):
            return tuple(_genai(document))
    except (TypeError, AttributeError, LookupError, ValueError, ArithmeticError) as error:
        raise PlannerError(f"{path}: an entry is not as the list's format has it ({type(error).__name__}); give a list "
                           "as its project publishes it") from None
    raise PlannerError(f"{path}: neither LiteLLM's nor GenAI-prices' format; give one of their files or wheels")


def _text(path: Path) -> tuple[str, str]:
    if path.suffix != ".whl":
        return read_plain_text(path), path.name
    with zipfile.ZipFile(path) as wheel:
        for member in LIST_MEMBERS:
            if member in wheel.namelist():
                if wheel.getinfo(member).file_size > MOST_BYTES:
                    raise PlannerError(f"{path}: {member} is larger than {MOST_BYTES // 2**20} MiB; give a real wheel")
                return wheel.read(member).decode("utf-8"), member
    raise PlannerError(f"{path}: holds neither {' nor '.join(LIST_MEMBERS)}; give the litellm or genai-prices wheel")


def _litellm(document: Mapping[str, Any]) -> Iterator[Opinion]:
    for name, entry in document.items():
        if not isinstance(entry, dict) or entry.get("mode") != "image_generation":
            continue
        vendor = _VENDORS.get(str(entry.get("litellm_provider")))
        if vendor is not None:
            yield from _litellm_entry(name, vendor, entry)


def _litellm_entry(name: str, vendor: str, entry: Mapping[str, Any]) -> Iterator[Opinion]:
    head, _, rest = name.partition("/")
    keyed = _KEYED.fullmatch(rest if head in _VENDORS else name)
    model = keyed["model"] if keyed else rest if head in _VENDORS and rest else name
    operation = "edit" if model.endswith("/edit") else "generate"
    model = re.sub(r"/(edit|text-to-image)$", "", model)
    for field, component in _LITELLM_TOKENS.items():
        for suffix, tier in (("", "sync"), ("_batches", "batch")):
            usd = _amount(entry.get(field + suffix))
            if usd:
                yield Opinion(name, vendor, model, component, usd * 1_000_000, operation, tier=tier)
    size = Size(int(keyed["width"]), int(keyed["height"])) if keyed else None
    per_pixel = _amount(entry.get("output_cost_per_pixel")) or _amount(entry.get("input_cost_per_pixel"))
    usd = _amount(entry.get("output_cost_per_image")) or per_pixel * (size.pixels if size else MEGAPIXEL)
    if usd:
        yield Opinion(name, vendor, model, "image", usd, operation, keyed["quality"] if keyed else "", size)


def _genai(document: list[Any]) -> Iterator[Opinion]:
    for provider in document:
        vendor = _VENDORS.get(str(provider.get("id"))) if isinstance(provider, dict) else None
        for model in provider.get("models", ()) if vendor else ():
            if "image" in str(model.get("id")) or "flux" in str(model.get("id")).lower():
                yield from _genai_prices(vendor or "", str(model["id"]), model.get("prices"), tier="sync")
                for variant in model.get("price_variants") or ():
                    if variant.get("when") == {"processing": "batch"}:
                        yield from _genai_prices(vendor or "", str(model["id"]), variant.get("prices"), tier="batch")


def _genai_prices(vendor: str, model: str, prices: Any, *, tier: str) -> Iterator[Opinion]:
    """A list keeps image output under `output_mtok` where it has no `output_image_mtok`."""
    if isinstance(prices, list):
        prices = prices[-1].get("prices") if prices and isinstance(prices[-1], dict) else None
    if not isinstance(prices, dict):
        return
    output = {"output_mtok": "text_output" if prices.get("output_image_mtok") else "image_output"}
    for field, component in {**_GENAI_TOKENS, **output}.items():
        usd = _amount(prices.get(field))
        if usd:
            yield Opinion(f"{vendor}:{model}", vendor, model, component, usd, tier=tier)


def _amount(value: Any) -> Decimal:
    """A figure of a list; 0 where it has none (a list writes 0 for unknown too)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return Decimal(0)
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and 0 <= amount < _MOST_USD else Decimal(0)


def _tree(text: str) -> ast.expr:
    for node in ast.parse(text).body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        named = [target.id for target in targets if isinstance(target, ast.Name)]
        if named == ["providers"] and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            return node.value
    msg = "no list of providers"
    raise ValueError(msg)


def _literal(node: ast.expr) -> Any:
    """A syntax tree as plain data: a call becomes its keyword arguments, `Decimal('5')` a number."""
    if isinstance(node, ast.Call):
        if node.args and isinstance(node.args[0], ast.Constant):
            return _amount(node.args[0].value)
        return {word.arg: _literal(word.value) for word in node.keywords if word.arg}
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {_literal(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    return node.value if isinstance(node, ast.Constant) else None
