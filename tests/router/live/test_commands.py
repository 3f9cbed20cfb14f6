"""`router decide` and `router doctor`: answers for a person and a program, and one clear line for what cannot be."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.cli import main, router

OPENAI = '[[backend]]\nname = "openai"\nvendor = "openai"\nmodels = ["gpt-image-2"]\n'
SIMULATED = OPENAI + "simulated = true\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "BFL_API_KEY", "FAL_KEY", "TOGETHER_API_KEY", "BREAKEVEN_HASH_KEY"):
        monkeypatch.delenv(name, raising=False)


def written(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def asked(*words: str) -> Result:
    return CliRunner().invoke(router, words, catch_exceptions=False)


def decided(*words: str) -> dict[str, Any]:
    answer = asked("decide", "--prompt", "a red bicycle", "--on", "2026-11-24", "--json", *words)
    assert answer.exit_code == 0
    return json.loads(answer.stdout)


def refused(capsys: Any, monkeypatch: Any, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["router", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 1
    assert (told.out, "Traceback" in told.err) == ("", False)
    return told.err


def test_a_decision_names_its_choice_its_fallbacks_and_a_verdict_for_every_option() -> None:
    told = decided()
    assert (told["segment"], told["size"], told["simulated"], told["prices_of"]) == (
        "default", "1024x1024", True, "2026-11-24")
    labels = [row["option"] for row in told["options"]]
    assert len(labels) == len(set(labels)) > 40
    allowed = [row["option"] for row in told["options"] if row["allowed"]]
    assert (told["choice"], told["fallbacks"]) == (allowed[0], allowed[1:])
    assert all(row["text"] and "{" not in row["text"] for row in told["options"])
    assert all((row["reason"] is None) == row["allowed"] for row in told["options"])


@pytest.mark.parametrize(("words", "choice"), [
    (("--data-class", "restricted"), "gpu/flux-2-klein-4b"), (("--model", "bfl/flux-2-pro"), "bfl/flux-2-pro"),
    (("--segment", "hero", "--model", "openai/gpt-image-2"), "openai/gpt-image-2@high"),
    (("--text", "exact", "--model", "gpt-image-2"), None),
    (("--data-class", "restricted", "--model", "gpt-image-2"), None), (("--residency", "mars"), None),
    (("--data-class", "confidential"), "gpu/flux-2-klein-4b"), (("--max-usd", "0"), None)])
def test_constraints_lead_where_they_must(words: tuple[str, ...], choice: str | None) -> None:
    told = decided(*words)
    if "exact" in words:
        assert told["model"] == "gpt-image-2"
    else:
        assert told["choice"] == choice


def test_the_text_says_the_same_as_the_document() -> None:
    shown = asked("decide", "--prompt", 'a sign saying "Grand Opening Sale"', "--on", "2026-11-24")
    told = json.loads(asked("decide", "--prompt", 'a sign saying "Grand Opening Sale"', "--on", "2026-11-24",
                            "--json").stdout)
    assert shown.stdout.startswith(f"{told['choice']} (simulated): ")
    assert "3 words to render" in shown.stdout
    assert told["policy"]["digest"] in shown.stdout
    for row in told["options"]:
        assert f"  {row['option']} " in shown.stdout
    assert "shipped default" in shown.stderr
    assert "shipped sandbox" in shown.stderr


def test_nowhere_is_said_first() -> None:
    shown = asked("decide", "--prompt", "x", "--residency", "mars")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("nowhere: no option may make it now\n")


def test_the_policy_of_the_settings_is_used_and_not_called_the_default() -> None:
    written("mine.toml", 'name = "mine"\n[segment.default]\nqualities = { gpt-image = ["high"] }\n')
    settings = written("router.toml", 'policy = "mine.toml"\n' + SIMULATED)
    shown = asked("decide", "--prompt", "x", "--settings", settings)
    assert (shown.stdout.startswith("openai/gpt-image-2@high"), shown.stderr) == (True, "")
    other = written("other.toml", 'name = "other"\n[segment.default]\nqualities = { gpt-image = ["low"] }\n')
    assert decided("--settings", settings, "--policy", other)["choice"] == "openai/gpt-image-2@low"


def test_a_key_that_is_not_set_is_a_verdict_not_a_failure() -> None:
    settings = written("router.toml", OPENAI + 'key_env = "MY_KEY"\n')
    told = decided("--settings", settings)
    assert told["choice"] is None
    assert {row["text"] for row in told["options"] if row["reason"] == "no_key"} == {"no key; set MY_KEY"}


@pytest.mark.parametrize(("words", "told"), [
    (("--size", "huge"), "size = 'huge': not a size"), (("--size", "10x10"), "size = '10x10': sides from 64"),
    (("--model", "gpt-image-99"), "model = 'gpt-image-99': unknown"),
    (("--max-usd", "cheap"), "max_usd = 'cheap': give"),
    (("--max-usd", "nan"), "max_usd = NaN"), (("--max-usd", "-1"), "max_usd = -1"), (("--max-usd", ""), "max_usd = ''"),
    (("--n", "0"), "n = 0: give 1 to 10"), (("--n", "many"), "not a valid integer"), (("--on", "soon"), "on = 'soon'"),
    (("--deadline-s", "nan"), "deadline_s = nan"), (("--deadline-s", "-1"), "deadline_s = -1"),
    (("--data-class", "secret"), "not one of"), (("--policy", "none.toml"), "none.toml: no such file"),
    (("--settings", "none.toml"), "none.toml: no such file"), (("--data", "nowhere"), "nowhere"),
    (("--segment", "a\x1b[31mb"), "not printable"), (("--unheard-of",), "No such option")])
def test_what_cannot_be_decided_is_one_line(capsys: Any, monkeypatch: Any, words: tuple[str, ...], told: str) -> None:
    assert told in refused(capsys, monkeypatch, "decide", "--prompt", "a red bicycle", *words)


def test_an_empty_prompt_and_none_at_all_are_one_line(capsys: Any, monkeypatch: Any) -> None:
    assert "prompt: empty" in refused(capsys, monkeypatch, "decide", "--prompt", " ")
    assert "Missing option '--prompt'" in refused(capsys, monkeypatch, "decide")


def findings(settings: str, *, code: int) -> dict[str, dict[str, Any]]:
    answer = asked("doctor", "--settings", settings, "--json")
    assert answer.exit_code == code, answer.output
    found = json.loads(answer.stdout)
    shown = asked("doctor", "--settings", settings)
    assert shown.exit_code == code
    assert len(shown.stdout.splitlines()) == len(found)
    assert [line[:4] == "ok  " for line in shown.stdout.splitlines()] == [row["works"] for row in found]
    return {row["what"]: row for row in found}


def test_a_sandbox_is_well() -> None:
    found = findings(written("router.toml", SIMULATED), code=0)
    assert {"policy", "options", "books", "pictures", "backend openai"} <= set(found)
    assert found["backend openai"]["facts"]["simulated"].startswith("yes")
    assert asked("doctor").exit_code == 0


def test_what_is_amiss_is_found_and_the_rest_is_still_told() -> None:
    Path("file").write_text("")
    Path("bad.toml").write_text("x = 1")
    found = findings(written("router.toml", f"""
