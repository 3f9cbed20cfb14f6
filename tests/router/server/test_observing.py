"""Metrics that agree with the books, spans, the API's document, and that no prompt, key or picture leaks anywhere."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from router.building import policy_of, settings_of
from router.live import Router
from router.server.app import make_app
from router.server.openapi import openapi_document
from router.server.tracing import Tracing

from .serving import BFL, GPU, KLEIN, OPENAI, SMALL, Server, form, metric, png, tenant, write_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY, KEEPER = "sk-acme-very-secret", "sk-keeper-very-secret"
SECRET = "a violet walrus juggling"  # noqa: S105 (a prompt)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    """A server that has seen all kinds of ends."""
    made = serve(OPENAI, BFL, GPU, tenant("acme", KEY), tenant("keeper", KEEPER, "keep_prompts = true"))
    for prompt, fields in (
            (SECRET, {}), (SECRET, {"n": 3}), (f"{SECRET} sandbox:refuse", {}), (f"{SECRET} sandbox:fail", {}),
            (f"{SECRET} sandbox:empty", {}), (SECRET, {"stream": True, "partial_images": 1, "model": "gpt-image-2",
                                                       "size": "1024x1024"}),
            (SECRET, {"size": "1000x1000"}), (SECRET, {"model": "bfl/flux-2-pro", "size": "1024x1024"}),
            (SECRET, {"model": "no-such-model"}), (SECRET, {"routing": {"deadline_s": 0.001}})):
        made.generate(prompt, key=KEY, **fields)
    made.generate(SECRET, key=KEY, headers={"idempotency_key": "once"})
    made.generate(SECRET, key=KEY, headers={"idempotency_key": "once"})
    made.generate(SECRET, key="sk-unknown-very-secret")
    body, kind = form(("image", png(), "a.png", "image/png"), ("prompt", SECRET.encode(), "", ""))
    made.ask("/v1/images/edits", body, key=KEY, content_type=kind)
    made.ask("/v1/images/edits", SECRET.encode(), key=KEY, content_type=kind)
    made.ask("/v1/images/generations", SECRET.encode(), key=KEY)
    made.ask("/v1/images/generations", {"prompt": [SECRET]}, key=KEY)
    return made


def test_metrics_and_books_agree(server: Server) -> None:
    page = server.ask("/metrics", key=KEY).body.decode()
    settled = server.rows("SELECT sum(settled_micro_usd) AS usd, count(*) AS attempts FROM attempts")[0]
    assert settled["usd"] > 0
    assert metric(page, "breakeven_usd_total") == pytest.approx(settled["usd"] / 1e6, abs=1e-9)
    assert metric(page, "breakeven_attempts_total") == settled["attempts"]
    sent = server.rows("SELECT n_delivered FROM requests WHERE state != 'rejected'")
    assert metric(page, "breakeven_requests_total") == len(sent)
    assert metric(page, "breakeven_images_total") == sum(row["n_delivered"] for row in sent)
    assert metric(page, "breakeven_faults_total") == 0


def test_refused_answers_are_counted_by_path_and_status(server: Server) -> None:
    page = server.ask("/metrics", key=KEY).body.decode()
    counted = dict(re.findall(r'breakeven_answers_total\{path="/v1/images/generations",status="(\d+)"\} (\S+)', page))
    assert {"200", "400", "401", "404", "502"} <= set(counted)
    assert len(re.findall("^breakeven", page, re.MULTILINE)) < 400  # labels are few, whatever callers send


def hidden() -> list[bytes]:
    return [SECRET.encode(), b"walrus", KEY.encode(), KEEPER.encode(), b"very-secret", base64.b64encode(png())[40:90]]


def test_no_prompt_key_or_picture_is_said_or_kept(server: Server) -> None:
    page = server.ask("/metrics", key=KEY).body
    answers = [server.generate(SECRET, key=KEY, size="1000x1000"), server.generate(f"{SECRET} sandbox:fail", key=KEY),
               server.ask("/v1/images/generations", {"prompt": [SECRET]}, key=KEY),
               server.ask("/v1/images/generations", SECRET.encode(), key=KEY),
               server.ask("/v1/models", key="sk-other-very-secret")]
    told = [page, server.said.encode(), *(answer.body for answer in answers),
            *(json.dumps(answer.headers).encode() for answer in answers)]
    kept = [file.read_bytes() for file in server.folder.glob("books.sqlite*")]
    assert all(answer.status >= 400 for answer in answers)
    assert [word for word in hidden() if any(word in text for text in (*told, *kept))] == []


@pytest.mark.parametrize("raw", [
    b"GET /very-secret HTTP/9.9\r\n\r\n", b"walrus\r\n\r\n", b"GET / HTTP/1.1\r\nAuthorization very-secret\r\n\r\n",
    b"POST /v1/images/edits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode() + b"\r\nContent-Type: "
    b"multipart/form-data; boundary=b\r\nContent-Length: 90\r\n\r\n--b\r\nContent-Disposition: form-data? "
    b'name="very-secret walrus"; filename=walrus\r\n\r\nx\r\n--b--\r\n',
    b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nwalrus\r\n",
])
def test_what_is_no_http_is_not_logged(server: Server, raw: bytes) -> None:
    name, port = server.host.split(":")
    with socket.create_connection((name, int(port)), timeout=5) as line:
        line.sendall(raw)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65_536):
            pass
    assert [word for word in ("walrus", "secret", "Traceback") if word in server.said] == []


def test_a_tenant_may_have_its_prompts_kept(server: Server) -> None:
    """Last, because now a prompt stands in the books."""
    server.generate("a green walrus", key=KEEPER)
    assert server.requests()[-1]["prompt"] == "a green walrus"
    assert {row["prompt"] for row in server.requests() if row["tenant"] == "acme"} == {None}


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    from opentelemetry import trace

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


def asked(folder: Path, *bodies: dict[str, Any], headers: dict[str, str] | None = None) -> list[str]:
    write_settings(folder, f"{GPU}\ntime_scale = 0.001", f"{BFL}\ntime_scale = 0.001")

    async def told() -> list[str]:
        settings = settings_of(folder / "router.toml", {})
        async with (Router(settings, policy_of(None, {}), environ={}) as router,
                    TestClient(TestServer(make_app(router))) as client):
            heard: list[str] = []
            router.hooks.append(lambda event: heard.append(repr(event)))
            for body in bodies:
                await (await client.post("/v1/images/generations", json=body, headers=headers)).read()
            return heard

    return asyncio.run(told())


def test_spans_of_a_request_and_its_attempts(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    spans.clear()
    trace = "0af7651916cd43dd8448eb211c80319c"
    heard = asked(tmp_path, {"prompt": SECRET, "model": KLEIN, "size": SMALL},
                  {"prompt": f"{SECRET} sandbox:fail", "model": KLEIN, "size": SMALL},
                  {"prompt": SECRET, "model": KLEIN, "size": "1000x1000"},
                  headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    found = spans.get_finished_spans()
    assert {span.attributes["gen_ai.operation.name"] for span in found} == {"image_generation"}
    assert {f"{span.context.trace_id:032x}" for span in found} == {trace}
    roots = [span for span in found if "breakeven.request_id" in span.attributes]
    assert [span.status.is_ok or span.status.status_code.name for span in roots] == [True, "ERROR", "ERROR"]
    children = [span for span in found if span.parent.span_id == roots[0].context.span_id]
    assert [span.attributes["gen_ai.request.model"] for span in children] == [KLEIN]
    assert children[0].attributes["breakeven.usd_micro"] > 0
    assert "walrus" not in "".join(heard) + "".join(span.to_json() for span in found)


def test_spans_that_never_end_give_way(spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    from router.events import Event
    from router.server import tracing

    monkeypatch.setattr(tracing, "_MOST_OPEN", 3)
    hearing = Tracing()
    for number in range(9):
        hearing.hear(Event("request_decided", datetime.now(tz=UTC), f"img-{number}", option="gpu/x"))
    assert len(hearing._open) == 3


def test_the_server_works_without_opentelemetry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "opentelemetry" else sys.modules[name])
    assert len(asked(tmp_path, {"prompt": "a cat", "model": KLEIN, "size": SMALL})) == 4


def test_every_route_is_in_the_document_and_every_path_is_a_route(tmp_path: Path) -> None:
    write_settings(tmp_path, GPU)
    settings = settings_of(tmp_path / "router.toml", {})
    app = make_app(Router(settings, policy_of(None, {}), environ={}))
    routes = {(route.resource.canonical, route.method.lower()) for route in app.router.routes()
              if route.resource is not None and route.method != "HEAD"}
    assert routes == {(path, method) for path, item in openapi_document()["paths"].items() for method in item}


def test_the_document_is_openapi(server: Server) -> None:
    document = server.ask("/openapi.json").json
    assert document == json.loads(json.dumps(openapi_document()))
    assert document["openapi"] == "3.1.0"
    assert set(document) <= {"openapi", "info", "security", "components", "paths"}
    for path, item in document["paths"].items():
        assert set(item) <= {"get", "post", "delete"}
        for operation in item.values():
            in_path = {told["name"] for told in operation.get("parameters", []) if told["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path))
            assert all(told["required"] for told in operation.get("parameters", []) if told["in"] == "path")
            assert all("description" in answer for answer in operation["responses"].values())
            assert set(operation.get("requestBody", {"content": {}})) <= {"content", "required"}
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found = document
        for step in reference.split("/"):
            found = found[step]
