"""Each reader on a small file of its documented format, and what it refuses."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from usage_pages import BILLS, COSTS, OCTOBER_1, USAGE, bucket, page, result

from planner.bills.exports import events_of_file
from planner.bills.files import read_rows
from planner.bills.uses import Charge, MorePages, Passed, Span, Use
from planner.errors import PlannerError
from router.quantities import Size

if TYPE_CHECKING:
    from pathlib import Path

    from planner.bills.uses import Event

def events(path: Path, told: str = "auto") -> list[Event]:
    return list(events_of_file(path, told))


def uses(path: Path) -> list[Use]:
    return [event for event in events(path) if isinstance(event, Use)]


def test_openai_usage_as_pages() -> None:
    found = events(USAGE)
    assert sum(isinstance(event, Span) for event in found) == 7
    first = uses(USAGE)[0]
    assert (first.images, first.requests, first.usd) == (412, 380, None)
    assert first.kind.names == ("openai/gpt-image-2-2026-04-21",)
    assert first.kind.size == Size(1024, 1024)
    assert (first.project, first.key) == ("proj_catalogue", "key_...mWpA")
    assert first.end - first.begin == 86_400


def test_openai_usage_as_csv_with_empty_hours_and_counts_with_a_point() -> None:
    found = uses(BILLS / "openai_usage.csv")
    assert [(use.images, use.requests, use.kind.operation) for use in found] == [
        (12, 3, "generate"), (2, 2, "edit"), (6, 5, "generate")]
    assert found[0].begin == OCTOBER_1 + 9 * 3600


def test_a_page_that_others_follow_says_so(tmp_path: Path) -> None:
    found = events(page(tmp_path / "a.json", bucket(result()), more=True))
    assert MorePages("openai-usage", OCTOBER_1 + 86_400) in found


def test_openai_costs_tell_image_models_from_others() -> None:
    charges = [event for event in events(COSTS) if isinstance(event, Charge)]
    assert {(charge.item, charge.model) for charge in charges} == {
        ("gpt-image-2 image, output", "gpt-image-2"), ("gpt-image-2 text, input", "gpt-image-2"),
        ("gpt-5-mini, output_tokens", "")}
    found = [event for event in events(BILLS / "openai_costs.csv") if isinstance(event, Charge)]
    assert [(charge.usd, charge.model) for charge in found] == [
        (Decimal("1.05"), "gpt-image-2"), (Decimal("0.012"), "gpt-image-2"), (Decimal("3.5"), "")]


@pytest.mark.parametrize(("item", "model"), [
    ("gpt-image-2, output_tokens", "gpt-image-2"), ("GPT-Image-2.5-flare image, output", "gpt-image-2.5-flare"),
    ("dall-e-3", "dall-e-3"), ("chatgpt-image-latest, input", "chatgpt-image-latest"), ("gpt-5-mini, input", ""),
    ("my gpt-image-2", "")])
def test_an_item_of_an_image_model_begins_with_its_name(tmp_path: Path, item: str, model: str) -> None:
    path = page(tmp_path / "costs.json", bucket({"object": "organization.costs.result", "line_item": item,
                                                 "amount": {"value": 1, "currency": "usd"}}))
    assert [event.model for event in events(path) if isinstance(event, Charge)] == [model]


def test_litellm_reads_what_was_stored_and_no_prompt() -> None:
    path = BILLS / "litellm.json"
    high, flux, edit = uses(path)
    assert (high.kind.names, high.kind.quality, high.kind.size) == (("openai/gpt-image-2",), "high", Size(1024, 1024))
    assert (high.usd, high.key) == (Decimal("0.2107"), "88dc...6b4b")
    assert (flux.images, flux.kind.names) == (2, ("fal/fal-ai/flux-2-pro",))
    assert (edit.usd, edit.kind.operation) == (None, "edit")
    assert "one image a request" in edit.assumed
    assert any("not as free" in words for words in edit.assumed)
    assert sorted(event.why for event in events(path) if isinstance(event, Passed)) == [
        "answers from LiteLLM's cache", "calls that make no image", "failed requests"]
    assert "DO NOT SHOW" not in repr(events(path))
    assert "shorttest" not in repr(events(path))


def test_litellm_pages_of_the_log_view(tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    path.write_text(json.dumps({"data": json.loads((BILLS / "litellm.json").read_text()), "total": 6, "page": 1}))
    assert [use.images for use in uses(path)] == [1, 2, 1]


def test_further_pages_of_fal_and_replicate_are_noted(tmp_path: Path) -> None:
    for name, keys in (("fal", {"has_more": True}), ("replicate", {"next": "https://api.replicate.com/v1/predictions"})):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(json.loads((BILLS / f"{name}.json").read_text()) | keys))
        assert sum(isinstance(event, MorePages) for event in events(path)) == 1
        assert not any(isinstance(event, MorePages) for event in events(BILLS / f"{name}.json"))


def test_litellm_rows_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "spend.csv"
    path.write_text('request_id,call_type,startTime,spend,model,custom_llm_provider,proxy_server_request\n'
                    'r1,image_generation,2026-10-01 08:00:00.5,0.4,gpt-image-2,openai,"{""n"": 3, ""user"": ""x""}"\n')
    assert [(use.images, use.usd) for use in uses(path)] == [(3, Decimal("0.4"))]


def test_bfl_credits_are_cents() -> None:
    first, _, wide, _ = uses(BILLS / "bfl.csv")
    assert first.usd == Decimal("0.03")
    assert wide.kind.size == Size(1536, 1024)


def test_bfl_by_day(tmp_path: Path) -> None:
    path = tmp_path / "bfl.csv"
    path.write_text("date,model,images,credits\n2026-10-01,/v1/flux-2-pro,40,120\n")
    (use,) = uses(path)
    assert (use.images, use.usd, use.requests, use.end - use.begin) == (40, Decimal("1.2"), None, 86_400)


def test_fal_counts_images_and_megapixels_and_passes_over_seconds() -> None:
    found = events(BILLS / "fal.json")
    by_model = [(use.kind.names[-1], use.images, use.usd) for use in found if isinstance(use, Use)]
    assert by_model == [("fal/fal-ai/flux-2-pro", 40, Decimal("1.2")), ("fal/openai/gpt-image-2", 4, Decimal("0.212")),
                        ("fal/fal-ai/flux-2-pro", 20, Decimal("0.54"))]
    assert Passed("fal", "usage billed by the second") in found
    assert {event.end - event.begin for event in found if isinstance(event, Span)} == {86_400}


def test_replicate_counts_what_succeeded() -> None:
    kept, removed = uses(BILLS / "replicate.json")
    assert (kept.kind.size, kept.assumed) == (Size(1024, 768), ())
    assert (removed.kind.size, removed.assumed) == (None, ("one image a request",))
    assert "DO NOT SHOW" not in repr(events(BILLS / "replicate.json"))


def test_json_lines_and_arrays_and_lone_objects_are_read_alike(tmp_path: Path) -> None:
    rows = json.loads((BILLS / "litellm.json").read_text())
    lines, dense = tmp_path / "a.jsonl", tmp_path / "b.json"
    lines.write_text("\n".join(map(json.dumps, rows)))
    dense.write_text("\ufeff" + json.dumps(rows, separators=(",", ":")))
    told = [(use.images, use.usd) for use in uses(BILLS / "litellm.json")]
    assert [(use.images, use.usd) for use in uses(lines)] == told
    assert [(use.images, use.usd) for use in uses(dense)] == told


def test_documents_larger_than_the_window_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text(json.dumps([{"number": number, "text": "x" * 70_000} for number in range(5)], indent=1))
    rows = list(read_rows(path))
    assert [row.cells["number"] for row in rows] == [0, 1, 2, 3, 4]
    assert [int(row.place.rpartition(":")[2]) for row in rows] == [2, 6, 10, 14, 18]


BAD_FILES = {
    "empty": ("", "empty; give the export"),
    "blank": ("\n  \n", "empty; give the export"),
    "header": ("start_time,end_time,images\n", "no row in it"),
    "prose": ("dear team\nhere are the numbers\n", "no known export"),
    "cut array": ('[{"call_type": "x", "startTime": 1, "spend": 1, "model": ""}', "cut off: its list has no end"),
    "cut object": ('{"object": "page", "data": [{"object": "buck', "a.txt:1: the JSON is cut off"),
    "no json": ('{"object": page}', "a.txt:1: no JSON"),
    "numbers": ("[1, 2]", "not a JSON object"),
    "nan": ('{"spend": NaN}', "a number or a nesting"),
    "exponent": ('{"spend": 1e99999999999999999999}', "a number or a nesting"),
    "long number": ('{"spend": ' + "9" * 5000 + "}", "a number or a nesting"),
    "a list for a name": ('{"object": "page", "data": [{"results": [{"object": []}]}]}', "neither usage of images"),
    "deep": ("[" + '{"a":' * 100_000, "a number or a nesting"),
    "completions": ('{"object": "page", "data": [{"results": [{"object": "organization.usage.completions.result"}]}]}',
                    "neither usage of images nor costs"),
    "only empty": ('{"object": "page", "data": [{"start_time": 1790812800, "end_time": 1790899200, "results": []}]}',
                   "only empty buckets"),
    "cut line": ("start_time,end_time,images\n1790812800,1790899200\n", "a.txt:2: 2 cells under 3 column names"),
    "stray quote": ('start_time,end_time,images\n1790812800,1790899200,"' + "3" * 140_000, "no CSV that can be read"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    text, told = BAD_FILES[name]
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(PlannerError) as error:
        events(path)
    assert told in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("told", "says"), [
    ({"images": -3}, "images = -3: negative"), ({"images": "many"}, "images = 'many': no number"),
    ({"images": 2.5}, "images = 2.5: no count"), ({"images": True}, "images = True: no number"),
    ({"images": None}, "images = None: no number"), ({"num_model_requests": 10**12}, "no count"),
    ({"object": "organization.usage.embeddings.result"}, "not the usage of images")])
def test_a_bad_count_is_refused_with_its_place(tmp_path: Path, told: dict[str, Any], says: str) -> None:
    path = page(tmp_path / "usage.json", bucket(result(**told)))
    with pytest.raises(PlannerError, match=r"usage\.json:1: data\[0\]\.results\[0\]: ") as error:
        events(path, "openai-usage")
    assert says in str(error.value)


@pytest.mark.parametrize(("start", "end", "says"), [
    (OCTOBER_1, OCTOBER_1, "ends before it begins"), (OCTOBER_1, OCTOBER_1 - 1, "ends before it begins"),
    (0, OCTOBER_1, "no instant"), ("soon", OCTOBER_1, "no instant"), (None, OCTOBER_1, "no instant")])
def test_a_bucket_that_runs_backwards_is_refused(tmp_path: Path, start: Any, end: Any, says: str) -> None:
    path = page(tmp_path / "usage.json", bucket(result(), start=start, end=end))
    with pytest.raises(PlannerError, match=says):
        events(path)


@pytest.mark.parametrize(("amount", "says"), [
    ({"value": -1, "currency": "usd"}, "negative"),
    ({"value": 1, "currency": "eur"}, "currency = 'eur': not US dollars"),
    ({"value": "1e999999", "currency": "usd"}, "too much"), ({"value": "Infinity", "currency": "usd"}, "no number")])
def test_a_bad_amount_is_refused(tmp_path: Path, amount: dict[str, Any], says: str) -> None:
    path = page(tmp_path / "costs.json", bucket({"object": "organization.costs.result", "amount": amount}))
    with pytest.raises(PlannerError, match=says):
        events(path)


@pytest.mark.parametrize(("name", "text", "says"), [
    ("litellm", "startTime,spend\n2026-10-01,1\n", "call_type = '': missing"),
    ("litellm", "call_type,startTime,spend,model\nimage_generation,x,1,gpt-image-2\n", "startTime = 'x': no instant"),
    ("bfl", "date,model,credits\n2026-10-01,,3\n", "model = None: missing"),
    ("bfl", "date,model,credits\n2026-10-01,flux-2-pro,-3\n", "credits = '-3': negative"),
    ("bfl", "date,model,credits,currency\n2026-10-01,flux-2-pro,3,EUR\n", "not US dollars"),
    ("fal", "date,endpoint_id,quantity,unit,cost\n2026-10-01,,3,image,1\n", "endpoint_id = '': missing"),
    ("fal", "date,endpoint_id,quantity,unit,cost\n2026-10-01,fal-ai/flux-2-pro,3,image,x\n", "cost = 'x': no number"),
    ("replicate", "created_at,status,version\n,succeeded,hidden\n", "created_at = '': missing")])
def test_a_missing_or_bad_cell_is_refused_with_its_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = tmp_path / "export.csv"
    path.write_text(text)
    with pytest.raises(PlannerError, match=r"export\.csv:2: ") as error:
        events(path, name)
    assert says in str(error.value)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="cannot be read"):
        events(tmp_path / "none.csv")
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04\xff\xfe\xfa")
    with pytest.raises(PlannerError, match="not UTF-8; unpack it"):
        events(tmp_path / "a.zip")
