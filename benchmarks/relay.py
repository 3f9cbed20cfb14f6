"""What relaying images costs: the router with all its layers on, beside a plain relay, LiteLLM's proxy and Portkey.

One machine, loopback alone: the gateway on one core, the vendor's stand-in and the callers on another. Closed loop, so
latency is queueing; processor time per request is the figure that survives a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from relay_parts.gateways import GATEWAYS, Gateway
from relay_parts.pictures import SIZES
from relay_parts.processes import Pinned, wait_until_ready

ROOT = Path(__file__).parents[1]
PARTS = Path(__file__).parent / "relay_parts"
RESULTS = ROOT / "benchmarks" / "results" / "relay.json"
CELLS = (("1.4 KB", 1), ("1.4 KB", 32), ("1.4 KB", 256), ("1.5 MB", 1), ("1.5 MB", 32), ("1.5 MB", 256), ("15 MB", 1),
         ("15 MB", 32))
QUICK_CELLS = (("1.4 KB", 32), ("1.5 MB", 1), ("1.5 MB", 256))
GATEWAY_CORE, LOAD_CORE = 1, 0
FIGURES = ("cpu_ms", "answers_per_s", "p50_ms", "p99_ms", "peak_rss_mb")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def load(gateway: Gateway, url: str, headers: dict[str, str], process: Pinned, *, body: str, callers: int,
         seconds: float, warm_s: float) -> dict[str, Any]:
    """One cell, once."""
    task = {"url": url, "headers": headers, "body": gateway.body(SIZES[body]), "callers": callers, "seconds": seconds,
            "warm_s": warm_s}
    with subprocess.Popen(  # noqa: S603
            (sys.executable, PARTS / "load.py"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as caller:
        os.sched_setaffinity(caller.pid, {LOAD_CORE})
        if caller.stdin is None or caller.stdout is None:
            raise RuntimeError("no pipes")
        json.dump(task, caller.stdin)
        caller.stdin.close()
        caller.stdout.readline()
        process.forget_peak()
        before = process.cpu_s()
        told = json.loads(caller.stdout.readline())
        used = process.cpu_s() - before
    answers = told["answers"]
    wrong = {status: count for status, count in told["statuses"].items() if status != "200"}
    return {"body": body, "callers": callers, "answers": answers, "not_ok": wrong, "body_bytes": told["body_bytes"],
            "cpu_ms": 1000 * used / answers if answers else None, "answers_per_s": answers / told["seconds"],
            "p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"], "peak_rss_mb": process.peak_rss_mb,
            "load_average": os.getloadavg()[0]}


def measured(name: str, arguments: argparse.Namespace, upstream: int) -> dict[str, Any]:
    """Every cell of one gateway, on one start of it."""
    gateway, port = GATEWAYS[name], free_port()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        start = gateway.start(folder, port, upstream)
        with Pinned(start.command, core=GATEWAY_CORE, folder=folder, environ=os.environ | start.environ,
                    log="gateway.log") as process:
            base = f"http://127.0.0.1:{port}"
            ready_s = wait_until_ready(base + start.ready, process)
            time.sleep(1.0)
            idle, rows = process.rss_mb(), []
            for body, callers in arguments.cells:
                for repeat in range(arguments.repeats):
                    row = load(gateway, f"{base}/v1/images/generations", start.headers, process, body=body,
                               callers=callers, seconds=arguments.seconds, warm_s=arguments.warm_s)
                    rows.append(row | {"repeat": repeat})
        return {"gateway": name, "says": gateway.says, "version": gateway.version(), "ready_s": ready_s,
                "idle_rss_mb": idle, "rows": rows}


def medians(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Each figure's median over the repeats; the peak is the largest."""
    found: dict[str, float | None] = {}
    for figure in FIGURES:
        values = [row[figure] for row in rows if row[figure] is not None]
        found[figure] = (max(values) if figure == "peak_rss_mb" else statistics.median(values)) if values else None
    return found


