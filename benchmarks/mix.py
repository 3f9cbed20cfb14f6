"""Where own cards with overflow win, and where all hosted wins: the published case, then FLUX.2 times and prices.

The published case is a production trace of 92,800 images a month, service lognormal (mean 28.9 s, CV 0.72) for a whole
request, $2.50 a GPU-hour, overflow beyond 30 s of waiting: $4,640 all hosted at $0.05, $3,569 mixed, $9,000 own alone.
Here a synthetic month of the published shape stands in for the trace.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from planner.book import open_book
from planner.drawing import draw_month
from planner.fleet import WEEK_H, Work, serve
from planner.mix.paying import Paying
from planner.mix.schedule import best_schedule
from planner.queueing import waits
from planner.traffic import Traffic, shape_of

RESULTS = Path(__file__).with_name("results") / "mix.json"
IMAGES, RENT, WAIT_S, MONTHS, HOURS = 92_800.0, 2.50, 30.0, 6, 730
LATE_SHARE = 0.01
PRICES = (0.005, 0.012, 0.03, 0.053, 0.21)
MODELS = (("klein 4B, 4 steps", 0.57, 0.0), ("dev, 8 steps", 4.4, 999.0), ("dev, 28 steps", 13.3, 999.0))
STAFF_USD = 1_500.0
NO_SERVICE: Any = None


@dataclass(frozen=True)
class Drawn:
    """Months, and the seconds of each whole request where they are drawn."""

    months: tuple[Any, ...]
    services: tuple[Any, ...]


def drawn(service: bool) -> Drawn:
    """Months of the published shape."""
    shape = shape_of(Traffic(), open_book(None, {}).archetypes)
    months, services = [], []
    spread = np.sqrt(np.log1p(0.72**2))
    for number in range(MONTHS):
        rng = np.random.default_rng((7, number))
        month = draw_month([(IMAGES, shape)], rng)
        months.append(month)
        services.append(rng.lognormal(np.log(28.9) - spread**2 / 2, spread, month.at.size) if service else NO_SERVICE)
    return Drawn(tuple(months), tuple(services))


def work_of(month: Any, service: Any, seconds: float) -> Work:
    """A month as work that may all go elsewhere; whole requests where their service is drawn."""
    size = month.at.size
    yes, no = np.ones(size, np.bool_), np.zeros(size, np.bool_)
    whole = service is not None
    return Work(month.at, np.ones(size, np.int64) if whole else month.images, service if whole else np.full(
        size, seconds), np.ones(size, np.int64), yes, yes, no, np.zeros(size), np.full(size, WAIT_S))


def hosted_usd(data: Drawn, cards: Any, price: float, *, seconds: float, by_image: bool) -> float:
    """US dollars a month of what overflows."""
    usd = []
    for month, service in zip(data.months, data.services, strict=True):
        work = work_of(month, service, seconds)
        own = serve(work, cards, by_image=by_image).own_images
        usd.append(((work.images - own) / work.images * month.images).sum() * price)
    return float(np.mean(usd))


def best(data: Drawn, price: float, *, seconds: float = 0.0, by_image: bool = True) -> tuple[tuple[float, str], ...]:
    """The cheapest number of cards always on, and the cheapest of that and cards by the hour of the week."""
    paying = Paying(usd_per_h=RENT, usd_per_month=0.0, usd_per_busy_s=0.0, usd_per_on_s=0.0, scales=False,
                    start_usd=RENT / 6, lot=1, most=None, reserved_usd_per_h=None, reserved_from="",
                    tuning_usd_per_h=RENT, fixed_usd=0.0, lost_share=0.0, word="")
    saved = [np.zeros(WEEK_H)]
    found: list[tuple[float, str]] = []
    for cards in range(1, 13):
        total = np.zeros(WEEK_H)
        for month, service in zip(data.months, data.services, strict=True):
            work = work_of(month, service, seconds)
            own = serve(work, np.full(WEEK_H, cards), by_image=by_image).own_images / work.images * month.images
            total += np.bincount(month.hour_of_week, own * price, WEEK_H)
        saved.append(total / (MONTHS * HOURS / WEEK_H))
        always = np.full(WEEK_H, cards)
        usd = paying.cards_usd(always) + hosted_usd(data, always, price, seconds=seconds, by_image=by_image)
        found.append((usd, f"{cards} always on"))
        if (saved[-1] - saved[-2]).max() < RENT:
            break
    always_on = min(found)
    hours, _ = best_schedule(np.stack(saved, axis=1), paying)
    if hours.any():
        usd = paying.cards_usd(hours) + hosted_usd(data, hours, price, seconds=seconds, by_image=by_image)
        found.append((usd, f"by the hour, up to {hours.max()}, {hours.sum()} card-hours a week"))
    return always_on, min(found)


def own_alone(data: Drawn) -> tuple[float, int]:
    """The fewest cards that keep 99 of 100 requests under 30 s, nothing overflowing."""
    for cards in range(1, 64):
        late = [np.mean(waits(month.at, service, servers=cards) > WAIT_S)
                for month, service in zip(data.months, data.services, strict=True)]
        if np.mean(late) <= LATE_SHARE:
            return cards * HOURS * RENT, cards
    raise AssertionError


def main() -> None:
    """Print and keep both tables."""
    data = drawn(service=True)
    rows: list[dict[str, Any]] = []
    usd, cards = own_alone(data)
    print(f"own alone, 99 % under 30 s: {cards} cards, ${usd:,.0f} a month (published $9,000)")
    for price in (0.05, 0.08):
        (always, fixed), (mixed, words) = best(data, price, by_image=False)
        hosted = IMAGES * price
        print(f"${price}: all hosted ${hosted:,.0f}, mix ${always:,.0f} ({always / hosted - 1:+.0%}; {fixed}), "
              f"${mixed:,.0f} ({mixed / hosted - 1:+.0%}; {words})")
        rows.append({"case": "published shape", "price": price, "all_hosted": hosted, "always_on": always, "mix": mixed,
                     "own": usd, "way": words})
    plain = drawn(service=False)
    print(f"\n{'':20}{'price':>7}{'all hosted':>12}{'by image':>10}{'by request':>12}{'with staff':>12}"
          f"{'+ licence':>11}  cheapest way with cards")
    for name, seconds, licence in MODELS:
        for price in PRICES:
            hosted = IMAGES * price
            (image, words), (request, _) = (best(plain, price, seconds=seconds, by_image=flag)[-1]
                                            for flag in (True, False))
            print(f"{name:20}{price:>7}{hosted:>12,.0f}{image:>10,.0f}{request:>12,.0f}{image + STAFF_USD:>12,.0f}"
                  f"{image + STAFF_USD + licence:>11,.0f}  {words}")
            rows.append({"case": name, "seconds": seconds, "price": price, "all_hosted": hosted, "by_image": image,
                         "by_request": request, "staff": STAFF_USD, "licence": licence, "way": words})
    RESULTS.write_text(json.dumps({"images_per_month": IMAGES, "usd_per_gpu_h": RENT, "most_wait_s": WAIT_S,
                                   "months": MONTHS, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
