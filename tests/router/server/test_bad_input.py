"""What cannot be honoured: an error in OpenAI's shape, one row in the books, nothing paid, no fault of the server."""

from __future__ import annotations

import http.client
import json
import re
import struct
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .serving import BFL, GPU, KLEIN, OPENAI, Server, form, metric, png

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(OPENAI, BFL, GPU, server="most_body_mib = 48")


@pytest.fixture(autouse=True)
def one_row_nothing_paid(server: Server) -> Any:
    """Every test of this file sends one request that is refused."""
    requests, attempts = len(server.requests()), len(server.attempts())
    faults = metric(server.ask("/metrics").body.decode(), "breakeven_faults_total")
    yield
    rows = server.requests()[requests:]
    assert [row["state"] for row in rows] == ["rejected"]
    assert 400 <= rows[0]["http_status"] < 500
    assert rows[0]["code"]
    assert len(server.attempts()) == attempts
    assert metric(server.ask("/metrics").body.decode(), "breakeven_faults_total") == faults


def refused(answer: Any, status: int, param: str | None, code: str = "") -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.error) == {"message", "type", "param", "code"}
    assert answer.error["param"] == param, answer.error
    assert re.fullmatch(r"[a-z_]+", answer.error["code"])
    assert code in ("", answer.error["code"])
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("fields", "param"), [
    ({"size": "big"}, "size"), ({"size": "1000x1000"}, "size"), ({"size": "8192x8192"}, "size"),
    ({"size": "16x16"}, "size"), ({"size": "99999999x1"}, "size"), ({"n": 0}, "n"), ({"n": 11}, "n"),
    ({"n": "two"}, "n"), ({"n": "--5"}, "n"), ({"n": True}, "n"), ({"n": 10**400}, "n"), ({"n": 1.5}, "n"),
    ({"n": []}, "n"),
    ({"prompt": ""}, "prompt"), ({"prompt": "x" * 32_001}, "prompt"), ({"prompt": ["x"]}, "prompt"),
    ({"prompt": None}, "prompt"), ({"prompt": "a \ud800 b"}, "prompt"), ({"prompt": "a \0 b"}, "prompt"),
    ({"model": "no-such-model"}, "model"), ({"model": "x" * 5000}, "model"), ({"model": "a\nb"}, "model"),
    ({"model": 7}, "model"), ({"model": "\ud800"}, "model"), ({"model": "gpt-image-2", "quality": "ultra"}, "quality"),
    ({"quality": "x" * 5000}, "quality"), ({"quality": 7}, "quality"), ({"output_format": "tiff"}, "output_format"),
    ({"output_compression": 101}, "output_compression"), ({"background": "pink"}, "background"),
    ({"background": "transparent", "output_format": "jpeg"}, "background"), ({"stream": "maybe"}, "stream"),
    ({"stream": True, "partial_images": 4}, "partial_images"),
    ({"response_format": "file"}, "response_format"), ({"seed": -1}, "seed"), ({"steps": 0}, "steps"),
    ({"user": "x" * 201}, "safety_identifier"), ({"moderation": "none"}, "moderation"),
    ({"model": "gpt-image-2", "size": "1024x1024", "steps": 4}, "steps"),
])
def test_a_parameter_that_cannot_be_honoured_is_named(server: Server, fields: dict[str, Any], param: str) -> None:
    refused(server.generate(**fields), 404 if fields.get("model") == "no-such-model" else 400, param)


@pytest.mark.parametrize(("routing", "param"), [
    ({"segmnt": "bulk"}, "routing"), ("[1]", "routing"), ("{", "routing"), ([], "routing"),
    ({"data_class": "secret"}, "routing.data_class"), ({"deadline_s": -1}, "routing.deadline_s"),
    ({"deadline_s": "soon"}, "routing.deadline_s"), ({"deadline_s": 10**30}, "routing.deadline_s"),
    ({"deadline_s": 0.001}, "routing.deadline_s"), ({"max_usd": "cheap"}, "routing.max_usd"),
    ({"max_usd": "NaN"}, "routing.max_usd"), ({"tags": {"a": 1}}, "routing.tags"), ({"tags": ["a"]}, "routing.tags"),
    ({"tags": {str(at): "x" for at in range(17)}}, "routing.tags"), ({"segment": "x" * 201}, "routing.segment"),
    ({"segment": "a\u202eb"}, "routing.segment"), ({"text": "all"}, "routing.text"), ({"lora": 7}, "routing.lora"),
    ({"lora": {"name": "x", "scale": 99}}, "routing.lora"), ({"lora": "brand"}, "routing.lora"),
    ({"lora": "x" * 500}, "routing.lora"), ({"residency": "mars"}, "routing.residency"),
])
def test_a_routing_key_that_cannot_be_honoured_is_named(server: Server, routing: Any, param: str) -> None:
    refused(server.generate(routing=routing), 400, param)


