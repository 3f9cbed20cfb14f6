"""Counted images with their prices: what the bill says beside what the price table says. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from router.errors import PriceError, short_text
from router.prices import PriceAsk, quote
from router.quantities import HOURS_PER_MONTH

from .uses import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from router.price_table import PriceTable
    from router.prices import Quote
    from router.quantities import Size

    from .tally import Count, Tally
    from .uses import Kind

__all__ = ["Guess", "Line", "priced_lines", "unclaimed_usd"]

_MONTH_DAYS = HOURS_PER_MONTH * 3600 / DAY_S


@dataclass(frozen=True)
class Guess:
    """What stands in where an export does not say: a size, and a quality.

    Without a quality it is the one whose price is nearest to the bill's, or the middling one where there is no bill.
    """

    size: Size
    quality: str | None = None


@dataclass(frozen=True)
class Line:
    """Images of one model, size and quality.

    Attributes:
        model: its name in the price table, or the source's where the table does not know it.
        known: whether the table knows it.
        stated_usd: what the source says they cost; None where it does not.
        table_usd: what the price table says they cost; None where it cannot, and `no_price` says why.
        assumed: sentences about what the source does not say.
    """

    kind: Kind
    model: str
    known: bool
    size: Size
    quality: str | None
    images: int
    requests: int | None
    images_per_month: float
    stated_usd: Decimal | None = None
    table_usd: Decimal | None = None
    no_price: str = ""
    assumed: tuple[str, ...] = ()

    @property
    def usd_per_image(self) -> Decimal | None:
        """What the source says one of the images cost."""
        return None if self.stated_usd is None else self.stated_usd / self.images


def priced_lines(told: Tally, table: PriceTable, *, on: date, guess: Guess) -> tuple[Line, ...]:
    """A line for each kind of image, the most images first, priced by the table of that day.

    A bill that states money by model only is parted over the model's sizes as the table would part it.

    Raises:
        PlannerError: a quality to stand in that no model has.
    """
    lines = [_line(kind, count, told, table, guess) for kind, count in told.kinds.items()]
    known = {quality for line in lines for quality in _qualities(line, table, on)}
    if guess.quality is not None and known and guess.quality not in known:
        raise PlannerError(f"--quality = {short_text(guess.quality)}: no model here has it; use one of "
                           f"{', '.join(sorted(known))}")
    billed = _billed(lines, told, table)
    return tuple(sorted((_quoted(line, table, on=on, guess=guess) for line in _shared(billed, table, on)),
                        key=lambda line: (-line.images, line.model, line.size)))


def unclaimed_usd(told: Tally, lines: Iterable[Line], *, table: PriceTable) -> dict[str, Decimal]:
    """USD by image model that the costs charge and of which no usage tells an image."""
    used = {line.model for line in lines if line.kind.source == "openai-usage"}
    found: dict[str, Decimal] = {}
    for (name, _), usd in told.charges.items():
        model = _model((f"openai/{name}",), table) or f"openai/{name}"
        if model not in used:
            found[model] = found.get(model, Decimal(0)) + usd
    return found


def _line(kind: Kind, count: Count, told: Tally, table: PriceTable, guess: Guess) -> Line:
    names = kind.names or _only_billed(told, kind.source)
    model = _model(names, table)
    assumed = [words if images == count.images else f"{words} (for {images:,} of {count.images:,})"
               for words, images in count.assumed.items()]
    if not kind.names:
        assumed.append(f"model {names[0]}: the only image model on the bill" if names else "model not known")
    if kind.size is None:
        assumed.append(f"size {guess.size}")
    if kind.operation == "edit":
        assumed.append("edits priced without their reference images")
    days = told.covered[kind.source].days
    stated = None
    if count.priced:
        stated = count.usd * count.images / count.priced
        if count.priced < count.images:
            silent = count.images - count.priced
            assumed.append(f"the cost of {silent:,} images as of the {count.priced:,} that state one")
    return Line(kind, model or (names[0] if names else "not said"), bool(model), kind.size or guess.size, kind.quality,
                count.images, count.requests, count.images / max(days, 1.0) * _MONTH_DAYS, stated,
                assumed=tuple(assumed))


def _only_billed(told: Tally, source: str) -> tuple[str, ...]:
    """The one image model that the bill charges for, where the usage is not grouped by model."""
    charged = {model for (model, _), usd in told.charges.items() if usd} if source == "openai-usage" else set()
    return (f"openai/{charged.pop()}",) if len(charged) == 1 else ()


def _model(names: Sequence[str], table: PriceTable) -> str:
    for name in names:
        try:
            return table.find(name).model
        except PriceError:
            continue
    return ""


def _billed(lines: list[Line], told: Tally, table: PriceTable) -> list[Line]:
    """The lines with the money of the costs export, by model: USD an image of the days that both exports cover."""
    if "openai-costs" not in told.covered or "openai-usage" not in told.covered:
        return lines
    both = told.covered["openai-costs"].on_days & told.covered["openai-usage"].on_days
    made: dict[str, int] = {}
    for (source, names, day), images in told.days.items():
        if day in both and source == "openai-usage":
            model = _model(names or _only_billed(told, "openai-usage"), table) or "".join(names[:1])
            made[model] = made.get(model, 0) + images
    paid: dict[str, Decimal] = {}
    for (name, day), usd in told.charges.items():
        model = _model((f"openai/{name}",), table) or f"openai/{name}"
        if day in both:
            paid[model] = paid.get(model, Decimal(0)) + usd
    return [replace(line, stated_usd=paid[line.model] / made[line.model] * line.images)
            if line.kind.source == "openai-usage" and paid.get(line.model) and made.get(line.model) else line
            for line in lines]


def _shared(lines: list[Line], table: PriceTable, on: date) -> Iterable[Line]:
    """A model's money parted over its lines as list prices part it, where there are several."""
    for line in lines:
        siblings = [other for other in lines if other.model == line.model and other.kind.source == line.kind.source]
        if line.kind.source != "openai-usage" or line.stated_usd is None or len(siblings) == 1:
            yield line
            continue
        weights = [_weight(other, table, on) for other in siblings]
        total = sum((other.stated_usd or Decimal(0) for other in siblings), Decimal(0))
        known = all(weights)
        mine = weights[siblings.index(line)] if known else Decimal(line.images)
        share = mine / (sum(weights, Decimal(0)) if known else sum(other.images for other in siblings))
        how = "list prices" if known else "the number of images"
        parted = f"{line.model}'s cost parted over its rows by {how}; the bill does not part it"
        yield replace(line, stated_usd=total * share, assumed=(*line.assumed, parted))


