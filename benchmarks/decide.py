"""What deciding where a request goes costs: 20 backends, classes of request seen before and new ones."""

from __future__ import annotations

import csv
import gc
import os
import platform
import random
import statistics
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from router.building import catalogue_of, policy_of
from router.catalog import data_roots
from router.decide import compile_policy, decide
from router.quantities import Size
from router.request import ImageRequest
from router.settings import read_settings
from router.states import BackendState, States
from router.vendors import load_vendors

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.decide import Compiled

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "decide.csv"
ON = date(2026, 11, 24)
KEYS = {"OPENAI_API_KEY": "k", "BFL_API_KEY": "k", "FAL_KEY": "k", "TOGETHER_API_KEY": "k"}
REPEATS, SEEN, NEW, WARM = 5, 20_000, 1_000, 2_000
SIDES = tuple(range(256, 2049, 16))
USUAL = (Size(1024, 1024), Size(1536, 1024), Size(1024, 1536), Size(2048, 2048), Size(1152, 896), Size(1344, 768),
         Size(1920, 1088), Size(768, 1344))
PROMPT = "a red bicycle against a white wall, morning light, no text"
CASES = ("a class seen before", "a new class, a size seen before", "a new class, a size never seen")
TARGETS_US = dict(zip(CASES, (25, 150, 150), strict=True))


def compiled() -> Compiled:
    """20 backends: the four hosted vendors four times over, as accounts or regions would be, and four own ones."""
    hosted = [{"name": f"{vendor}-{number}", "vendor": vendor, "region": ("", "eu", "us", "eu")[number],
               "retention_days": (30, 0, 0, 30)[number], "may_train": False}
              for number in range(4) for vendor in ("openai", "bfl", "fal", "together")]
    own = [{"name": f"own-{gpu}", "vendor": "worker", "base_url": "http://127.0.0.1:9/v1",
            "models": ["flux-2-klein-4b", "flux-2-dev"],
            "gpus": {"gpu": gpu, "engine": "diffusers", "compile": True, "steps": 4, "watts": 350}}
           for gpu in ("l40s", "h100", "a100-80gb", "l4")]
    known = read_settings({"backend": [*hosted, *own]}, load_vendors(data_roots(None, {})), environ=KEYS,
                          where="benchmark", folder=ROOT)
    return compile_policy(policy_of(None, {}), catalogue_of(known, {}, on=ON), on=ON)


def states(compiled_now: Compiled) -> States:
    """Every backend a little busy, and a budget."""
    names = {option.backend.name for option in compiled_now.catalogue.options}
    return States({name: BackendState(in_flight=1, images_left=100) for name in names}, 500_000_000, "all")


def seen() -> ImageRequest:
    """The one class."""
    return ImageRequest(PROMPT, size=Size(1024, 1024))


def usual(chance: random.Random) -> ImageRequest:
    """Wishes drawn at random, the size among eight."""
    return drawn(chance, chance.choice(USUAL))


def unseen(chance: random.Random) -> ImageRequest:
    """Wishes drawn at random, the size among 12,769."""
    return drawn(chance, Size(chance.choice(SIDES), chance.choice(SIDES)))


def drawn(chance: random.Random, size: Size) -> ImageRequest:
    """A request whose every wish is drawn."""
    return ImageRequest(
        PROMPT, size=size, n=chance.randint(1, 10), quality=chance.choice(("auto", "auto", "low", "high")),
        output_format=chance.choice(("png", "jpeg", "webp")), seed=chance.choice((None, 7)),
        background=chance.choice(("auto", "opaque")), data_class=chance.choice(("public", "public", "confidential")),
        residency=chance.choice(("", "", "eu")), segment=chance.choice(("", "hero", "text", "bulk", "draft")),
        text=chance.choice(("auto", "exact", "none")), steps=chance.choice((None, None, 28)),
        model=chance.choice(("auto", "auto", "gpt-image-2", "flux-2-pro", "flux-2-klein-4b")))


def new_ones(make: Callable[[random.Random], ImageRequest], met: set[object], *, count: int, seed: int) -> (
        list[ImageRequest]):
    """Requests of so many classes that were not met before."""
    chance, made = random.Random(seed), []
    while len(made) < count:
        request = make(chance)
        if request.request_class not in met:
            met.add(request.request_class)
            made.append(request)
    return [replace(request) for request in made]


def microseconds(known: Compiled, now: States, requests: list[ImageRequest]) -> list[float]:
    """Processor time of each decision; the prompts are read beforehand, their class is not worked out."""
    for request in requests:
        _ = request.brief
    took = []
    for request in requests:
        began = time.thread_time_ns()
        decide(known, request, states=now, now=100.0)
        took.append((time.thread_time_ns() - began) / 1000)
    return took


def measured() -> list[tuple[str, int, float, float]]:
    """Case, repeat, p50 and p99 in microseconds; every repeat compiles anew and warms up."""
    rows = []
    for repeat in range(REPEATS):
        known, met = compiled(), set[object]()
        now = states(known)
        microseconds(known, now, new_ones(usual, met, count=WARM, seed=1000 + repeat))
        microseconds(known, now, [seen() for _ in range(WARM)])
        gc.collect()
        for case, requests in (
                (CASES[0], [seen() for _ in range(SEEN)]),
                (CASES[1], new_ones(usual, met, count=NEW, seed=repeat)),
                (CASES[2], new_ones(unseen, met, count=NEW, seed=repeat))):
            took = microseconds(known, now, requests)
            rows.append((case, repeat, statistics.median(took), statistics.quantiles(took, n=100)[98]))
    return rows


def reading_us() -> float:
    """Processor time of reading the prompt, once for every request and whoever decides."""
    requests = [seen() for _ in range(WARM)]
    began = time.thread_time_ns()
    for request in requests:
        _ = request.brief
    return (time.thread_time_ns() - began) / 1000 / WARM


def main() -> None:
    """Print medians over the repeats and write every repeat."""
    load = os.getloadavg()[0]
    rows = measured()
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "repeat", "p50_us", "p99_us"])
        writer.writerows((case, repeat, f"{p50:.1f}", f"{p99:.1f}") for case, repeat, p50, p99 in rows)
    options = len(compiled().catalogue.options)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}, {options} options of 20 "
          f"backends, garbage collector on, processor time, medians of {REPEATS} repeats")
    for case, target in TARGETS_US.items():
        p50, p99 = (statistics.median(row[at] for row in rows if row[0] == case) for at in (2, 3))
        print(f"{case:34} p50 {p50:8.1f} us  p99 {p99:8.1f} us  (target {target} us)")
    print(f"reading the prompt, once per request: {reading_us():.0f} us")


if __name__ == "__main__":
    main()
