"""A running server from outside, and others' files."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from aiohttp import web

from planner.errors import PlannerError
from planner.measure.endpoint import Asked, Endpoint, arrivals, check_cost, load_of, measure_endpoint
from router.measurements import Measurement
from router.quantities import Size
from router.tables import read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run

SERVICE_S = 0.05


async def serving(answer: Any) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_post("/v1/images/generations", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


def measured(answer: Any, due: tuple[float, ...]) -> list[Asked]:
    async def run() -> list[Asked]:
        runner, url = await serving(answer)
        try:
            return await measure_endpoint(Endpoint(url, "m", Size(64, 64), 4, 1, "k3y"), due, rate=5.0,
                                          told=lambda _: None)
        finally:
            await runner.cleanup()
    return asyncio.run(run())


def test_arrivals_are_poisson_and_repeatable() -> None:
    due = arrivals(4.0, 20_000, seed=3)
    gaps = np.diff(due)
    assert due[0] == 0
    assert due == arrivals(4.0, 20_000, seed=3) != arrivals(4.0, 20_000, seed=4)
    assert gaps.mean() == pytest.approx(0.25, rel=0.03)
    assert gaps.std() == pytest.approx(0.25, rel=0.05)


def test_a_request_counts_from_when_it_was_due_though_the_server_takes_one_at_a_time() -> None:
    lock = asyncio.Lock()
    seen: list[dict[str, Any]] = []

    async def one_at_a_time(request: web.Request) -> web.Response:
        seen.append(await request.json() | {"key": request.headers["Authorization"]})
        async with lock:
            await asyncio.sleep(SERVICE_S)
        return web.json_response({"data": [{"b64_json": "x"}]})

    rows = measured(one_at_a_time, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    latencies = sorted(row.latency_s for row in rows)
    assert [row.status for row in rows] == [200] * 6
    assert all(latency >= SERVICE_S * place * 0.95 for place, latency in enumerate(latencies, 1))
    assert seen[0]["key"] == "Bearer k3y"
    assert {(each["model"], each["size"], each["num_inference_steps"], each["n"]) for each in seen} == {
        ("m", "64x64", 4, 1)}
    load = load_of(rows)
    assert (load.requests, load.answered, load.errors) == (6, 6, {})
    assert load.percentiles["p50"] <= load.percentiles["p99"] <= latencies[-1]


def test_refusals_are_counted_by_their_code() -> None:
    async def full(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": "queue_full"}}, status=429)

    load = load_of(measured(full, (0.0, 0.01)))
    assert (load.answered, load.errors, load.percentiles, load.keeps_up) == (0, {"429 queue_full": 2}, {}, False)


def test_a_server_that_is_not_there_is_one_line() -> None:
    async def ask() -> None:
        await measure_endpoint(Endpoint("http://127.0.0.1:9/v1", "m", Size(64, 64), None), (0.0,), rate=1.0,
                               told=lambda _: None)
    with pytest.raises(PlannerError, match="no answer at all"):
        asyncio.run(ask())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://10.1.2.3/v1",
                                 "http://[::1]:1/v1", "http://192.168.1.9:8091/v1"])
def test_an_own_host_costs_nothing(url: str) -> None:
    check_cost(url, may_cost=False)


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "http://8.8.8.8/v1", "http://gpu.example/v1"])
def test_another_host_may_cost(url: str) -> None:
    with pytest.raises(PlannerError, match="every request may cost; add --may-cost"):
        check_cost(url, may_cost=False)
    check_cost(url, may_cost=True)


@pytest.mark.parametrize(("arguments", "text"), [
    (("--endpoint", "ftp://x"), "give http://host:port/v1"), (("--endpoint", "https://api.openai.com/v1"), "may cost"),
    (("--endpoint", "http://127.0.0.1:9/v1", "--rate", "x"), "--rate x: give requests a second"),
    (("--endpoint", "http://127.0.0.1:9/v1", "--rate", "nan"), "--rate nan: give requests a second"),
    (("--endpoint", "http://127.0.0.1:9/v1", "--sizes", "64x64,96x96"), "one size"),
    (("--endpoint", "http://127.0.0.1:9/v1", "--requests", "1"), "no answer at all")])
def test_what_cannot_be_asked_is_one_line(planner: Run, arguments: tuple[str, ...], text: str) -> None:
    done = planner("measure", *arguments, OPENAI_API_KEY="never")
    assert done.returncode == 2
    assert text in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


ML_ENERGY = {"model_id": "black-forest-labs/FLUX.1-dev", "configurations": [
    {"avg_power_watts": 682.9, "batch_latency_s": 23.3, "batch_size": 2, "energy_per_image_joules": 7950.1,
     "gpu_model": "H100", "image_height": 1024, "image_width": 1024, "inference_steps": 50, "num_gpus": cards,
     "parallelization": {"ring_degree": 1, "ulysses_degree": cards}, "throughput_images_per_sec": 0.0858}
    for cards in (1, 2)]}
AIPERF = {"schema_version": "1.0", "aiperf_version": "0.13.0",
          "request_latency": {"unit": "ms", "avg": 2412.0, "p50": 2400.0, "p99": 2900.0, "count": 50},
          "request_throughput": {"unit": "requests/sec", "avg": 0.41},
          "request_count": {"unit": "requests", "avg": 50.0},
          "input_config": {"endpoint": {"model_names": ["black-forest-labs/FLUX.2-klein-4B"]},
                           "input": {"extra": [["size", "1024x1024"], ["num_inference_steps", "4"]]}}}
DIFFUSION = [{"model": "black-forest-labs/FLUX.2-dev", "task": "t2i", "backend": "vllm-omni", "duration": 120.0,
              "throughput_qps": 0.59, "latency_mean": 26.9, "latency_median": 27.0, "latency_p50": 27.0,
              "latency_p99": 27.04, "completed_requests": 71, "failed_requests": 0}]


def import_of(planner: Run, folder: Path, document: Any, *arguments: str) -> Any:
    (folder / "file.json").write_text(document if isinstance(document, str) else json.dumps(document))
    (folder / "mine").mkdir(exist_ok=True)
    return planner("measure", "import", "file.json", "--data", "mine", *arguments)


def rows_of(folder: Path) -> tuple[Measurement, ...]:
    return read_rows(folder / "mine" / "throughput" / "own.csv", Measurement)


def test_ml_energy_rows_of_one_card_are_evidence(planner: Run, tmp_path: Path) -> None:
    done = import_of(planner, tmp_path, ML_ENERGY)
    assert done.returncode == 0, done.stderr
    one, two = rows_of(tmp_path)
    assert (one.model, one.gpu, one.engine, one.batch, one.steps, one.part) == (
        "flux-1-dev", "h100-sxm", "xdit", 2, 50, "end-to-end")
    assert (one.seconds_per_image, one.power_w, two.gpu_count) == (11.65, 682.9, 2)
    assert "not fitted: several GPUs" in done.stdout
    again = import_of(planner, tmp_path, ML_ENERGY)
    assert "0 new of 2 rows" in again.stdout
    assert len(rows_of(tmp_path)) == 2


@pytest.mark.parametrize(("document", "arguments", "expected"), [
    (AIPERF, ("--gpu", "h100-sxm", "--engine", "sglang"), ("flux-2-klein-4b", "sglang", Size(1024, 1024), 4, 2.4)),
    (DIFFUSION, ("--gpu", "h100-sxm", "--size", "1024x1024", "--steps", "50"),
     ("flux-2-dev", "vllm-omni", Size(1024, 1024), 50, 27.0))])
def test_latencies_of_a_server_are_kept_and_not_fitted(
        planner: Run, tmp_path: Path, document: Any, arguments: tuple[str, ...], expected: tuple[object, ...]) -> None:
    done = import_of(planner, tmp_path, document, *arguments)
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(tmp_path)
    assert (row.model, row.engine, row.size, row.steps, row.seconds_per_image) == expected
    assert row.part == "serving"
    assert "not fitted: a queue or a web front included" in done.stdout


@pytest.mark.parametrize(("document", "arguments", "text"), [
    ("{", (), "is no JSON"), ("{}", (), "no file of AIPerf"), ("[1, 2]", (), "no file of AIPerf"),
    (AIPERF, (), "does not say it; give --gpu"), (AIPERF, ("--gpu", "h100-sxm"), "does not say it; give --engine"),
    (AIPERF, ("--gpu", "nope", "--engine", "sglang"), "gpu = 'nope': unknown"),
    ({"request_latency": {"unit": "fortnights", "avg": 1}}, (), "unknown unit"),
    ({"request_latency": {"unit": "ms", "avg": -1}}, (), "a number above 0 was expected"),
    ({"configurations": [{"batch_size": 0}]}, (), "batch_size = 0: a number above 0"),
    ('{"throughput_qps": 1, "latency_p50": NaN}', ("--gpu", "h100-sxm", "--engine", "sglang"),
     "latency_p50 = nan: a number above 0")])
def test_a_file_that_is_none_of_them_is_one_line(
        planner: Run, tmp_path: Path, document: Any, arguments: tuple[str, ...], text: str) -> None:
    done = import_of(planner, tmp_path, document, *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "mine" / "throughput").exists()