def test_restricted_data_without_a_fitting_own_host_is_refused(server: Server) -> None:
    answer = server.generate(model="bfl/flux-2-pro", routing={"data_class": "restricted"})
    refused(answer, 400, "routing.data_class", "data_class")


def test_a_limit_of_money_says_so(server: Server) -> None:
    answer = server.generate(model="gpt-image-2", size="1024x1024", routing={"max_usd": "0.0001"})
    refused(answer, 402, "routing.max_usd", "max_usd")


@pytest.mark.parametrize(("body", "status"), [
    (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b'"text"', 400), (b"\xff\xfe", 400),
    (b"[" * 100_000, 400), (b'{"prompt": ' + b"9" * 5000 + b"}", 400),
])
def test_a_body_that_is_no_json_object(server: Server, body: bytes, status: int) -> None:
    refused(server.ask("/v1/images/generations", body), status, "body", "invalid_json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
def test_another_content_type(server: Server, kind: str) -> None:
    refused(server.ask("/v1/images/generations", b"{}", content_type=kind), 415, "content-type")


@pytest.mark.parametrize(("body", "kind"), [
    (b"no parts at all", "multipart/form-data; boundary=b0undary"), (b"", "multipart/form-data"),
    (b"--b0undary\r\n\r\n\r\nx\r\n--b0undary--", "multipart/form-data; boundary=b0undary"),
    (b'--b0undary\r\nContent-Disposition: form-data; name="n"\r\n', "multipart/form-data; boundary=b0undary"),
    (b"--b0undary\r\n" + b"x" * 100_000 + b": y\r\n\r\n--b0undary--\r\n", "multipart/form-data; boundary=b0undary"),
    (b"--b0undary\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b0undary--\r\n",
     "multipart/form-data; boundary=b0undary"), (b"x", "multipart/form-data; boundary=" + "b" * 300),
])
def test_a_form_that_is_none(server: Server, body: bytes, kind: str) -> None:
    answer = server.ask("/v1/images/edits", body, content_type=kind)
    assert answer.status == 400, answer.body
    assert answer.error["param"] in ("body", "image", "prompt")


def sized_png(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(data)) + name + data
                                           + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)


@pytest.mark.parametrize(("data", "says"), [
    (b"", "nothing at all"), (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "SVG"),
    (b"<!doctype html><html><body>Sign in</body></html>", "HTML"), (b"GIF89a" + b"\1\0\1\0" + b"\0" * 40 + b";", "gif"),
    (png()[:-20], "cut off"), (sized_png(60_000, 60_000), "60000x60000"), (sized_png(0, 5), "size"),
    (b"%PDF-1.7" * 9, "72"),
])
def test_a_file_that_is_no_picture(server: Server, data: bytes, says: str) -> None:
    body, kind = form(("image", data, "a.png", "image/png"), ("prompt", b"make it blue", "", ""))
    answer = server.ask("/v1/images/edits", body, content_type=kind)
    refused(answer, 400, "image", "invalid_image")
    assert says in answer.error["message"]


@pytest.mark.parametrize(("parts", "param"), [
    ([("prompt", b"make it blue", "", "")], "image"), ([("image", png(), "a.png", "image/png")], "prompt"),
    ([("image", png(), "a.png", "image/png"), ("mask", png(64, 64), "m.png", "image/png"),
      ("prompt", b"make it blue", "", "")], "mask"),
    ([("image[]", png(), "a.png", "image/png")] * 17 + [("prompt", b"make it blue", "", "")], "image"),
    ([("image", png(), "a.png", "image/png"), ("prompt", b"\xff\xfe", "", "")], "body"),
    ([("image", png(), "a.png", "image/png"), ("prompt", b"x" * 300_000, "", "")], "prompt"),
    ([("image", png(), "a.png", "image/png"), ("prompt", b"blue", "", ""), ("routing", b"{", "", "")], "routing"),
    ([("image", png(), "a.png", "image/png"), ("prompt", b"blue", "", ""), ("model", KLEIN.encode(), "", ""),
      ("mask", png(), "m.png", "image/png")], "mask"),
])
def test_an_edit_that_cannot_be_honoured(server: Server, parts: list[Any], param: str) -> None:
    body, kind = form(*parts)
    answer = server.ask("/v1/images/edits", body, content_type=kind)
    refused(answer, 413 if len(parts[1:2]) and parts[1][1][:3] == b"xxx" else 400, param)


