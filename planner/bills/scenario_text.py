"""A bill as a scenario: TOML that `planner breakeven` accepts, with what is assumed as comments. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from planner.errors import PlannerError

from .statement import day_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from .pricing import Line
    from .statement import Statement
    from .uses import Kind

__all__ = ["OWN_TO_START", "scenario_text", "segment_names"]

_MOST_IMAGES = 10_000_000_000
OWN_TO_START = """\
# A place to start, not from what was read: what you would run instead. Put your own numbers in.
[own]
model = "flux-2-klein-4b"
gpu = "l40s"
compile = true
steps = 4
busy_share = 0.5
spare_gpus = 1
cost = { kind = "rented", plan = "on-demand", rent_row = "nebius-l40s-on-demand" }
staff = { fte = 0.1 }
"""


def segment_names(lines: tuple[Line, ...]) -> dict[Kind, str]:
    """The segment of each kind of image: model, size and quality, no two alike."""
    names: dict[Kind, str] = {}
    for line in lines:
        words = [line.model.rpartition("/")[2], str(line.size), line.quality or ""]
        words.append("edit" if line.kind.operation == "edit" else "")
        name = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
        taken, number, tried = set(names.values()), 2, name
        while tried in taken:
            tried, number = f"{name}-{number}", number + 1
        names[line.kind] = tried
    return names


def scenario_text(told: Statement) -> str:
    """A scenario with a segment for each kind of image whose model the price table knows and that has a price.

    Raises:
        PlannerError: there is none.
    """
    names = segment_names(told.lines)
    known = [line for line in told.lines if _fits(line)]
    most = max(known, key=lambda line: line.images_per_month, default=None)
    if most is not None and most.images_per_month > _MOST_IMAGES:
        raise PlannerError(f"{most.model}: {most.images_per_month:,.0f} images a month are more than a scenario holds "
                           f"({_MOST_IMAGES:,}); mend the export")
    if not known:
        raise PlannerError("no image was counted whose model and price are known, and a scenario needs some; add the "
                           "costs, or price another day with --on")
    segments = (text for line in known for text in _segment(line, names[line.kind]))
    return "\n".join([*_head(told), *segments, "", OWN_TO_START])


def _head(told: Statement) -> Iterator[str]:
    yield "# Made by `planner demand import` from usage exports; images a month are measured, in a month of 730 hours."
    yield "schema = 1"
    yield f"name = {_text('Today, from the bill')}"
    spans = [day_of(covered) for source, covered in told.told.covered.items() if source != "openai-costs"]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    yield f"summary = {_text(f'{told.images:,} images, {first} to {last}.')}"
    yield 'against = "today"'
    left = [f"left out, without a price: {line.model} {line.size} (images: {line.images:,})" for line in told.lines
            if not _fits(line)]
    yield "not_confirmed = ["
    for words in (*(f"assumed: {words}" for words in told.assumed), *told.doubts, *left):
        yield f"    {_text(words)},"
    yield "]"


def _fits(line: Line) -> bool:
    """Whether the planner could take the segment: it must find the model, and a price stated or listed."""
    return line.known and bool(_stated(line) or line.table_usd)


def _stated(line: Line) -> Decimal | None:
    """USD an image from the bill, as the scenario holds it; None where there is none, or next to none."""
    usd = None if line.usd_per_image is None else round(line.usd_per_image, 9)
    return usd or None


def _segment(line: Line, name: str) -> Iterator[str]:
    yield ""
    for words in line.assumed:
        yield f"# assumed: {words}"
    yield "[[segment]]"
    yield f"name = {_text(name)}"
    yield f"images_per_month = {line.images_per_month:.1f}"
    yield f'size = "{line.size}"'
    today = [f"model = {_text(line.model)}"]
    if line.quality:
        today.append(f"quality = {_text(line.quality)}")
    usd = _stated(line)
    if usd is not None:
        today.append(f"usd_per_image = {usd.normalize():f}")
        yield f"# usd_per_image: the bill's {line.stated_usd:,.2f} USD over {line.images:,} images"
    yield f"today = {{ {', '.join(today)} }}"


def _text(words: str) -> str:
    """A TOML string; what JSON escapes, TOML escapes alike."""
    return json.dumps(words, ensure_ascii=False)
