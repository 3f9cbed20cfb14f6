"""The price function against every figure a vendor publishes: errors by vendor, and the raw rows."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from router.price_loading import load_published
from router.prices import PriceAsk, load_prices, quote
from router.quantities import Size

if TYPE_CHECKING:
    from router.price_rows import Published
    from router.price_table import PriceTable

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "published_prices.csv"


def computed(table: PriceTable, figure: Published) -> Decimal:
    """Our figure in the published one's unit."""
    quoted = quote(table, PriceAsk(
        figure.model, figure.size, operation=figure.operation, tier=figure.tier, quality=figure.quality or None,
        n=figure.n, references=tuple(map(Size.parse, figure.references.split())), steps=figure.steps,
        partial_images=figure.partial_images or 0, prompt_tokens=figure.prompt_tokens), on=figure.on)
    if figure.unit == "tokens":
        return quoted.parts[0].quantity
    return quoted.usd.quantize(figure.figure, ROUND_HALF_UP) if figure.unit == "usd_rounded" else quoted.usd


def main() -> None:
    """Print errors by vendor and write every row."""
    table, published = load_prices([ROOT / "data"]), load_published([ROOT / "data"])
    rows = [(figure, computed(table, figure)) for figure in published]
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "model", "quality", "size", "tier", "operation", "unit", "published", "computed",
                         "error"])
        writer.writerows([figure.id, figure.model, figure.quality, figure.size, figure.tier, figure.operation,
                          figure.unit, figure.figure, ours, ours - figure.figure] for figure, ours in rows)
    errors: dict[str, list[Decimal]] = defaultdict(list)
    for figure, ours in rows:
        if figure.holds:
            errors[figure.model.partition("/")[0]].append(abs(ours - figure.figure))
    for vendor, found in sorted(errors.items()):
        print(f"{vendor:12} {len(found):4} figures, max error {max(found):f}")
    for figure, ours in rows:
        if not figure.holds:
            print(f"contradicts its own rule: {figure.id}: published {figure.figure}, computed {ours}: {figure.note}")


if __name__ == "__main__":
    main()
