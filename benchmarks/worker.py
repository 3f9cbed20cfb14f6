"""What the worker's server costs: images a second of `router worker` beside a bare loop over the same pipeline.

Both run a Flux 2 klein of small configuration with random weights that takes about half a second an image on one torch
thread, each in its own process on core 0; the clients run on core 1. Loop and server take turns, seven times; the table
shows medians. The second table shows what a batch and a line cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

RESULTS = Path(__file__).with_name("results") / "worker.json"
ROUNDS, IMAGES, WARM_UP = 7, 10, 2
SIDE, STEPS = 256, 4
ROUTER = Path(sys.executable).with_name("router")
LOOP = """
import os, sys, threading, time
os.sched_setaffinity(0, {0})
import torch
torch.set_num_threads(1)
from diffusers import DiffusionPipeline
from diffusers.utils import logging
logging.set_verbosity_error()
pipe = DiffusionPipeline.from_pretrained(sys.argv[1], local_files_only=True)
pipe.set_progress_bar_config(disable=True)
side, steps = int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)

def run():
    for line in sys.stdin:
        images, n = map(int, line.split())
        begun = time.perf_counter()
        with torch.inference_mode():
            for number in range(images // n):
                pipe(prompt="a pear", height=side, width=side, num_inference_steps=steps, guidance_scale=1.0,
                     num_images_per_prompt=n,
                     generator=[torch.Generator().manual_seed(number + each) for each in range(n)])
        print(time.perf_counter() - begun, flush=True)

# In a thread, as the worker's pipeline is.
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def environ() -> dict[str, str]:
    """Of both processes: one torch thread, and memory that is kept instead of given back to the system and taken anew.

    Without it the two differ by up to 15 % in page faults alone, either way.
    """
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1",
                         "MALLOC_ARENA_MAX": "1",
                         "MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}


def save_pipeline(folder: Path) -> None:
    """A klein of 2 + 4 blocks, width 160."""
    import torch  # noqa: PLC0415 (the parent needs it once)

    from router.worker.random_weights import build, tiny  # noqa: PLC0415 (as above)

    blueprint = tiny("klein", heads=10, double_blocks=2, single_blocks=4)
    build(blueprint, seed=0, device="cpu", dtype=torch.float32).save_pretrained(folder)


def start_loop(folder: Path) -> subprocess.Popen[str]:
    """The bare loop, waiting for its turn."""
    loop = subprocess.Popen([sys.executable, "-c", LOOP, str(folder), str(SIDE), str(STEPS)], text=True,  # noqa: S603
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ())
    assert loop.stdout is not None  # noqa: S101 (a pipe was asked for)
    loop.stdout.readline()
    return loop


def start_worker(folder: Path, log: Path) -> tuple[subprocess.Popen[str], str]:
    """The server on core 0, and its address."""
    with log.open("w") as out:
        worker = subprocess.Popen(  # noqa: S603 (our own command)
            ["taskset", "-c", "0", str(ROUTER), "worker", "--model", str(folder), "--device", "cpu", "--port", "0",  # noqa: S607
             "--most-waiting", "64"], text=True, stdout=out, stderr=subprocess.STDOUT, env=environ())
    while not (found := re.search(r"worker on (\S+)", log.read_text())):
        if worker.poll() is not None:
            raise SystemExit(log.read_text())
        time.sleep(0.1)
    return worker, found[1]


def loop_seconds(loop: subprocess.Popen[str], images: int, n: int = 1) -> float:
    """Seconds the bare loop takes."""
    assert loop.stdin is not None  # noqa: S101 (as above)
    assert loop.stdout is not None  # noqa: S101 (as above)
    loop.stdin.write(f"{images} {n}\n")
    loop.stdin.flush()
    return float(loop.stdout.readline())


async def served(url: str, images: int, *, callers: int, n: int = 1) -> tuple[float, list[dict[str, float]]]:
    """Seconds from the first request to the last answer, and of each answer its latency and its own account."""
    told: list[dict[str, float]] = []
    left = list(range(images // n))
    async with aiohttp.ClientSession() as client:
        async def caller() -> None:
            while left:
                body = {"prompt": "a pear", "size": f"{SIDE}x{SIDE}", "n": n, "seed": left.pop()}
                begun = time.perf_counter()
                async with client.post(f"{url}/images/generations", json=body) as answer:
                    document = json.loads(await answer.read())
                told.append({"latency": time.perf_counter() - begun, **document["worker"]["seconds"]})

        begun = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return time.perf_counter() - begun, told


def alternate(loop: subprocess.Popen[str], url: str) -> list[dict[str, float]]:
    """Loop and server in turns."""
    loop_seconds(loop, WARM_UP)
    asyncio.run(served(url, WARM_UP, callers=1))
    rounds = []
    for number in range(ROUNDS):
        bare = loop_seconds(loop, IMAGES)
        seconds, _ = asyncio.run(served(url, IMAGES, callers=2))
        rounds.append({"loop_s": bare, "server_s": seconds, "ratio": bare / seconds})
        print(f"  round {number + 1}: loop {bare / IMAGES:.3f} s/image, server {seconds / IMAGES:.3f}", file=sys.stderr)
    return rounds


def overheads(loop: subprocess.Popen[str], url: str) -> list[dict[str, Any]]:
    """Batches of one caller, and lines of several."""
    found: list[dict[str, Any]] = []
    for callers, n in ((1, 1), (1, 2), (1, 4), (8, 1), (32, 1)):
        images = max(8, callers + 8) * (1 if n == 1 else 2)
        bare = loop_seconds(loop, images, n)
        seconds, told = asyncio.run(served(url, images, callers=callers, n=n))
        beyond = [each["latency"] - each["queue"] - each["make"] - each["lora"] for each in told]
        found.append({"callers": callers, "n": n, "images": images, "loop_s_per_image": bare / images,
                      "server_s_per_image": seconds / images, "ratio": bare / seconds,
                      "write_ms": 1e3 * statistics.median(each["write"] for each in told),
                      "beyond_make_ms": 1e3 * statistics.median(beyond),
                      "queue_s": statistics.median(each["queue"] for each in told)})
    return found


def main() -> None:
    """Measure, print, keep."""
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "klein"
        save_pipeline(folder)
        loop = start_loop(folder)
        worker, url = start_worker(folder, Path(place) / "worker.log")
        try:
            rounds = alternate(loop, url)
            table = overheads(loop, url)
        finally:
            loop.terminate()
            worker.terminate()
            worker.wait()
    ratio = statistics.median(each["ratio"] for each in rounds)
    per_image = statistics.median(each["loop_s"] for each in rounds) / IMAGES
    print(f"bare loop {per_image:.3f} s/image; the worker makes {ratio:.1%} of its images a second "
          f"({min(each['ratio'] for each in rounds):.1%} to {max(each['ratio'] for each in rounds):.1%}, "
          f"{ROUNDS} rounds of {IMAGES} images, two callers)")
    print(f"{'callers':>7} {'n':>3} {'loop s/img':>11} {'server s/img':>13} {'ratio':>7} {'queue s':>8} {'write ms':>9}"
          f" {'beyond making ms':>17}")
    for row in table:
        print(f"{row['callers']:>7} {row['n']:>3} {row['loop_s_per_image']:>11.3f} {row['server_s_per_image']:>13.3f} "
              f"{row['ratio']:>7.1%} {row['queue_s']:>8.2f} {row['write_ms']:>9.1f} {row['beyond_make_ms']:>17.1f}")
    RESULTS.write_text(json.dumps({
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "conditions": f"one torch thread, {SIDE}x{SIDE}, {STEPS} steps, loop and server on core 0, callers on core 1",
        "rounds": rounds, "median_ratio": ratio, "overheads": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
