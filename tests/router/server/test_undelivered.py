"""Why there is no image: the status, whether to ask again, and that the books say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .serving import BFL, GPU, OPENAI, Server, tenant

if TYPE_CHECKING:
    from collections.abc import Callable

RICH, POOR, WAITS = "sk-rich", "sk-poor", "sk-waits"
POLICY = """schema = 1
name = "limits"
[segment.default]
qualities = { gpt-image = ["medium"] }
[segment.patient]
at_limit = "queue"
"""


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(POLICY)
    return serve(OPENAI, BFL, GPU, tenant("rich", RICH), tenant("poor", POOR, "usd_per_month = 0.001"),
                 tenant("waits", WAITS, "usd_per_month = 0.001", 'segment = "patient"'), policy=str(path))


def test_at_most_two_attempts_are_paid_for(server: Server) -> None:
    answer = server.generate("sandbox:empty", key=RICH)
    states = [attempt["state"] for attempt in server.attempts(answer.headers["x-router-request-id"])]
    assert states == ["possibly_billed"] * 2


@pytest.mark.parametrize(("asked", "status", "code", "again"), [
    ({"prompt": "sandbox:fail"}, 502, "500", "false"), ({"prompt": "sandbox:empty"}, 502, "no_images", "false"),
    ({"prompt": "sandbox:refuse"}, 400, "moderation_blocked", "false"),
    ({"key": POOR, "model": "gpt-image-2", "size": "1024x1024"}, 402, "budget", "false"),
    ({"key": WAITS, "model": "gpt-image-2", "size": "1024x1024"}, 429, "budget", "false"),
    ({"prompt": "sandbox:busy"}, 503, "429", "true"),  # last: it closes every backend for a while
])
def test_no_image_says_why(server: Server, asked: dict[str, Any], status: int, code: str, again: str) -> None:
    answer = server.generate(**{"key": RICH} | asked)
    assert (answer.status, answer.error["code"], answer.headers["x-should-retry"]) == (status, code, again)
    assert ("retry-after" in answer.headers) == (again == "true")
    row = server.rows("SELECT * FROM requests WHERE id = ?", answer.headers["x-router-request-id"])[0]
    assert row["http_status"] == status
    assert {attempt["state"] for attempt in server.attempts(row["id"])} <= {"free", "refused", "possibly_billed"}
