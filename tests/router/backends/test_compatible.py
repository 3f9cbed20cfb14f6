"""Each dialect's own words, and rows of the table that no request could be made by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from router.attempts import Kind
from router.backends.compatible import CompatibleBackend
from router.backends.protocol import Trouble
from router.backends.wiring import Wiring
from router.request import Lora
from router.tables import Invalid
from tests.router.backends.bench import DIALECTS, ENTRIES, PROMPT, Bench, run, settings_for
from tests.router.backends.files import picture

if TYPE_CHECKING:
    from router.backends.protocol import Reply
    from tests.router.backends.loopback import Seen

ENTRY = {entry.vendor: entry for entry in ENTRIES if entry.vendor in DIALECTS}


def exchange(vendor: str, n: int = 1, course: str = "ok", **wishes: Any) -> tuple[Reply, Seen]:
    kept: list[Any] = []

    async def scenario() -> None:
        async with Bench(ENTRY[vendor]) as bench:
            kept.append(await bench.make(course, job=bench.job(n, **wishes)))
            kept.extend(bench.server.seen[:1])

    run(scenario)
    return kept[0], kept[-1]


@pytest.mark.parametrize(("vendor", "fields"), [
    ("together", {"model": "black-forest-labs/FLUX.2-dev", "width": 64, "height": 64, "n": 1, "seed": 5, "steps": 9,
                  "response_format": "base64", "output_format": "png",
                  "image_loras": [{"path": "ours", "scale": 0.5}]}),
    ("deepinfra", {"model": "black-forest-labs/FLUX-2-dev", "size": "64x64", "n": 1}),
    ("azure-flux", {"model": "FLUX.2-pro", "width": 64, "height": 64, "n": 1, "num_images": 1, "seed": 5, "steps": 9,
                    "output_format": "png"}),
    ("vllm-omni", {"model": "black-forest-labs/FLUX.2-klein-4B", "size": "64x64", "n": 1, "seed": 5,
                   "num_inference_steps": 9, "guidance_scale": 1.0, "response_format": "file", "output_format": "png",
                   "lora": {"name": "ours", "path": "ours", "scale": 0.5}}),
    ("sglang", {"model": "black-forest-labs/FLUX.2-dev", "size": "64x64", "n": 1, "seed": 5, "num_inference_steps": 9,
                "response_format": "b64_json", "output_format": "png"}),
    ("worker", {"model": "flux-2-klein-4b", "size": "64x64", "n": 1, "seed": 5, "num_inference_steps": 9,
                "response_format": "b64_json", "output_format": "png",
                "lora": {"name": "ours", "path": "ours", "scale": 0.5}}),
])
def test_each_server_is_asked_in_its_own_words(vendor: str, fields: dict[str, Any]) -> None:
    reply, asked = exchange(vendor, seed=5, steps=9, lora=Lora("ours", 0.5))
    assert asked.fields == fields | {"prompt": PROMPT}
    assert reply.ignored == {"deepinfra": ("lora", "seed", "steps"), "sglang": ("lora",),
                             "azure-flux": ("lora",)}.get(vendor, ())
    assert asked.headers["Authorization"] == "Bearer sk-loopback-secret"


def test_distilled_models_get_their_few_steps_where_the_server_would_take_many() -> None:
    assert exchange("vllm-omni")[1].fields["num_inference_steps"] == 4
    assert "num_inference_steps" not in exchange("worker")[1].fields
    omni = DIALECTS["vllm-omni"]
    short = [name for name in ("FLUX.2-klein-4B", "flux-2-klein-base-4b", "klein-4b-base", "FLUX.2-dev", "klein-9b")
             if omni.is_short(name)]
    assert short == ["FLUX.2-klein-4B", "klein-9b"]


def test_raw_bytes_and_addresses_are_read_too() -> None:
    reply, _ = exchange("vllm-omni", course="wrong_size")
    assert not reply.pictures[0].is_base64
    reply, _ = exchange("together", n=2, course="fetched")
    assert (reply.kind, len(reply.pictures)) == (Kind.OK, 2)
    reply, _ = exchange("together", course="by_address")
    assert (reply.kind, reply.code) == (Kind.BAD_ANSWER, "foreign_host")


def test_edits_go_where_the_server_takes_them() -> None:
    references = (picture(16, 16), picture(32, 32))
    _, asked = exchange("together", operation="edit", references=references)
    assert asked.path == "/v1/images/generations"
    assert [uri[:30] for uri in asked.fields["reference_images"]] == ["data:image/png;base64,iVBORw0K"] * 2
    _, asked = exchange("azure-flux", operation="edit", references=references)
    assert [asked.fields[name][:8] for name in ("input_image", "input_image_2")] == ["iVBORw0K"] * 2
    _, asked = exchange("vllm-omni", n=2, operation="edit", references=references, mask=picture(16, 16), seed=5,
                        lora=Lora("ours"))
    assert [part[:3] for part in asked.files] == [
        ("image[]", "image.png", "image/png"), ("image[]", "image.png", "image/png"),
        ("mask_image", "image.png", "image/png")]
    assert asked.fields["n"] == "2"
    assert asked.fields["lora"] == '{"name": "ours", "path": "ours", "scale": 1.0}'
    assert asked.fields["response_format"] == "b64_json"
    reply, _ = exchange("deepinfra", operation="edit", references=references)
    assert reply.ignored == ("references",)


@pytest.mark.parametrize(("course", "kind", "trouble", "code"), [
    ("detail", Kind.FAILED, Trouble.OUR_REQUEST, "missing"),
    ("error_in_200", Kind.FAILED, Trouble.OUTAGE, "server_error"),
    ("refused_in_200", Kind.REFUSED, Trouble.NONE, "moderation_blocked"),
    ("null_picture", Kind.BAD_ANSWER, Trouble.NONE, "not_a_picture"),
])
def test_errors_in_either_form(course: str, kind: Kind, trouble: Trouble, code: str) -> None:
    for vendor in ENTRY:
        reply, _ = exchange(vendor, course=course)
        assert (reply.kind, reply.trouble, reply.code) == (kind, trouble, code)


def test_a_key_goes_in_the_header_its_vendor_names() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY["deepinfra"]) as bench:
            settings = settings_for("deepinfra", bench.server.url + "/v1", bench.key)
            settings = replace(settings, vendor=replace(settings.vendor, key_header="api-key"))
            backend = CompatibleBackend(Wiring(settings, dialect=DIALECTS["deepinfra"]))
            assert (await backend.make(bench.job(), bench.watching)).kind is Kind.OK
            asked = bench.server.seen[0].headers
            assert (asked["api-key"], "Authorization" in asked) == (bench.key, False)
            await backend.close()

    run(scenario)


def test_own_servers_need_no_key_and_a_row_of_their_own() -> None:
    async def scenario() -> None:
        async with Bench(ENTRY["worker"]) as bench:
            settings = settings_for("worker", bench.server.url + "/v1", "")
            backend = CompatibleBackend(Wiring(settings, dialect=DIALECTS["worker"]))
            assert (await backend.make(bench.job(), bench.watching)).kind is Kind.OK
            assert "Authorization" not in bench.server.seen[0].headers
            await backend.close()
            with pytest.raises(ValueError, match="no dialect"):
                CompatibleBackend(Wiring(settings))

    run(scenario)


@pytest.mark.parametrize(("change", "key"), [
    ({"short_models": "klein("}, "short_models"), ({"extra": "{"}, "extra"), ({"extra": "[1]"}, "extra"),
    ({"edit_path": ""}, "edit_path"), ({"references_as": "reference_images"}, "edit_path")])
def test_a_row_no_request_could_be_made_by_is_refused(change: dict[str, str], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        replace(DIALECTS["worker"], **change)
    assert refused.value.key == key


def test_fields_that_are_always_sent() -> None:
    assert dict(replace(DIALECTS["worker"], extra='{"priority": 3}').extra_fields) == {"priority": 3}


@pytest.mark.parametrize(("vendor", "tenant", "sent"), [("worker", "acme", "acme"), ("worker", "", None),
                                                        ("vllm-omni", "acme", None)])
def test_a_server_that_shares_itself_out_is_told_whose_request_it_is(
        vendor: str, tenant: str, sent: str | None) -> None:
    _, asked = exchange(vendor, tenant=tenant)
    assert asked.headers.get("X-Breakeven-Tenant") == sent