def _weight(line: Line, table: PriceTable, on: date) -> Decimal:
    """What the line's images cost at a middling quality; 0 where the table cannot say."""
    try:
        return _quote(line, table, on, line.quality or _middling(_qualities(line, table, on))).usd * line.images
    except PriceError:
        return Decimal(0)


def _quoted(line: Line, table: PriceTable, *, on: date, guess: Guess) -> Line:
    """The line with its quality, assumed where it must be, and the table's price."""
    if not line.known:
        return replace(line, no_price="the price table does not know the model")
    line, qualities = replace(line, quality=line.quality or None), _qualities(line, table, on)
    if not qualities:
        line = replace(line, quality=None)
    elif line.quality not in qualities:
        quality, why = _likeliest(line, table, on, guess)
        line = replace(line, quality=quality, assumed=(*line.assumed, f"quality {quality}{why}"))
    try:
        quoted = _quote(line, table, on, line.quality)
    except PriceError as error:
        return replace(line, no_price=str(error))
    return replace(line, table_usd=quoted.contracted_usd * line.images)


def _likeliest(line: Line, table: PriceTable, on: date, guess: Guess) -> tuple[str, str]:
    """The quality given, or the one whose price is nearest to the bill's, or the middling one, and why."""
    qualities = _qualities(line, table, on)
    if guess.quality in qualities:
        return str(guess.quality), ""
    if line.usd_per_image is not None:
        gaps: dict[str, Decimal] = {}
        for quality in qualities:
            try:
                gaps[quality] = abs(_quote(line, table, on, quality).contracted_usd - line.usd_per_image)
            except PriceError:
                continue
        if gaps:
            return min(gaps, key=lambda quality: gaps[quality]), ", the nearest to the cost an image"
    return _middling(qualities) or "", ""


def _middling(qualities: tuple[str, ...]) -> str | None:
    return "medium" if "medium" in qualities else next(iter(qualities), None)


def _qualities(line: Line, table: PriceTable, on: date) -> tuple[str, ...]:
    return table.qualities(table.find(line.model), on=on) if line.known else ()


def _quote(line: Line, table: PriceTable, on: date, quality: str | None) -> Quote:
    return quote(table, PriceAsk(line.model, line.size, operation=line.kind.operation, quality=quality), on=on)
