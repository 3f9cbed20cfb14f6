"""OpenAI's costs: `GET /v1/organization/costs`, and the dashboard's export of the same as CSV.

Fields: https://developers.openai.com/api/docs/api-reference/usage and the types of the `openai` package 3.54
(`types/admin/organization/usage_costs_response.py`): daily buckets, whose results hold `amount` (`value`, `currency`)
and, where grouped by them, `line_item` and `project_id`. The CSV has `amount_value`, `amount_currency`, `line_item` and
empty cells in empty buckets, as public converters read it. Items of image models are named `gpt-image-2 image, output`
or `gpt-image-2, output_tokens`; both begin with the model.

Not confirmed against a real export: the exact names of the items of GPT Image 2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .buckets import TIMES, buckets_of
from .cells import amount, parted_by, refused, shown_name, table, usd
from .uses import Charge, MorePages, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .buckets import Bucket
    from .uses import Event, Row

__all__ = ["RESULT", "SOURCE", "read_openai_costs"]

SOURCE = "openai-costs"
RESULT = "organization.costs.result"
_IMAGE_MODEL = re.compile(r"((?:chatgpt|gpt)-image[a-z0-9.\-]*|dall-e-\d)(?![a-z0-9])", re.IGNORECASE)
_NUMBERS = TIMES | {"amount", "amount_value", "amount_currency", "quantity", "quantity_unit"}


def read_openai_costs(rows: Iterable[Row]) -> Iterator[Event]:
    """Money by bucket and item; no images.

    Raises:
        PlannerError: a bucket that ends before it begins, an amount that is negative or not in USD.
    """
    for row in rows:
        for bucket in buckets_of(row):
            yield Span(bucket.place, SOURCE, bucket.begin, bucket.end)
            for place, result in bucket.results:
                yield from _charge(place, bucket, result)
            if bucket.more:
                yield MorePages(SOURCE, bucket.end)


def _charge(place: str, bucket: Bucket, result: dict[str, object]) -> Iterator[Event]:
    kind = result.get("object")
    if kind not in (None, "", RESULT):
        raise refused(place, kind, key="object", problem="not costs", remedy="fetch /v1/organization/costs")
    money = table(result.get("amount"))
    value = money.get("value", result.get("amount_value"))
    if value in (None, ""):
        return  # an empty bucket, or an item without an amount
    usd(place, money.get("currency", result.get("amount_currency")), key="currency")
    paid = amount(place, value, key="amount")
    told = parted_by(result, _NUMBERS)
    item = shown_name(told.get("line_item"))
    found = _IMAGE_MODEL.match(item)
    yield Charge(place, bucket.begin, bucket.end, paid, SOURCE, item, found[1].lower() if found else "",
                 repr((bucket.begin, bucket.end, sorted(told.items()))), frozenset(told))
