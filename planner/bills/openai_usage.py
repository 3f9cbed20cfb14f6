"""OpenAI's image usage: `GET /v1/organization/usage/images`, and the dashboard's export of the same as CSV.

Fields: https://developers.openai.com/api/docs/api-reference/usage and the types of the `openai` package 3.54
(`types/admin/organization/usage_images_response.py`): pages of buckets of 1m, 1h or 1d, whose results hold `images`,
`num_model_requests` and, where grouped by them, `model`, `size`, `source`, `project_id`, `api_key_id`, `user_id`.
The CSV has `start_time`, `end_time` (seconds) and the fields of a result, counts as `3.0`, and empty cells in empty
buckets.

Not confirmed against a real export: the CSV of images (its likeness to the one of completions is assumed), and which
sizes GPT Image reports (the documented filter lists those of DALL-E only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .buckets import TIMES, buckets_of
from .cells import count, parted_by, refused, shown_key, shown_name, size_of, word
from .uses import Kind, MorePages, Span, Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .buckets import Bucket
    from .uses import Event, Row

__all__ = ["RESULT", "SOURCE", "read_openai_usage"]

SOURCE = "openai-usage"
RESULT = "organization.usage.images.result"
_NUMBERS = TIMES | {"images", "num_model_requests"}


def read_openai_usage(rows: Iterable[Row]) -> Iterator[Event]:
    """Images by bucket and whatever the export was grouped by; no money.

    Raises:
        PlannerError: a bucket that ends before it begins, a missing or impossible count, or another kind of usage.
    """
    for row in rows:
        for bucket in buckets_of(row):
            yield Span(bucket.place, SOURCE, bucket.begin, bucket.end)
            for place, result in bucket.results:
                yield from _use(place, bucket, result)
            if bucket.more:
                yield MorePages(SOURCE, bucket.end)


def _use(place: str, bucket: Bucket, result: dict[str, object]) -> Iterator[Event]:
    kind = result.get("object")
    if kind not in (None, "", RESULT):
        raise refused(place, kind, key="object", problem="not the usage of images",
                      remedy="fetch /v1/organization/usage/images, or export images alone")
    if result.get("images") in (None, "") and kind is None:
        return  # an empty bucket of the dashboard's CSV
    told = parted_by(result, _NUMBERS)
    images = count(place, result.get("images"), key="images")
    if not images:
        return
    model, asked = shown_name(told.get("model")), result.get("num_model_requests")
    yield Use(
        place, bucket.begin, bucket.end,
        Kind(SOURCE, (f"openai/{model}",) if model else (), size_of(told.get("size")), None,
             "edit" if word(told.get("source")) in ("image.edit", "image.variation") else "generate"),
        images, None if asked in (None, "") else count(place, asked, key="num_model_requests"), None,
        shown_name(told.get("project_id")), shown_key(told.get("api_key_id")),
        repr((bucket.begin, bucket.end, sorted(told.items()))), frozenset(told))