policy = "bad.toml"
{OPENAI}
[ledger]
url = "sqlite:///file/books.sqlite"
[store]
folder = "file/images"
"""), code=1)
    assert {what for what, row in found.items() if not row["works"]} == {
        "policy", "books", "pictures", "budget", "backend openai"}
    assert "OPENAI_API_KEY is not set" in found["backend openai"]["told"]
    assert "unknown key" in found["policy"]["told"]
    assert "cannot be written" in found["pictures"]["told"]


def test_a_model_that_nobody_knows_is_a_finding() -> None:
    found = findings(written("router.toml", SIMULATED.replace("gpt-image-2", "gpt-image-99")), code=1)
    assert "gpt-image-99" in found["options"]["told"]


@pytest.mark.parametrize(("more", "works"), [
    ("", False), ("[budget]\nusd_per_month = 5", True), ('[[tenant]]\nname = "a"\nusd_per_month = 5', True),
    ('[[tenant]]\nname = "a"', False)])
def test_money_without_any_limit_is_amiss(more: str, works: bool) -> None:
    settings = written("router.toml", f"{OPENAI}\n{more}\n")
    answer = json.loads(asked("doctor", "--settings", settings, "--json").stdout)
    assert ("budget" not in {row["what"] for row in answer}) is works


def test_a_server_that_is_open_to_all_is_amiss() -> None:
    text = SIMULATED + '[server]\nhost = "0.0.0.0"\n'
    assert not findings(written("router.toml", text), code=1)["tenants"]["works"]
    key = hashlib.sha256(b"key").hexdigest()
    assert "tenants" not in findings(written("router.toml", f'{text}[[tenant]]\nname = "a"\nkey_sha256 = ["{key}"]\n'),
                                     code=0)


def test_settings_that_cannot_be_read_are_one_line(capsys: Any, monkeypatch: Any) -> None:
    written("router.toml", "backend = 3")
    assert "backend = 3" in refused(capsys, monkeypatch, "doctor", "--settings", "router.toml")
