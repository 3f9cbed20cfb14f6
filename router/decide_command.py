"""`router decide`: where a request would go, with a verdict for every option; nothing is sent."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypedDict, Unpack

import click

from .board import Board
from .building import catalogue_of, default_policy, policy_of, settings_of, shipped_settings
from .days import asked_day
from .decide import compile_policy, decide
from .decision_report import decision_json, decision_lines
from .errors import BadRequest, short_text
from .price_checks import asked_size
from .request import ImageRequest, Lora
from .request_checks import check_request

__all__ = ["decide_command"]


class _Asked(TypedDict):
    prompt: str
    size: str
    model: str
    quality: str
    n: int
    segment: str
    data_class: str
    residency: str
    text: str
    deadline_s: float | None
    urgency: str
    max_usd: str | None
    lora: str | None
    output_format: str
    policy: Path | None
    settings: Path | None
    on: str | None
    data: Path | None
    as_json: bool


@click.command("decide")
@click.option("--prompt", required=True, help="What to draw; it is read for words that must appear, and sent nowhere.")
@click.option("--size", default="auto", show_default=True, help="WIDTHxHEIGHT; auto is the policy's size.")
@click.option("--model", default="auto", show_default=True, help="A model, as in gpt-image-2, or auto.")
@click.option("--quality", default="auto", show_default=True, help="low, medium, high ...; an explicit one is kept.")
@click.option("--n", default=1, show_default=True, help="Images.")
@click.option("--segment", default="", help="Kind of work, as the policy names it: hero, bulk, text, draft ...")
@click.option("--data-class", type=click.Choice(["public", "confidential", "restricted"]), default="public",
              show_default=True, help="restricted stays on own hosts.")
@click.option("--residency", default="", help="Region the work must stay in, as in eu.")
@click.option("--text", type=click.Choice(["auto", "exact", "none"]), default="auto", show_default=True,
              help="Whether words must appear; auto reads the prompt.")
@click.option("--deadline-s", type=float, help="Seconds to the answer; the segment's where left out.")
@click.option("--urgency", type=click.Choice(["now", "can_wait"]), default="now", show_default=True,
              help="can_wait is a job that may use idle own GPUs or a batch lane; within two days where no deadline is "
                   "stated.")
@click.option("--max-usd", help="What all images together may cost.")
@click.option("--lora", help="A LoRA by name.")
@click.option("--format", "output_format", type=click.Choice(["png", "jpeg", "webp"]), default="png", show_default=True)
@click.option("--policy", type=click.Path(path_type=Path), help="A policy; the shipped default where left out.")
@click.option("--settings", type=click.Path(path_type=Path), help="A router.toml; the shipped sandbox where left out.")
@click.option("--on", help="Day of the prices, as in 2026-11-22; today where left out.")
@click.option("--data", type=click.Path(path_type=Path), help="A folder of tables laid over the shipped ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def decide_command(**asked: Unpack[_Asked]) -> None:
    """Where a request would go, with a verdict for every option. Nothing is sent."""
    settings = (settings_of(asked["settings"], os.environ, data=asked["data"]) if asked["settings"]
                else shipped_settings(os.environ, asked["data"]))
    policy = policy_of(asked["policy"] or settings.policy, os.environ, data=asked["data"])
    on = asked_day(asked["on"])
    compiled = compile_policy(policy, catalogue_of(settings, os.environ, data=asked["data"], on=on), on=on)
    request = _request(asked)
    check_request(request)
    if request.urgency == "can_wait":
        request = replace(request, deadline_s=settings.jobs.patience_of(request))
    now = time.monotonic()
    decision = decide(compiled, request, states=Board(settings.backends).states(now), now=now)
    if asked["as_json"]:
        click.echo(json.dumps(decision_json(decision), indent=2, ensure_ascii=False))
        return
    click.echo("\n".join(decision_lines(decision)))
    if not asked["policy"] and settings.policy is None:
        click.echo(f"  policy: the shipped default ({default_policy(os.environ, asked['data']).name}); "
                   "give --policy for yours", err=True)
    if not asked["settings"]:
        click.echo("  backends: the shipped sandbox, every vendor simulated; give --settings for yours", err=True)


def _usd(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        raise BadRequest(f"max_usd = {short_text(text)}: give US dollars, as in 0.05", param="max_usd",
                         code="invalid_value") from None


def _request(asked: _Asked) -> ImageRequest:
    return ImageRequest(
        asked["prompt"], model=asked["model"], size=None if asked["size"] == "auto" else asked_size(asked["size"]),
        n=asked["n"], quality=asked["quality"], segment=asked["segment"], data_class=asked["data_class"],  # type: ignore[arg-type]
        residency=asked["residency"], text=asked["text"], deadline_s=asked["deadline_s"],  # type: ignore[arg-type]
        urgency=asked["urgency"],  # type: ignore[arg-type]
        max_usd=_usd(asked["max_usd"]),
        lora=Lora(asked["lora"]) if asked["lora"] else None, output_format=asked["output_format"])  # type: ignore[arg-type]
