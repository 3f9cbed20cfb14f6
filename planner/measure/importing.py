"""What others have measured, from their tools' own files, as rows of throughput/own.csv."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from planner.errors import PlannerError
from router.gpus import find_gpu
from router.measurements import Measurement
from router.quantities import Day, Size
from router.service_time import ServiceAsk, resolve
from router.setup import find_engine, read_precision
from router.tables import Invalid, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from router.service_time import Law

__all__ = ["Told", "imported"]

_MOST_BYTES = 50_000_000
_LATENCIES = ("latency_p50", "latency_median", "latency_mean")
_TO_SECONDS = {"ms": 1e-3, "s": 1.0, "sec": 1.0, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class Told:
    """What a file may leave out, given by its reader; None and empty where the file has to say it."""

    model: str = ""
    gpu: str = ""
    engine: str = ""
    precision: str = "bf16"
    compile: bool = False
    size: Size | None = None
    steps: int | None = None


def imported(path: Path, told: Told, *, law: Law) -> tuple[Measurement, ...]:
    """The rows of a file of AIPerf, of vLLM-Omni's and SGLang's diffusion benchmark, or of ML.ENERGY's leaderboard.

    Latencies of a server are kept as `serving`: a queue is in them, so they are shown and never fitted.

    Raises:
        OutOfReach: a model, card or engine that no table knows.
        PlannerError: none of the three, or what the file leaves out was not given.
    """
    document = _read(path)
    records = document if isinstance(document, list) else [document]
    rows = [row for record in records if isinstance(record, dict) for row in _rows(record, told, path, law)]
    if not rows:
        raise PlannerError(f"{path}: no file of AIPerf (profile_export_aiperf.json), of vLLM-Omni's or SGLang's "
                           "diffusion benchmark, nor of ML.ENERGY's leaderboard")
    return tuple(rows)


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PlannerError(f"{path}: above {_MOST_BYTES:,} bytes; give the summary, not the records")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlannerError(f"{path}: cannot be read ({type(error).__name__})") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise PlannerError(f"{path}: is no JSON; give the file as the tool wrote it") from None


def _rows(record: Mapping[str, Any], told: Told, path: Path, law: Law) -> Iterator[Measurement]:
    if isinstance(record.get("configurations"), list):
        yield from _of_ml_energy(record, told, path, law)
    elif isinstance(record.get("request_latency"), dict):
        yield _of_aiperf(record, told, path, law)
    elif "throughput_qps" in record and any(name in record for name in _LATENCIES):
        yield _of_diffusion_benchmark(record, told, path, law)


def _of_ml_energy(record: Mapping[str, Any], told: Told, path: Path, law: Law) -> Iterator[Measurement]:
    model = told.model or str(record.get("model_id") or path.name.partition("__text-to-image")[0].replace("__", "/"))
    for each in record["configurations"]:
        where = f"{path}: configurations"
        batch, size = _count(each, "batch_size", where), _size(each, "image_width", "image_height", where)
        power = _positive(each, "avg_power_watts", where)
        seconds = _positive(each, "batch_latency_s", where) / batch
        yield _row(
            _Found(model, str(each.get("gpu_model") or told.gpu), told.engine or "xdit", size,
                   _count(each, "inference_steps", where), seconds, "end-to-end", batch=batch,
                   cards=_count(each, "num_gpus", where), power_w=power,
                   engine_as_printed="xDiT (ML.ENERGY benchmark)",
                   note=f"{each.get('energy_per_image_joules', 0):.0f} J an image of all cards together"),
            told, path, law)


def _of_aiperf(record: Mapping[str, Any], told: Told, path: Path, law: Law) -> Measurement:
    latency = record["request_latency"]
    unit = str(latency.get("unit", "ms"))
    if unit not in _TO_SECONDS:
        raise PlannerError(f"{path}: request_latency in {unit!r}: unknown unit; ms is expected")
    name = "p50" if "p50" in latency else "avg"
    seconds = _positive(latency, name, f"{path}: request_latency") * _TO_SECONDS[unit]
    config = record.get("input_config") if isinstance(record.get("input_config"), dict) else {}
    names = _dig(config, "endpoint", "model_names")
    model = told.model or (str(names[0]) if isinstance(names, list) and names else "")
    extra = _extra(_dig(config, "input", "extra"))
    size = told.size or (Size.parse(str(extra["size"])) if extra.get("size") else None)
    steps = told.steps or (int(extra["num_inference_steps"]) if extra.get("num_inference_steps") else None)
    images = _positive(record["num_images"], "avg", f"{path}: num_images") if isinstance(
        record.get("num_images"), dict) else 1.0
    return _row(_Found(model, told.gpu, told.engine, size, steps, seconds / max(1.0, images), "serving",
                       engine_as_printed=f"AIPerf {record.get('aiperf_version', '')}".strip(),
                       note=f"median latency of a request, {_answered(record)}"), told, path, law)


def _of_diffusion_benchmark(record: Mapping[str, Any], told: Told, path: Path, law: Law) -> Measurement:
    name = next(each for each in _LATENCIES if each in record)
    size = told.size or (_size(record, "width", "height", str(path)) if record.get("width") else None)
    steps = told.steps or (_count(record, "num_inference_steps", str(path)) if record.get("num_inference_steps")
                           else None)
    engine = told.engine or str(record.get("backend") or "")
    return _row(_Found(told.model or str(record.get("model") or ""), told.gpu, engine, size, steps,
                       _positive(record, name, str(path)), "serving", engine_as_printed=engine,
                       note=f"{name} at {record['throughput_qps']} requests a second, "
                            f"{record.get('completed_requests', 'not known')} answered, "
                            f"{record.get('failed_requests', 'not known')} failed"), told, path, law)


@dataclass(frozen=True)
class _Found:
    model: str
    gpu: str
    engine: str
    size: Size | None
    steps: int | None
    seconds: float
    part: Literal["end-to-end", "serving"]
    batch: int = 1
    cards: int = 1
    power_w: float | None = None
    engine_as_printed: str = ""
    note: str = ""


def _row(found: _Found, told: Told, path: Path, law: Law) -> Measurement:
    for option, value in (("--model", found.model), ("--gpu", found.gpu), ("--engine", found.engine)):
        if not value:
            raise PlannerError(f"{path}: does not say it; give {option}")
    card, gpu, (engine, _) = law.models.find(found.model), find_gpu(law.gpus, found.gpu), find_engine(
        law.engines, found.engine)
    precision, weight_only = read_precision(told.precision, engine.id)
    if found.size is not None and found.part != "serving":
        resolve(law, ServiceAsk(card.id, gpu.id, engine.id, told.precision, size=found.size, steps=found.steps))
    text = f"{path.name} {found}"
    try:
        return Measurement(
            id=f"imported-{hashlib.sha256(text.encode()).hexdigest()[:12]}", model=card.id, gpu=gpu.id,
            gpu_count=found.cards, engine=engine.id, engine_as_printed=found.engine_as_printed or engine.id,
            attention="", precision=precision, precision_as_printed=told.precision, weight_only=weight_only,
            compile=told.compile, cache="none", offload="none", lora=False, size=found.size, steps=found.steps,
            forwards_per_step=card.forwards_per_step, references=0, batch=found.batch, part=found.part,
            seconds_per_image=found.seconds, peak_vram_gb=None, power_w=found.power_w, trust="B",
            source_key=f"imported {path.name}", source=Source(path.name),
            source_on=Day.parse(datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d")),
            note=found.note)
    except Invalid as error:
        raise PlannerError(f"{path}: {error}") from None


def _positive(record: Mapping[str, Any], name: str, where: str) -> float:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise PlannerError(f"{where}: {name} = {value!r}: a number above 0 was expected")
    return float(value)


def _count(record: Mapping[str, Any], name: str, where: str) -> int:
    value = _positive(record, name, where)
    if value != int(value):
        raise PlannerError(f"{where}: {name} = {value}: a whole number was expected")
    return int(value)


def _size(record: Mapping[str, Any], width: str, height: str, where: str) -> Size:
    return Size(_count(record, width, where), _count(record, height, where))


def _dig(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _extra(given: Any) -> dict[str, Any]:
    """AIPerf's extra inputs: an object, or a list of pairs."""
    if isinstance(given, dict):
        return given
    pairs = given if isinstance(given, list) else []
    return {str(pair[0]): pair[1] for pair in pairs if isinstance(pair, list) and len(pair) == 2}  # noqa: PLR2004


def _answered(record: Mapping[str, Any]) -> str:
    count = _dig(record, "request_count", "avg")
    return "number of requests not known" if count is None else f"{count:.0f} requests"
