"""The official Python client, unmodified, against a real server over the sandbox."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import openai
import pytest

from router.pictures import read_picture

from .serving import BFL, GPU, KLEIN, OPENAI, SMALL, Server, form, png, tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY, SLOW_KEY = "sk-acme", "sk-slow"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(OPENAI, BFL, GPU, tenant("acme", KEY), tenant("slow", SLOW_KEY, "images_per_minute = 1"))


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def picture_of(item: Any) -> tuple[str, str]:
    picture = read_picture(base64.b64decode(item.b64_json), is_base64=False)
    return picture.format, str(picture.size)


def test_one_image(client: openai.OpenAI) -> None:
    answer = client.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL)
    assert [picture_of(item) for item in answer.data] == [("png", SMALL)]
    assert answer.created > 1_700_000_000
    assert answer.usage.total_tokens == 0


def test_the_model_may_be_left_out_and_the_path_may_lack_v1(server: Server) -> None:
    with openai.OpenAI(base_url=server.url, api_key=KEY, max_retries=0) as bare:
        assert picture_of(bare.images.generate(prompt="a red bicycle", size=SMALL).data[0]) == ("png", SMALL)
        assert "auto" in [model.id for model in bare.models.list()]


def test_several_images_in_another_format(client: openai.OpenAI) -> None:
    answer = client.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL, n=3, output_format="jpeg")
    assert [picture_of(item) for item in answer.data] == [("jpeg", SMALL)] * 3
    assert len({item.b64_json for item in answer.data}) == 3


def test_addresses_where_asked_for(client: openai.OpenAI, server: Server) -> None:
    answer = client.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL, n=2, response_format="url")
    for item in answer.data:
        assert item.b64_json is None
        assert item.url.startswith(f"{server.url}/v1/images/files/")
        found = server.ask(item.url.removeprefix(server.url))
        assert found.headers["content-type"] == "image/png"
        assert str(read_picture(found.body, is_base64=False).size) == SMALL


def test_an_edit_with_several_references_and_a_mask(client: openai.OpenAI, server: Server) -> None:
    named = [("a.png", png()), ("blob", png(shade=90), "application/octet-stream"), ("/home/me/c.png", png(shade=50))]
    answer = client.images.edit(prompt="make it blue", model="gpt-image-2", quality="low", size="1024x1024",
                                image=named, mask=("m.png", png(shade=255)), input_fidelity="high")
    assert picture_of(answer.data[0]) == ("png", "1024x1024")
    assert server.requests()[-1]["references"] == 3


def test_an_edit_with_one_image_and_no_model(client: openai.OpenAI) -> None:
    file = io.BytesIO(png())
    file.name = "t.png"
    assert picture_of(client.images.edit(prompt="make it blue", image=file, size=SMALL).data[0])[1] == SMALL


@pytest.mark.filterwarnings("ignore:deprecated")
def test_variations_are_gone(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="DALL-E 2"):
        client.images.create_variation(image=("t.png", png()))


def test_a_stream_with_previews(client: openai.OpenAI) -> None:
    events = list(client.images.generate(prompt="a red bicycle", model="gpt-image-2", quality="low", stream=True,
                                         partial_images=2))
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert {picture_of(event) for event in events} == {("png", "1024x1024")}
    assert events[-1].usage.total_tokens == 0
    assert events[-1].model_extra["router"]["delivered_n"] == 1


def test_an_edit_as_a_stream(client: openai.OpenAI) -> None:
    events = list(client.images.edit(prompt="make it blue", model="gpt-image-2", quality="low", image=("t.png", png()),
                                     stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


def test_a_stream_of_several_images(client: openai.OpenAI) -> None:
    events = list(client.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL, n=2, stream=True))
    assert [event.type for event in events] == ["image_generation.completed"] * 2
    assert len({event.b64_json for event in events}) == 2


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    models = {model.id for model in client.models.list()}
    assert {"auto", "gpt-image-2", KLEIN} <= models
    assert client.models.retrieve(KLEIN).owned_by
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("dall-e-3")


@pytest.mark.parametrize(("fields", "error", "param"), [
    ({"prompt": " "}, openai.BadRequestError, "prompt"), ({"n": 0}, openai.BadRequestError, "n"),
    ({"size": "1000x1000"}, openai.BadRequestError, "size"), ({"model": "dall-e-3"}, openai.NotFoundError, "model"),
    ({"prompt": "sandbox:refuse"}, openai.BadRequestError, None),
])
def test_errors_are_typed(client: openai.OpenAI, fields: dict[str, Any], error: type[openai.APIStatusError],
                          param: str | None) -> None:
    with pytest.raises(error) as caught:
        client.images.generate(**{"prompt": "a red bicycle", "model": KLEIN, "size": SMALL} | fields)
    assert caught.value.param == param
    assert caught.value.request_id.startswith("img-")


def test_a_refusal_of_the_provider_has_openais_words(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(prompt="sandbox:refuse", model=KLEIN, size=SMALL)
    assert caught.value.code == "moderation_blocked"
    assert caught.value.type == "image_generation_user_error"


def test_an_unknown_key_is_no_authentication(server: Server) -> None:
    before = len(server.requests())
    with (openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk-wrong", max_retries=0) as stranger,
          pytest.raises(openai.AuthenticationError) as caught):
        stranger.images.generate(prompt="a red bicycle")
    assert caught.value.code == "invalid_api_key"
    assert "sk-wrong" not in str(caught.value)
    assert len(server.requests()) == before  # strangers cannot fill the books


def test_a_limit_of_images_a_minute_is_a_rate_limit(server: Server) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=SLOW_KEY, max_retries=0) as slow:
        slow.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL)
        with pytest.raises(openai.RateLimitError) as caught:
            slow.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL)
        assert 0 < int(caught.value.response.headers["Retry-After"]) <= 60
        with pytest.raises(openai.RateLimitError) as caught:
            slow.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL, n=2)
        assert "Retry-After" not in caught.value.response.headers  # waiting would not help


def test_a_key_with_other_parameters_is_unprocessable(client: openai.OpenAI) -> None:
    headers = {"Idempotency-Key": "one"}
    client.images.generate(prompt="a red bicycle", model=KLEIN, size=SMALL, extra_headers=headers)
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.images.generate(prompt="a blue bicycle", model=KLEIN, size=SMALL, extra_headers=headers)
    assert caught.value.code == "idempotency_key_reused"


def test_unknown_and_legacy_fields_are_passed_over_and_named(client: openai.OpenAI) -> None:
    answer = client.images.with_raw_response.generate(
        prompt="a red bicycle", model=KLEIN, size=SMALL, style="vivid", quality="hd", user="u1", moderation="low",
        response_format="b64_json", extra_body={"x_privacy": "self", "image": "https://example.com/a.png"},
        extra_query={"api-version": "2024-02-01"})
    assert answer.headers["x-router-ignored"] == "image,style,x_privacy"
    assert picture_of(answer.parse().data[0]) == ("png", SMALL)


def test_previews_of_an_answer_that_is_whole_are_not_made(client: openai.OpenAI) -> None:
    answer = client.images.with_raw_response.generate(prompt="a red bicycle", model="gpt-image-2", quality="low",
                                                      size="1024x1024", partial_images=3)
    assert answer.headers["x-router-ignored"] == "partial_images"


def test_headers_tell_what_was_asked_and_delivered(client: openai.OpenAI, server: Server) -> None:
    headers = client.images.with_raw_response.generate(prompt="a red bicycle", model=KLEIN, size=SMALL, n=2).headers
    told = {name: headers[f"x-router-{name}"] for name in (
        "backend", "model", "option", "asked-model", "asked-size", "delivered-size", "asked-n", "delivered-n", "state",
        "simulated", "attempts")}
    assert told == {"backend": "gpu", "model": KLEIN, "option": f"gpu/{KLEIN}", "asked-model": KLEIN, "asked-n": "2",
                    "asked-size": SMALL, "delivered-size": SMALL, "delivered-n": "2", "state": "ok",
                    "simulated": "true", "attempts": "2"}
    row = server.rows("SELECT * FROM requests WHERE id = ?", headers["x-router-request-id"])[0]
    assert f"{row['usd_micro'] / 1e6:.6f}" == headers["x-router-cost-usd"]


@pytest.mark.parametrize("path", ["/v1/images/edits", "/images/edits"])
def test_an_edit_as_json(server: Server, path: str) -> None:
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    answer = server.ask(path, {"prompt": "make it blue", "model": KLEIN, "size": SMALL,
                               "images": [{"image_url": url}, {"image_url": {"url": url}}]}, key=KEY)
    assert answer.status == 200, answer.body
    assert server.requests()[-1]["references"] == 2


def test_a_form_as_other_clients_write_it(server: Server) -> None:
    body, kind = form(("image[]", png(), "blob", "application/octet-stream"), ("prompt", b"make it blue", "", ""),
                      ("stream", b"true", "", ""), ("n", b"1", "", ""), ("size", SMALL.encode(), "", ""),
                      ("routing", b'{"segment": "bulk"}', "", ""), ("input_fidelity", b"high", "", ""))
    answer = server.ask("/v1/images/edits", body, key=KEY, content_type=kind)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-router-ignored"] == "input_fidelity"
    assert answer.body.startswith(b"event: image_edit.completed")
    assert server.requests()[-1]["segment"] == "bulk"


def test_azure_keys_are_keys(server: Server) -> None:
    assert server.ask("/v1/models", api_key=KEY).status == 200
    assert server.ask("/v1/models", authorization=f"Basic {KEY}").status == 401
