"""Replicate's predictions: `GET /v1/predictions` (pages, JSON lines), or the same fields as CSV.

Fields: https://replicate.com/docs/topics/predictions (`id`, `model`, `version`, `status`, `created_at`, `input`,
`output`, `metrics`); input and output are removed after an hour (`data_removed`), and then size and number are unknown.
Prompts in `input` are not looked at. No money is in it.

Not confirmed against a real export: `metrics.image_count`, and the columns of a CSV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.quantities import Size

from .cells import count, first_of, instant, refused, shown_name, size_of, table, word
from .uses import Kind, MorePages, Passed, Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .uses import Event, Row

__all__ = ["SOURCE", "read_replicate"]

SOURCE = "replicate"
_IMAGE_INPUTS = ("image", "input_image", "input_images", "image_input")
_SIDES = 2


def read_replicate(rows: Iterable[Row]) -> Iterator[Event]:
    """Images prediction by prediction, failed ones passed over.

    Raises:
        PlannerError: a missing field, or a value that cannot be read.
    """
    for row in rows:
        listed = row.cells.get("results")
        if not isinstance(listed, list):
            yield _event(row.place, row.cells)
            continue
        for number, found in enumerate(listed):
            yield _event(f"{row.place}: results[{number}]", table(found))
        if row.cells.get("next") and listed:
            yield MorePages(SOURCE, instant(row.place, table(listed[-1]).get("created_at"), key="created_at"),
                            older=True)


def _event(place: str, cells: dict[str, object]) -> Event:
    for name in ("created_at", "status"):
        if cells.get(name) in (None, ""):
            raise refused(place, cells.get(name), key=name, problem="missing",
                          remedy="give predictions as the API lists them")
    if word(cells["status"]) != "succeeded":
        return Passed(SOURCE, "predictions that did not succeed")
    begin = instant(place, cells["created_at"], key="created_at")
    given, metrics = table(cells.get("input")), table(cells.get("metrics"))
    model = shown_name(cells.get("model"))
    images, assumed = _images(place, cells, given, metrics)
    operation = "edit" if any(given.get(name) for name in _IMAGE_INPUTS) else "generate"
    kind = Kind(SOURCE, (f"replicate/{model}",) if model else (), _size(place, given),
                word(given.get("quality")) or None, operation)
    return Use(place, begin, begin, kind, images, 1, identity=str(cells.get("id") or ""), assumed=assumed)


def _images(place: str, cells: dict[str, object], given: dict[str, object], metrics: dict[str, object]) -> tuple[
        int, tuple[str, ...]]:
    output = cells.get("output")
    if isinstance(output, list) and output:
        return len(output), ()
    if isinstance(output, str) and output:
        return 1, ()
    name, value = first_of({**given, **metrics}, ("image_count", "num_outputs"))
    if value is not None:
        return max(1, count(place, value, key=name)), ()
    return 1, ("one image a request",)


def _size(place: str, given: dict[str, object]) -> Size | None:
    sides = [count(place, given[name], key=name) for name in ("width", "height") if given.get(name) not in (None, "")]
    return Size(*sides) if len(sides) == _SIDES and all(sides) else size_of(given.get("size"))
