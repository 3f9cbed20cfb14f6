"""A replay for a person and as a document."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .asked import HOUR_S, week_hour

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.settings import Settings

    from .sums import Sums

__all__ = ["CardsCost", "Replayed", "cards_cost", "replay_json", "replay_lines"]

_NAME, _CELL = 40, 15
_MOST_PLACES = 15


@dataclass(frozen=True)
class CardsCost:
    """The cards of one backend over the replay: hours they were on, hours they worked, US dollars where stated."""

    backend: str
    hours_on: float
    hours_worked: float
    usd: float | None


@dataclass(frozen=True)
class Replayed:
    """One policy's replay."""

    policy: str
    digest: str
    sums: Sums
    cards: tuple[CardsCost, ...]

    @property
    def usd(self) -> float:
        """Everything: hosted prices, power, and the hours of cards whose price is stated."""
        return self.sums.usd + sum(one.usd or 0.0 for one in self.cards)


def cards_cost(settings: Settings, sums: Sums, *, worked: dict[str, float]) -> tuple[CardsCost, ...]:
    """Hours and cost of the cards from the first arrival to the last.

    Args:
        settings: whose `gpus` say cards, hours and price.
        sums: of the replay.
        worked: GPU-hours by backend.
    """
    begin, end = sums.first_at or 0.0, sums.last_at
    made = []
    for backend in settings.backends:
        own = backend.own
        if own is None:
            continue
        if own.hours:
            whole = range(int(begin // HOUR_S), int(end // HOUR_S) + 1)
            hours = float(sum(own.cards_at(week_hour(hour * HOUR_S)) for hour in whole))
        else:
            hours = own.cards * (end - begin) / HOUR_S
        usd = None if own.usd_per_gpu_h is None else hours * float(own.usd_per_gpu_h)
        made.append(CardsCost(backend.name, hours, worked.get(backend.name, 0.0), usd))
    return tuple(made)


def replay_json(made: Replayed) -> dict[str, Any]:
    """One replay as a document; amounts are US dollars."""
    sums = made.sums
    return {
        "policy": {"name": made.policy, "digest": made.digest}, "requests": sums.requests,
        "images_asked": sums.asked_images, "images": sums.images, "usd": round(made.usd, 6),
        "attempts_usd": round(sums.usd, 6), "usd_per_image": made.usd / sums.images if sums.images else None,
        "budget_hits": sums.budget_hits,
        "cards": [one.__dict__ for one in made.cards],
        "options": {name: {"images": place.images, "usd": place.usd_micro / 1e6}
                    for name, place in sorted(sums.places.items())},
        "segments": {name or "default": {
            "requests": one.requests, "images": one.images, "usd": one.usd_micro / 1e6, "not_made": dict(one.unmade),
            "latency_p50_s": one.latency.at(0.5), "latency_p95_s": one.latency.at(0.95),
            "latency_p99_s": one.latency.at(0.99), "waited_share": one.waited_at_all / max(1, one.requests)}
            for name, one in sorted(sums.segments.items())}}


def replay_lines(made: Sequence[Replayed]) -> Iterator[str]:
    """One or two replays side by side."""
    yield _row("policy", *(f"{one.policy[:_CELL - 2]}" for one in made))
    yield _row("requests", *(f"{one.sums.requests:,}" for one in made))
    yield _row("images asked", *(f"{one.sums.asked_images:,}" for one in made))
    yield _row("images made", *(f"{one.sums.images:,}" for one in made))
    yield _row("attempts and power, USD", *(_usd(one.sums.usd) for one in made))
    yield _row("cards, USD", *(_usd(sum(card.usd or 0.0 for card in one.cards)) for one in made))
    yield _row("together, USD", *(_usd(one.usd) for one in made))
    yield _row("  an image, USD", *(f"{one.usd / one.sums.images:.5f}" if one.sums.images else "-" for one in made))
    yield _row("budget hits", *(f"{one.sums.budget_hits:,}" for one in made))
    yield from _segments(made)
    yield from _places(made)
    for card in made[0].cards:
        price = "" if card.usd is not None else "; their price is not stated (gpus.usd_per_gpu_h) and not in the sum"
        share = card.hours_worked / card.hours_on if card.hours_on else 0.0
        yield f"cards of {card.backend}: on for {card.hours_on:,.0f} GPU-hours, at work {share:.0%} of them{price}"


def _segments(made: Sequence[Replayed]) -> Iterator[str]:
    for name in sorted({name for one in made for name in one.sums.segments}):
        found = [one.sums.segments.get(name) for one in made]
        yield f"segment {name or 'default'}"
        yield _row("  half within, s", *(_seconds(one.latency.at(0.5)) if one else "-" for one in found))
        yield _row("  19 of 20 within, s", *(_seconds(one.latency.at(0.95)) if one else "-" for one in found))
        yield _row("  waited for a card", *(f"{one.waited_at_all / one.requests:.1%}" if one else "-" for one in found))
        reasons = sorted({why for one in found if one for why in one.unmade})
        for why in reasons:
            yield _row(f"  not made, {why}", *(f"{one.unmade[why]:,}" if one else "-" for one in found))


def _places(made: Sequence[Replayed]) -> Iterator[str]:
    names = sorted({name for one in made for name in one.sums.places},
                   key=lambda name: -max(one.sums.places[name].images for one in made if name in one.sums.places))
    yield "images made by"
    for name in names[:_MOST_PLACES]:
        cells = []
        for one in made:
            place = one.sums.places.get(name)
            cells.append(f"{place.images:,}" if place else "0")
        yield _row(f"  {name}", *cells)
    if len(names) > _MOST_PLACES:
        yield f"  and {len(names) - _MOST_PLACES} more"


def _row(name: str, *cells: str) -> str:
    return f"{name[:_NAME]:{_NAME}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)


def _usd(value: float) -> str:
    return f"{Decimal(value):,.2f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"
