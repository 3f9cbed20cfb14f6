"""A fitted demand as a scenario: TOML that `planner mix` accepts, with what is assumed as comments. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from router.errors import PriceError
from router.prices import PriceAsk, quote
from router.quantities import Size
from router.request import MOST_IMAGES

from .bills.scenario_text import OWN_TO_START
from .errors import PlannerError
from .past import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from router.price_table import PriceTable

    from .day_shape import DayShape
    from .demand import Demand
    from .past import Kind, Past

__all__ = ["demand_scenario"]

_USUAL_MODEL, _USUAL_QUALITY, _USUAL_SIZE = "openai/gpt-image-2", "medium", "1024x1024"
_MOST_SEGMENTS, _MONTH_DAYS = 50, 730 / 24
_MOST_GROWTH, _WILDEST, _CLUMPED = 10.0, 1e6, 1.5


@dataclass(frozen=True)
class _Today:
    model: str
    quality: str | None
    size: str
    assumed: str


def demand_scenario(past: Past, found: Demand, *, prices: PriceTable, on: date) -> str:
    """A scenario of a past: its shape, and a segment with its volume for each that the past names.

    Raises:
        PlannerError: requests of more images than the router takes, or more segments than a scenario should have.
    """
    most = max(found.images_of_request)
    if most > MOST_IMAGES:
        raise PlannerError(f"{past.source}: a request for {most} images; the router takes up to {MOST_IMAGES} in one: "
                           "part it into several of the same instant")
    images: dict[str, Counter[Kind]] = {}
    per_kind = np.bincount(past.kind, past.trace.images, len(past.kinds))
    for kind, number in zip(past.kinds, per_kind.tolist(), strict=True):
        images.setdefault(kind.segment, Counter())[kind] += int(number)
    if len(images) > _MOST_SEGMENTS:
        raise PlannerError(f"{past.source}: {len(images)} segments; a scenario takes up to {_MOST_SEGMENTS}: name "
                           "kinds of work, not single requests")
    lines = [*_head(past, found), *_traffic(found)]
    names: list[str] = []
    for segment, kinds in sorted(images.items(), key=lambda item: -item[1].total()):
        names.append(_name(segment, names))
        lines += _segment(names[-1], kinds, _today(kinds, prices, on), days=found.days)
    return "\n".join([*lines, "", OWN_TO_START])


def _head(past: Past, found: Demand) -> Iterator[str]:
    first, last = (datetime.fromtimestamp(float(past.trace.arrived[at]), UTC).date() for at in (0, -1))
    told = f"{found.requests:,} requests, {found.images:,} images, {first} to {last}"
    yield "# Made by `planner demand fit`; images a month are the past's average, in a month of 730 hours."
    yield f"# From {_text(past.source)}: {told}, content {past.digest}"
    yield "schema = 1"
    yield f"name = {_text('Demand of the past')}"
    yield f"summary = {_text(told + '.')}"


def _traffic(found: Demand) -> Iterator[str]:
    whole, shape = found.whole, found.hour_of_day
    yield ""
    yield "# Fitted; UTC, weekdays from Monday. To draw the past's own days instead: traffic = { trace = \"FILE\" }"
    if found.clump >= _CLUMPED:
        yield (f"# assumed: requests come by chance inside an hour; the past's come in clumps of {found.clump:.1f}, so "
               "that waits come out too short: draw its own days")
    yield "[traffic]"
    yield f"hour_of_day = [{', '.join(f'{rate:.3f}' for rate in shape)}]"
    if whole.weekday is not None:
        yield f"weekday = [{', '.join(f'{rate:.3f}' for rate in whole.weekday)}]"
    yield ("images_of_request = { " + ", ".join(
        f"{number} = {share:.6f}" for number, share in found.images_of_request.items()) + " }")
    if whole.hour_noise is not None:
        yield f"hour_shape = {min(_WILDEST, 1 / max(whole.hour_noise, 1 / _WILDEST)):.4g}"
    if whole.day_cv is not None:
        yield f"day_cv = {min(whole.day_cv, 5.0):.3f}"
    missing = [name for name, value in (("weekday", whole.weekday), ("hour_shape", whole.hour_noise),
                                        ("day_cv", whole.day_cv)) if value is None]
    if missing:
        yield f"# assumed, the trace is too short to tell: {', '.join(missing)} as of the archetype user-app"
    yield from _growth(whole)


def _growth(whole: DayShape) -> Iterator[str]:
    if whole.growth is None:
        yield "# growth: not known below two weeks"
        return
    mid, low, high = whole.growth.share_over(_MONTH_DAYS)
    sure = low > 0 or high < 0
    yield (f"# growth a month {mid:+.1%}, 90 %: {low:+.1%} to {high:+.1%}"
           + ("" if sure else "; not told from none, so none is taken"))
    yield f"growth_share_per_month = {min(mid, _MOST_GROWTH) if sure else 0.0:.4f}"


def _segment(name: str, kinds: Counter[Kind], today: _Today, *, days: float) -> Iterator[str]:
    yield ""
    if today.assumed:
        yield f"# assumed: {today.assumed}"
    sizes = Counter[str]()
    edits = sum(images for kind, images in kinds.items() if kind.operation == "edit")
    for kind, images in kinds.items():
        sizes[kind.size] += images
    if len(sizes) > 1:
        yield f"# the commonest of {len(sizes)} sizes, {sizes.most_common(1)[0][1] / kinds.total():.0%} of the images"
    yield "[[segment]]"
    yield f"name = {_text(name)}"
    yield f"images_per_month = {kinds.total() / days * _MONTH_DAYS:.1f}"
    yield f'size = "{today.size}"'
    if 2 * edits > kinds.total():
        yield f'references = ["{today.size}"]  # most are edits; how many references, and their sizes, is not known'
    quality = f", quality = {_text(today.quality)}" if today.quality else ""
    yield f"today = {{ model = {_text(today.model)}{quality} }}"


def _today(kinds: Counter[Kind], prices: PriceTable, on: date) -> _Today:
    """What made most of a segment's images, as far as it is known and priced."""
    kind = kinds.most_common(1)[0][0]
    model, _, quality = kind.model.partition("@")
    size = kind.size or _USUAL_SIZE
    asked = [(model, quality or kind.quality or None, size), (model, None, size), (model, _USUAL_QUALITY, size),
             (_USUAL_MODEL, kind.quality, size), (_USUAL_MODEL, _USUAL_QUALITY, size),
             (_USUAL_MODEL, _USUAL_QUALITY, _USUAL_SIZE)]
    name, grade, picture = next((one for one in asked if one[0] and _priced(prices, *one, on=on)), asked[-1])
    said = [f"model {name}" if name != model else "",
            f"quality {grade}" if grade and grade not in (quality, kind.quality) else "",
            f"size {picture}" if picture != kind.size else ""]
    told = ", ".join(filter(None, said))
    was = f" (the past says {_text(kind.model)}, which has no price here)" if kind.model and name != model else ""
    return _Today(name, grade, picture, told and f"{told}, where the past does not say{was}")


def _priced(prices: PriceTable, model: str, quality: str | None, size: str, *, on: date) -> bool:
    try:
        quote(prices, PriceAsk(model, Size.parse(size), quality=quality), on=on)
    except PriceError:
        return False
    return True


def _name(segment: str, taken: list[str]) -> str:
    """As a scenario can hold it, no two alike; `all` where the past names none."""
    base = plain_name(segment) if segment or taken else "all"
    number, name = 2, base
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _text(words: str) -> str:
    """A TOML string; what JSON escapes, TOML escapes alike."""
    return json.dumps(words).replace("\x7f", "\\u007f")
