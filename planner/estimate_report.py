"""An answer of the throughput law as text and as JSON, with its joules and, where a grid is named, its CO2e."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.energy import Energy
    from router.measurements import Measurement
    from router.service_time import Estimate

    from .grid import Factor

__all__ = ["estimate_json", "estimate_lines"]

_NO_GRID = "CO2e: name a grid (--grid fr, or --grid 250 for g/kWh; planner grids lists them)"


def estimate_lines(found: Estimate, *, grid: Factor | None, pue: float | None) -> Iterator[str]:
    """The answer line by line: seconds, what was asked, floor and memory, energy, evidence, notes."""
    setup = found.setup
    random = ", random weights" if found.own is not None and found.own.weights == "random" else ""
    yield (f"{found.seconds_per_image:.4g} s an image ({found.low:.4g} to {found.high:.4g}, 90 %), "
           f"{found.images_per_hour:,.0f} an hour  [{found.label}{random}]")
    yield (f"  {setup.card.id} on {setup.gpu.id}, {setup.engine} {setup.precision_key} {setup.mode}, {setup.size}, "
           f"{setup.steps} steps, batch {setup.batch}, {setup.references} references, {setup.part}")
    yield (f"  floor {found.limit_seconds:.4g} s, {found.mfu:.0%} of the card's peak; {found.residency} "
           f"({found.memory.needed_gib:.1f} GiB for the transformer, {found.memory.with_encoder_gib:.1f} with the "
           f"text encoder, {found.memory.available_gib:g} there)")
    yield from _energy_lines(found.energy, grid=grid, pue=pue)
    yield "  nearest measurements:"
    for row in found.evidence:
        yield f"    {_told(row)}"
    for note in found.notes:
        yield f"  note: {note}"


def _energy_lines(energy: Energy | None, *, grid: Factor | None, pue: float | None) -> Iterator[str]:
    if energy is None:
        yield "  energy: not known: energy/board_power.csv has no row for the card"
        return
    yield (f"  energy {energy.joules_per_image:,.0f} J an image ({energy.low:,.0f} to {energy.high:,.0f}), "
           f"{energy.wh_per_image:.3g} Wh at the board  [{energy.label}: {energy.basis}]")
    if grid is None:
        yield f"  {_NO_GRID}"
        return
    middle, low, high = (grid.grams(joules, pue=pue or 1.0)
                         for joules in (energy.joules_per_image, energy.low, energy.high))
    cooling = f"PUE {pue:g}" if pue else "no cooling counted: --pue"
    yield f"  {middle:.3g} g {grid.gases} an image ({low:.3g} to {high:.3g}), {cooling}; {grid.says}"


def _told(row: Measurement) -> str:
    extras = "".join((", compiled" if row.compile else "", f", batch {row.batch}" if row.batch > 1 else "",
                      f", {row.references} references" if row.references else "",
                      ", random weights" if row.note == "random weights" else ""))
    return (f"{row.id}: {row.seconds_per_image:.4g} s, {row.model} on {row.gpu}, {row.engine} {row.precision}{extras}, "
            f"{row.size}, {row.steps} steps, {row.part}, trust {row.trust} [{row.source_key}, {row.source_on}]")


def estimate_json(found: Estimate, *, grid: Factor | None, pue: float | None) -> dict[str, Any]:
    """The same as plain values; `own` is None where no run of yours was of exactly this."""
    setup, own = found.setup, found.own
    return {
        "seconds_per_image": found.seconds_per_image, "low": found.low, "high": found.high,
        "images_per_hour": found.images_per_hour, "label": found.label, "limit_seconds": found.limit_seconds,
        "mfu": found.mfu, "residency": found.residency,
        "memory_gib": {"needed": found.memory.needed_gib, "with_encoder": found.memory.with_encoder_gib,
                       "available": found.memory.available_gib},
        "asked": {"model": setup.card.id, "gpu": setup.gpu.id, "engine": setup.engine,
                  "precision": setup.precision, "weight_only": setup.stored_only, "compile": setup.compile,
                  "size": str(setup.size), "steps": setup.steps, "batch": setup.batch,
                  "references": setup.references, "part": setup.part},
        "own": None if own is None else {"runs": own.runs, "weights": own.weights, "log_sd": own.log_sd},
        "energy": _energy_json(found.energy, grid=grid, pue=pue),
        "shares": dict(found.shares),
        "evidence": [{"id": row.id, "model": row.model, "gpu": row.gpu, "engine": row.engine,
                      "precision": row.precision, "compile": row.compile, "size": str(row.size), "steps": row.steps,
                      "batch": row.batch, "part": row.part, "seconds_per_image": row.seconds_per_image,
                      "trust": row.trust, "source": row.source, "source_on": str(row.source_on), "note": row.note}
                     for row in found.evidence],
        "notes": list(found.notes),
    }


def _energy_json(energy: Energy | None, *, grid: Factor | None, pue: float | None) -> dict[str, Any] | None:
    if energy is None:
        return None
    grams = {} if grid is None else {
        f"{name}g_per_image": grid.grams(joules, pue=pue or 1.0)
        for name, joules in (("", energy.joules_per_image), ("low_", energy.low), ("high_", energy.high))}
    return {"joules_per_image": energy.joules_per_image, "low": energy.low, "high": energy.high,
            "wh_per_image": energy.wh_per_image, "label": energy.label, "basis": energy.basis, "pue": pue,
            "grid": None if grid is None else {"g_per_kwh": grid.g_per_kwh, "gases": grid.gases, "says": grid.says},
            **grams}
