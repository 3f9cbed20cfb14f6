"""`router shadow run`: a recorded day beside what a policy would have done; from a file, and from the books."""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router.adopting.actual import Actual
from router.building import policy_of
from router.cli import main, router
from router.errors import NotDelivered
from router.live import Router
from router.request import ImageRequest
from router.testing import sandbox_settings

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
SETTINGS = ("--settings", str(EXAMPLES / "router.toml"), "--on", "2026-11-24")


def ran(*words: str | Path) -> Any:
    return CliRunner().invoke(router, ["shadow", "run", *map(str, words)], catch_exceptions=False)


def test_the_example_day_says_what_would_have_been_saved() -> None:
    shown = ran(EXAMPLES / "day.csv", *SETTINGS)
    assert shown.exit_code == 0
    for part in ("policy default ", "prices of 2026-11-24", "gpu/flux-2-klein-4b", "gpt-image-2 medium",
                 "would not have been made, for: text 3", "was really not made: refused", "saved", "not known:"):
        assert part in shown.output
    document = json.loads(ran(EXAMPLES / "day.csv", *SETTINGS, "--json").output)
    would, really = document["would_have"], document["really"]
    assert would["requests"] + sum(would["not_made"].values()) == document["requests"] == 203
    assert really["requests"] + sum(really["not_made"].values()) == 203
    assert float(would["usd"]) < float(really["usd"])
    assert sum(float(share["usd"]) for share in would["mix"].values()) == pytest.approx(float(would["usd"]))


def test_another_policy_gives_another_answer(tmp_path: Path) -> None:
    dear = tmp_path / "dear.toml"
    dear.write_text('[segment.default]\nmodels = ["gpt-image-2"]\nqualities = { gpt-image = ["high"] }\n')
    document = json.loads(ran(EXAMPLES / "day.csv", *SETTINGS, "--policy", dear, "--json").output)
    assert set(document["would_have"]["mix"]) == {"openai/gpt-image-2@high"}
    assert float(document["on_the_same_images"]["saved_usd"]) < 0
    assert sum(document["would_have"]["not_made"].values()) > 10


def test_bad_rows_are_named_and_left_out(tmp_path: Path) -> None:
    day = tmp_path / "day.csv"
    day.write_text("prompt,n,colour\nx,1,red\nx,many,red\nx\n" + "x,0,red\n" * 30 + "\x1b[2J,1,red\n")
    document = CliRunner().invoke(router, ["shadow", "run", str(day), *SETTINGS, "--json"], catch_exceptions=False)
    told = json.loads(document.stdout)
    assert (told["requests"], told["bad_rows"], told["ignored_columns"]) == (2, 32, ["colour"])
    lines = document.stderr.splitlines()
    assert lines[0] == f"{day}:3: n = 'many': give a whole number"
    assert lines[20:] == ["and 12 more rows that cannot be read", "columns passed over: colour"]
    assert "\x1b" not in document.output


def test_what_the_router_would_not_take_has_its_own_reason(tmp_path: Path) -> None:
    day = tmp_path / "day.jsonl"
    rows = [{"prompt": "x", "model": "dall-e-3"}, {"prompt": "x", "size": "9000x9000"}, {"prompt": "x"}]
    day.write_text("\n".join(map(json.dumps, rows)))
    told = json.loads(ran(day, *SETTINGS, "--json").output)
    assert told["would_have"]["not_made"] == {"model_not_found": 1, "invalid_size": 1}
    assert (told["would_have"]["requests"], told["really"]["not_said"]) == (1, 3)


def test_a_tenants_settings_hold(tmp_path: Path) -> None:
    settings = tmp_path / "router.toml"
    settings.write_text((EXAMPLES / "router.toml").read_text()
                        + '\n[[tenant]]\nname = "acme"\ndata_class = "restricted"\n')
    day = tmp_path / "day.csv"
    day.write_text("prompt,model,tenant\nx,gpt-image-2,acme\nx,gpt-image-2,shop\n")
    told = json.loads(ran(day, "--settings", settings, "--on", "2026-11-24", "--json").output)
    assert (told["would_have"]["requests"], told["would_have"]["not_made"]) == (1, {"data_class": 1})


def test_a_long_day_is_not_held(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        day = tmp_path / f"{rows}.csv"
        lines = (f"a cup number {at},0.05,ok\n" for at in range(rows))
        day.write_text("prompt,actual_usd,actual_state\n" + "".join(lines))
        tracemalloc.start()
        ran(day, *SETTINGS, "--json")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found
    peak(200)
    assert peak(4_000) < 1.3 * peak(500) + 200_000


def lived(folder: Path) -> str:
    """A day of the router's own books; its date."""
    async def story() -> str:
        async with Router(sandbox_settings(folder), policy_of(None, {}), environ={}) as made:
            await made.generate("a red bicycle", n=2)
            await made.generate('a sign that says "ONE TWO THREE FOUR FIVE SIX"', model="gpt-image-2", quality="low")
            with pytest.raises(NotDelivered):
                await made.generate("sandbox:refuse", model="gpt-image-2")
            await made.watch(ImageRequest("x"), actual=Actual("y", state="ok"))
            return f"{made.clock.now():%Y-%m-%d}"
    return asyncio.run(story())


def test_the_routers_own_books_are_a_recorded_day(tmp_path: Path) -> None:
    day = lived(tmp_path)
    books = ("--ledger", f"sqlite:///{tmp_path}/books.sqlite")
    told = json.loads(ran(*books, "--day", day, "--json").output)
    assert (told["requests"], told["images"], told["prices_of"]) == (3, 4, day)
    assert told["really"]["not_made"] == {"refused": 1}
    assert told["would_have"]["requests"] == 3
    same = told["on_the_same_images"]
    assert (same["images"], float(same["saved_usd"])) == (3, pytest.approx(0, abs=1e-3))
    report = CliRunner().invoke(router, ["shadow", "report", *books, "--day", day, "--json"], catch_exceptions=False)
    assert (json.loads(report.output)["requests"], json.loads(report.output)["really"]["images"]) == (1, 1)


@pytest.mark.parametrize("words", [
    ("run",), ("run", "none.csv"), ("run", "empty.csv"), ("run", "bad.csv"), ("run", "--ledger", "sqlite:///none.db"),
    ("run", "--ledger", "sqlite:///none.db", "--day", "2026-11-24"), ("run", "day.csv", "--on", "soon"),
    ("run", "day.csv", "--ledger", "sqlite:///x.db"), ("run", "day.csv", "--policy", "none.toml"),
    ("report", "--day", "soon"), ("report",), ("report", "--day", "2026-11-24", "--ledger", "sqlite:///none.db"),
    ("watch",),
])
def test_what_cannot_be_answered_is_one_line_and_exit_2(tmp_path: Path, monkeypatch: Any, capsys: Any,
                                                        words: tuple[str, ...]) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bad.csv").write_text("prompt,n\n")
    (tmp_path / "day.csv").write_text("prompt\nx\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["router", "shadow", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