def lines(results: list[dict[str, Any]], cells: tuple[tuple[str, int], ...]) -> list[str]:
    """The table."""
    told = [(f"{'gateway':16}{'body':>8}{'callers':>9}{'CPU ms each':>13}{'answers/s':>11}{'p50 ms':>9}{'p99 ms':>9}"
             f"{'peak MB':>9}{'idle MB':>9}{'start s':>9}  not 200")]
    for result in results:
        for body, callers in cells:
            rows = [row for row in result["rows"] if (row["body"], row["callers"]) == (body, callers)]
            figures = medians(rows)
            shown = [f"{'-' if value is None else f'{value:.{digits}f}':>{width}}" for value, digits, width in (
                (figures["cpu_ms"], 2, 13), (figures["answers_per_s"], 0, 11), (figures["p50_ms"], 1, 9),
                (figures["p99_ms"], 1, 9), (figures["peak_rss_mb"], 0, 9), (result["idle_rss_mb"], 0, 9),
                (result["ready_s"], 2, 9))]
            wrong = sum(sum(row["not_ok"].values()) for row in rows)
            told.append(f"{result['gateway']:16}{body:>8}{callers:>9}{''.join(shown)}  {wrong or ''}".rstrip())
    return told


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="every cell, 5 s each, three times; --quick is the default")
    parser.add_argument("--quick", action="store_true", help="three cells, 2 s each, once")
    parser.add_argument("--gateways", default=",".join(GATEWAYS), help="which, separated by commas")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="how long the vendor's stand-in thinks")
    parser.add_argument("--seconds", type=float, help="of each window")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--only", help="one cell, as in '1.5 MB,32'")
    arguments = parser.parse_args()
    full = arguments.full and not arguments.quick
    arguments.cells = CELLS if full else QUICK_CELLS
    if arguments.only:
        body, callers = arguments.only.split(",")
        arguments.cells = ((body, int(callers)),)
    arguments.seconds = arguments.seconds or (5.0 if full else 2.0)
    arguments.repeats, arguments.warm_s = arguments.repeats or (3 if full else 1), 2.0 if full else 1.0
    return arguments


def main() -> None:
    """Print the table and write every repeat."""
    arguments = asked()
    if sys.platform != "linux" or (os.cpu_count() or 1) <= GATEWAY_CORE:
        raise SystemExit("this benchmark pins processes to two cores and reads /proc: it needs Linux and two cores")
    names = [name for name in arguments.gateways.split(",") if name]
    left_out = {name: GATEWAYS[name].missing() for name in names if GATEWAYS[name].missing()}
    results, began, port = [], time.strftime("%Y-%m-%d %H:%M"), free_port()
    with tempfile.TemporaryDirectory() as folder, Pinned(
            (sys.executable, str(PARTS / "upstream.py"), str(port), str(arguments.delay_ms)), core=LOAD_CORE,
            folder=Path(folder), environ=os.environ, log="upstream.log") as upstream:
        wait_until_ready(f"http://127.0.0.1:{port}/", upstream)
        results = [measured(name, arguments, port) for name in names if name not in left_out]
    conditions = {
        "began": began, "python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine(),
        "gateway_core": GATEWAY_CORE, "load_core": LOAD_CORE, "load_average_at_the_end": os.getloadavg()[0],
        "window_s": arguments.seconds, "warm_up_s": arguments.warm_s, "repeats": arguments.repeats,
        "delay_ms": arguments.delay_ms, "left_out": left_out}
    RESULTS.write_text(json.dumps({"conditions": conditions, "results": results}, indent=1) + "\n", encoding="utf-8")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores shared with others, gateway alone on one, "
          f"{arguments.repeats} x {arguments.seconds:g} s per cell after {arguments.warm_s:g} s, "
          f"load average {os.getloadavg()[0]:.1f}")
    print("\n".join(lines(results, arguments.cells)))
    print("\n".join(f"{result['gateway']}: {result['says']} ({result['version']})" for result in results))
    print("\n".join(f"{name} is left out: {why}" for name, why in left_out.items()))
    print("The router's figures include key, decision, reserve and settlement on disk, books and metrics. A picture "
          "takes 3 to 120 seconds to make, so milliseconds matter less here than memory, and less than its price.")


if __name__ == "__main__":
    main()