def memory_mib(server: Server, what: str = "VmHWM") -> float:
    found = re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def test_a_reference_of_40_mb_is_refused_before_all_of_it_is_read(server: Server) -> None:
    before = memory_mib(server)
    body, kind = form(("image", b"\x89PNG\r\n\x1a\n" + b"x" * 40_000_000, "a.png", "image/png"))
    refused(server.ask("/v1/images/edits", body, content_type=kind), 413, "image", "too_large")
    assert memory_mib(server) - before < 60


def test_a_body_above_the_limit_is_refused_by_the_length_it_states(server: Server) -> None:
    line = http.client.HTTPConnection(server.host, timeout=10)
    line.putrequest("POST", "/v1/images/generations")
    line.putheader("content-type", "application/json")
    line.putheader("content-length", str(10**12))
    line.endheaders()
    began = time.monotonic()
    answer = line.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["code"]) == (413, "too_large")
    assert time.monotonic() - began < 2
    line.close()


def test_a_body_without_a_length_is_counted_as_it_comes(server: Server) -> None:
    line = http.client.HTTPConnection(server.host, timeout=30)
    line.request("POST", "/v1/images/generations", iter([b" " * 1_000_000] * 55), {
        "content-type": "application/json"}, encode_chunked=True)
    answer = line.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["code"]) == (413, "too_large")
    line.close()


ADDRESSES = [
    "http://example.com/a.png", "https://127.0.0.1/a.png", "https://127.1/a.png", "https://2130706433/a.png",
    "https://0x7f000001/a.png", "https://017700000001/a.png", "https://\uff11\uff12\uff17.0.0.1/a.png",
    "https://127\u30020\u30020\u30021/a.png", "https://[::1]/a.png", "https://[::]/a.png", "https://[fe80::1%25lo]/a.png",
    "https://[::ffff:127.0.0.1]/a.png", "https://[::ffff:7f00:1]/a.png", "https://[64:ff9b::7f00:1]/a.png",
    "https://[2002:7f00:1::]/a.png", "https://10.0.0.7/a.png", "https://172.16.0.1/a.png", "https://192.168.1.1/a.png",
    "https://100.64.0.1/a.png", "https://169.254.169.254/latest/meta-data/", "https://0.0.0.0/a.png",
    "https://localhost/a.png", "https://LOCALHOST./a.png", "https://user:pw@example.com/a.png", "https:///a.png",
    "https://[::1/a.png", "https://h:99999/a.png", "ftp://example.com/a.png", "file:///etc/passwd", "gopher://x/",
    "//example.com/a.png", "a.png", "https://x/" + "y" * 3000, "https://224.0.0.1/a.png",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_inside_our_network_is_never_asked(server: Server, url: str) -> None:
    began = time.monotonic()
    answer = server.ask("/v1/images/edits", {"prompt": "make it blue", "images": [{"image_url": url}]})
    refused(answer, 400, "images[0]", "invalid_url")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(("images", "param", "code"), [
    ([], "image", "missing_image"), ([{"file_id": "file-1"}], "images[0]", "invalid_image"),
    ([{"image_url": 7}], "images[0]", "invalid_image"), ([None], "images[0]", "invalid_image"),
    ([{"image_url": "data:image/png;base64"}], "images[0]", "invalid_url"),
    ([{"image_url": "data:image/png;base64,%%%"}], "images[0]", "invalid_url"),
    ([{"image_url": "data:text/html,<html>"}], "images[0]", "invalid_image"),
    ([{"image_url": "data:image/svg+xml,%3Csvg%3E" + "x" * 60}], "images[0]", "invalid_image"),
    ([{"image_url": "data:image/png;base64," + "A" * 36_000_000}], "images[0]", "too_large"),
    (["https://example.com/a.png"] * 17, "images", "too_many_images"),
])
def test_images_of_a_json_edit(server: Server, images: list[Any], param: str, code: str) -> None:
    answer = server.ask("/v1/images/edits", {"prompt": "make it blue", "images": images})
    refused(answer, 413 if code == "too_large" else 400, param, code)


@pytest.mark.parametrize("key", ["k" * 256, "sch\u00f6n"])
def test_a_key_that_cannot_be_kept(server: Server, key: str) -> None:
    answer = server.generate(headers={"idempotency_key": key.encode().decode("latin-1")})
    refused(answer, 400, "Idempotency-Key")


def test_the_size_of_an_own_host_is_named_before_the_class_of_data(server: Server) -> None:
    answer = server.generate(size="4096x4096", routing={"data_class": "restricted"}, model=None)
    refused(answer, 400, "size", "too_large")

