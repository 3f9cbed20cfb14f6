"""`planner models`, `planner gpus`, `planner engines`, `planner grids`: what the tables know."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from planner.grid import load_grids
from planner.rents import RENT_KINDS, load_rents, offers
from router.catalog import data_roots
from router.gpus import load_gpus
from router.measurements import load_measurements, why_left_out
from router.models import load_models
from router.quantities import Day, Size
from router.setup import PRECISIONS, load_engines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planner.rents import Rent

__all__ = ["engines", "gpus", "grids", "models"]

_DATA = click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_FILE_COLUMNS = 160


@click.command()
@_DATA
@_JSON
def models(*, data: Path | None, as_json: bool) -> None:
    """Models: licence, sizes, references, text, architecture."""
    known = load_models(data_roots(data, os.environ))
    if as_json:
        _echo({name: _plain(card) | {"architecture": _plain(known.architectures.get(card.architecture))}
               for name, card in known.cards.items()})
        return
    table = Table("id", "weights", "licence", "max MP", "refs", "words", "LoRA", "steps", "params", box=None)
    for card in known.cards.values():
        built = known.architectures.get(card.architecture)
        table.add_row(card.id, card.weights, card.licence + (" (commercial use: buy)" if card.licence_needed else ""),
                      f"{card.max_pixels / 1e6:.2f}", str(card.max_references),
                      "no limit known" if card.text_words is None else f"to {card.text_words}",
                      "yes" if card.lora else "no", str(card.default_steps or ""),
                      f"{built.parameters / 1e9:.1f} B" if built else "")
    _console().print(table)


@click.command()
@_DATA
@_JSON
@click.option("--rents", is_flag=True, help="List every rent on the table instead.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Rents known on this day (today).")
def gpus(*, data: Path | None, as_json: bool, rents: bool, on: datetime | None) -> None:
    """GPUs: memory, measured rates, and the cheapest rent on the table."""
    roots, day = data_roots(data, os.environ), (on or datetime.now(tz=UTC)).date()
    known, offered = load_gpus(roots), load_rents(roots)
    if rents:
        _print_rents([rent for rent in offered if rent.as_of.earliest <= day], as_json=as_json)
        return
    rows = Counter(row.gpu for row in load_measurements(roots) if not why_left_out(row, known))
    cheapest = {gpu: next(iter(offers(offered, gpu, kinds=RENT_KINDS[:4], on=day)), None) for gpu in known}
    if as_json:
        _echo({name: _plain(gpu) | {"measurements": rows[name], "cheapest_rent": _plain(cheapest[name])}
               for name, gpu in known.items()})
        return
    table = Table("id", "GiB", "GB/s", "bf16 TFLOPS", "fp8", "fp4", "matmul rates", "watts", "timings", "rent from",
                  box=None)
    for gpu in known.values():
        rent = cheapest[gpu.id]
        table.add_row(gpu.id, f"{gpu.memory_gib:g}", f"{gpu.memory_bandwidth_gb_s:g}", f"{gpu.matmul_bf16_tflops:g}",
                      f"{gpu.matmul_fp8_tflops or '':}", f"{gpu.matmul_fp4_tflops or '':}", gpu.matmul_basis,
                      str(gpu.tdp_w), str(rows[gpu.id] or ""),
                      f"{rent.usd_per_gpu_h} USD/h {rent.provider} {rent.kind} ({rent.as_of})" if rent else "")
    _console().print(table)


def _print_rents(offered: list[Rent], *, as_json: bool) -> None:
    if as_json:
        _echo([_plain(rent) for rent in offered])
        return
    table = Table("id", "gpu", "USD/GPU-h", "kind", "GPUs", "provider", "region", "as of", "", box=None)
    for rent in sorted(offered, key=lambda rent: (rent.gpu, rent.usd_per_gpu_h)):
        table.add_row(rent.id, rent.gpu, str(rent.usd_per_gpu_h), rent.kind, str(rent.gpus_per_instance), rent.provider,
                      rent.region, str(rent.as_of), "superseded" if rent.superseded else "")
    _console().print(table)


@click.command()
@_DATA
@_JSON
def engines(*, data: Path | None, as_json: bool) -> None:
    """Engines and the precisions in which they were timed."""
    roots = data_roots(data, os.environ)
    known, cards = load_engines(roots), load_gpus(roots)
    rows = [row for row in load_measurements(roots) if not why_left_out(row, cards)]
    timed = {name: {precision: sum(row.engine == name and row.precision == precision for row in rows)
                    for precision in PRECISIONS} for name in known}
    if as_json:
        _echo({name: _plain(engine) | {"measurements": timed[name]} for name, engine in known.items()})
        return
    table = Table("id", "name", "also", *PRECISIONS, "note", box=None)
    for engine in known.values():
        table.add_row(engine.id, engine.name, engine.aliases, *(str(timed[engine.id][precision] or "")
                                                                for precision in PRECISIONS), engine.note)
    _console().print(table)


@click.command()
@_DATA
@_JSON
def grids(*, data: Path | None, as_json: bool) -> None:
    """Grids: grams of CO2e for a kilowatt-hour, of which year, counted how."""
    known = load_grids(data_roots(data, os.environ))
    if as_json:
        _echo({row.id: _plain(row) for row in known})
        return
    table = Table("id", "name", "g/kWh", "gases", "year", "counted", "source", box=None)
    for row in known:
        table.add_row(row.id, row.name, f"{row.g_per_kwh:g}", row.gases, str(row.year), row.scope,
                      f"{row.source.partition(',')[0]} ({row.confidence}, {row.as_of})")
    _console().print(table)


def _echo(document: Mapping[str, Any] | Iterable[Any]) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _console() -> Console:
    return Console(width=None if Console().is_terminal else _FILE_COLUMNS, markup=False, highlight=False)


def _plain(row: Any) -> dict[str, Any]:
    """A row as plain values, without its line number."""
    if row is None:
        return {}
    values = {field.name: getattr(row, field.name) for field in dataclasses.fields(row) if field.name != "line"}
    return {name: str(value) if isinstance(value, Decimal | Day | Size | date) else value
            for name, value in values.items()}
