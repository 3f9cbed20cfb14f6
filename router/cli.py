"""The `router` command, and `price`, which the `planner` command shares."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict, Unpack

import click

from .brief_command import brief
from .catalog import data_roots
from .command_line import run_command
from .days import asked_day
from .decide_command import decide_command
from .doctor_command import doctor
from .errors import RouterError
from .ledger_command import ledger
from .policy_command import policy_group
from .price_checks import asked_size
from .price_report import quote_json, quote_lines
from .prices import PriceAsk, load_prices, quote
from .serve_command import serve
from .shadow_command import shadow_group
from .worker_command import worker

__all__ = ["main", "price", "router"]


class _Asked(TypedDict):
    size: str
    quality: str | None
    n: int
    tier: str
    operation: str
    references: tuple[str, ...]
    steps: int | None
    partial_images: int
    prompt_tokens: int | None
    on: str | None
    data: Path | None
    as_json: bool


@click.group()
def router() -> None:
    """Where an image request goes, and what it costs there."""


@router.command()
@click.argument("model")
@click.option("--size", default="1024x1024", show_default=True, help="WIDTHxHEIGHT.")
@click.option("--quality", help="Required for GPT Image (low, medium, high ...); Flux has none.")
@click.option("--n", default=1, show_default=True, help="Images.")
@click.option("--tier", default="sync", show_default=True, help="sync or batch.")
@click.option("--operation", default="generate", show_default=True, help="generate or edit; references make an edit.")
@click.option("--references", multiple=True, help="Size of a reference image; repeat it, or separate by commas.")
@click.option("--steps", type=int, help="Denoising steps, where they are billed.")
@click.option("--partial-images", default=0, show_default=True, help="Previews streamed per image.")
@click.option("--prompt-tokens", type=int, help="Text tokens of the prompt; left out, the prompt is not priced.")
@click.option("--on", help="Day to price, as in 2026-11-22; today where left out.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def price(model: str, **asked: Unpack[_Asked]) -> None:
    """The exact list price of MODEL (vendor/model, as in bfl/flux-2-pro) on a day, with its parts and their source."""
    table = load_prices(data_roots(asked["data"], os.environ))
    references = [size for given in asked["references"] for size in given.split(",") if size.strip()]
    ask = PriceAsk(model=model, size=asked_size(asked["size"]), operation=asked["operation"],
                   quality=asked["quality"], n=asked["n"], tier=asked["tier"],
                   references=tuple(asked_size(size) for size in references), steps=asked["steps"],
                   partial_images=asked["partial_images"], prompt_tokens=asked["prompt_tokens"])
    quoted = quote(table, ask, on=asked_day(asked["on"]))
    if asked["as_json"]:
        click.echo(json.dumps(quote_json(table, quoted), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(quote_lines(table, quoted)))


router.add_command(brief)
router.add_command(decide_command)
router.add_command(doctor)
router.add_command(ledger)
router.add_command(serve)
router.add_command(policy_group)
router.add_command(shadow_group)
router.add_command(worker)


def main() -> None:
    """Run `router`: exit 0 on an answer, 2 on a question that cannot be answered, with one line on stderr."""
    run_command(router, "router", refusals=(RouterError,))
