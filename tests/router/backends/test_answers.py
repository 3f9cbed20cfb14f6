"""Reading JSON around its long strings gives what `json.loads` gives, and pictures without a copy."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.backends.answers import (
    NotJson,
    as_base64,
    as_text,
    picture_texts,
    read_json,
    read_object,
    read_pictures,
    read_usage,
)
from router.backends.protocol import Usage
from router.quantities import Size
from tests.router.backends.files import base64_of, jpeg, png

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text('"\\/{}[]:,\n aNI', max_size=40)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5), max_leaves=20)


def plain(value: Any) -> Any:
    """A document with its views as text."""
    if isinstance(value, memoryview):
        return bytes(value).decode()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


@given(DOCUMENTS, st.integers(0, 12), st.sampled_from([None, 2]), st.booleans(), st.booleans())
def test_any_document_reads_as_json_loads_reads_it(document: Any, long: int, indent: int | None, ascii_only: bool,
                                                   slashes: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    body = (text.replace("/", "\\/") if slashes else text).encode()
    for data in (body, bytearray(body), b"\xef\xbb\xbf" + body):
        assert plain(read_json(data, long=long)) == json.loads(data)


@given(DOCUMENTS, st.data())
def test_a_document_cut_anywhere_is_none_or_json_all_the_same(document: Any, data: st.DataObject) -> None:
    body = json.dumps(document).encode()
    cut = body[:data.draw(st.integers(0, len(body)))]
    try:
        expected = json.loads(cut)
    except ValueError:
        with pytest.raises(NotJson):
            read_json(cut, long=0)
    else:
        assert plain(read_json(cut, long=0)) == expected


@given(st.binary(max_size=200) | st.text('"\\{}[]:,NaInfity-0', max_size=60).map(str.encode), st.integers(0, 4))
def test_any_bytes_are_read_or_refused(body: bytes, long: int) -> None:
    with contextlib.suppress(NotJson):
        read_json(body, long=long)


@pytest.mark.parametrize("body", [
    b"", b"{", b'{"a": "b', b'{"a": "b\\"}', b"<html></html>", b'{"a": NaN}', b'[NaN, "' + b"a" * 2000 + b'"]',
    b'{"a": Infinity}', b"[" * 100_000, b'["' + b"x" * 2000 + b'" 1]', b'"' * 300_000, b"\xff\xfe{\x00}\x00"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        read_json(body)


def test_an_object_is_wanted() -> None:
    assert read_object(b'{"a": 1}') == {"a": 1}
    with pytest.raises(NotJson):
        read_object(b"[1]")


def test_a_picture_is_a_view_of_the_answer_and_no_copy() -> None:
    text = base64_of(png(512, 512, padding=9000))
    body = bytearray(json.dumps({"data": [{"b64_json": text}], "usage": {"input_tokens": 1}}).encode())
    found = read_json(body)["data"][0]["b64_json"]
    assert isinstance(found, memoryview)
    assert found.obj is body
    pictures, bad = read_pictures([found])
    assert (bad, pictures[0].size) == (0, Size(512, 512))
    assert pictures[0].as_bytes() == png(512, 512, padding=9000)


@pytest.mark.parametrize("text", [
    base64_of(png(512, 512, padding=9000)).replace("/", "\\/"),
    base64_of(png(512, 512, padding=9000)).replace("+", "\\u002b"),
    base64_of(png(512, 512, padding=9000)).replace("/", "\\u002F").replace("+", "\\u002B"),
])
def test_an_escaped_picture_is_the_same(text: str) -> None:
    found = read_json(f'{{"b64_json" : "{text}"}}'.encode())["b64_json"]
    assert bytes(found).decode() == base64_of(png(512, 512, padding=9000))


def test_long_keys_stay_keys() -> None:
    key = "k" * 3000
    assert plain(read_json(json.dumps({key: "v" * 3000, "w": {key: key}}).encode())) == {
        key: "v" * 3000, "w": {key: key}}


@pytest.mark.parametrize(("document", "expected"), [
    ({}, []), ({"data": []}, []), ({"data": None}, []), ({"data": "x"}, []), ({"data": [None, 1]}, [None, None]),
    ({"data": [{"b64_json": "a"}, {"url": "http://b"}, {"b64_json": None, "url": "c"}]}, ["a", "http://b", "c"])])
def test_what_stands_for_pictures(document: dict[str, Any], expected: list[object]) -> None:
    assert picture_texts(document) == expected


def test_only_whole_pictures_are_pictures() -> None:
    good = base64_of(png(8, 8))
    texts: list[object] = [good, memoryview(base64_of(jpeg(8, 16)).encode()), f"data:image/png;base64,{good}", None, 5,
                           "", good[:-8], "\ud800", base64_of(b"<html>" * 20)]
    pictures, bad = read_pictures(texts)
    assert ([str(picture.size) for picture in pictures], bad) == (["8x8", "8x16", "8x8"], 6)


def test_text_and_base64_of_any_value() -> None:
    assert (as_text("a"), as_text(memoryview(b"b")), as_text(None), as_text(5)) == ("a", "b", "", "")
    assert (bytes(as_base64("data:a/b;base64,QQ==")), bytes(as_base64(7))) == (b"QQ==", b"")


@pytest.mark.parametrize(("usage", "expected"), [
    ({"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}, "output_tokens": 1056,
      "output_tokens_details": {"image_tokens": 1000, "text_tokens": 56}}, Usage(10, 40, 1000, 56)),
    ({"input_tokens": 50, "output_tokens": 1056}, Usage(50, 0, 1056, 0)),
    ({"input_tokens": 50, "input_tokens_details": {"image_tokens": 20}, "output_tokens": 9,
      "output_tokens_details": None}, Usage(30, 20, 9, 0)),
    ({"input_tokens": True, "output_tokens": 9}, None), ({"input_tokens": -1, "output_tokens": 9}, None),
    ({"prompt_tokens": 5}, None), ("many", None), (None, None)])
def test_tokens_of_an_answer(usage: object, expected: Usage | None) -> None:
    assert read_usage({"usage": usage}) == expected
