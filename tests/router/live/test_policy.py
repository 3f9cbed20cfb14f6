"""A policy file: what it may say, what it may never say, and a digest that finance can compare."""

from __future__ import annotations

import contextlib
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.building import default_policy
from router.errors import SettingsError
from router.policy import Policy, load_policy, read_policy
from router.quantities import Size
from router.text_files import parse_toml

from .documents import documents

KEYS = ("schema", "name", "summary", "licences_held", "segment", "default", "hero", "data_class", "confidential",
        "restricted", "public", "own_only", "most_retention_days", "may_train", "regions", "fallbacks", "pacing",
        "models", "qualities", "size", "deadline_s", "words_limit", "on_refusal", "at_limit", "accepted_share", "note")


def policy_of(text: str) -> Policy:
    return read_policy(parse_toml(textwrap.dedent(text)), "policy.toml")


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as error:
        policy_of(text)
    assert str(error.value) == "; ".join(f"policy.toml: {problem}" for problem in error.value.problems)
    return error.value.problems


def test_an_empty_policy_is_a_careful_one() -> None:
    policy = policy_of("")
    default = policy.segment("anything")
    assert (default.name, default.size, default.on_refusal, default.at_limit) == (
        "default", Size(1024, 1024), "stop", "refuse")
    assert policy.data_classes["restricted"].own_only
    confidential = policy.data_classes["confidential"]
    assert (confidential.most_retention_days, confidential.may_train) == (0, False)
    assert (policy.licences, dict(policy.fallbacks), policy.pacing) == (frozenset(), {}, ())


def test_a_segment_says_only_where_it_differs() -> None:
    policy = policy_of("""
        [segment.default]
        size = "2048x1024"
        words_limit = 6
        on_refusal = "elsewhere"
        qualities = { gpt-image = ["medium", "low"], "gpt-image-2.5" = ["low"] }
        accepted_share = { flux-2-pro = 0.8 }
        [segment.hero]
        words_limit = 0
        models = ["gpt-image-2"]
        qualities = { gpt-image = ["high"] }
        accepted_share = { gpt-image-2 = 0.95 }
    """)
    hero = policy.segment("hero")
    assert (hero.size, hero.words_limit, hero.on_refusal, hero.models) == (
        Size(2048, 1024), 0, "elsewhere", ("gpt-image-2",))
    assert hero.qualities == {"gpt-image": ("high",), "gpt-image-2.5": ("low",)}
    assert hero.accepted_share == {"flux-2-pro": 0.8, "gpt-image-2": 0.95}
    assert policy.segment("default").words_limit == policy.segment("unheard of").words_limit == 6


def test_every_problem_is_told_at_once_with_key_value_and_remedy() -> None:
    told = problems_of("""
        schema = 2
        name = 7
        licences = ["flux-2-dev"]
        licences_held = "flux-2-dev"
        [segment.default]
        size = "large"
        deadline_s = nan
        words_limit = -1
        on_refusal = "retry"
        at_limit = true
        [segment.hero]
        model = ["gpt-image-2"]
        qualities = { gpt-image = "high" }
        accepted_share = { gpt-image-2 = 1.2 }
        [data_class.confidential]
        most_retention_days = 1.5
        [data_class.secret]
        own_only = true
        [pacing]
        warn = 80
    """)
    expected = (
        "schema = 2: another schema", "name = 7: no text",
        "segment.default.size = 'large': no size; write it as WIDTHxHEIGHT",
        "segment.default.deadline_s = nan: no number from 1 to 86400",
        "segment.default.words_limit = -1: no whole number from 0 to 10000",
        "segment.default.on_refusal = 'retry': unknown; use one of stop, elsewhere",
        "segment.default.at_limit = true: unknown; use one of refuse, downgrade, queue",
        "segment.hero.model = ['gpt-image-2']: unknown key; use only accepted_share",
        "segment.hero.qualities.gpt-image = 'high': no list of texts",
        "segment.hero.accepted_share.gpt-image-2 = 1.2: no number",
        "data_class.confidential.most_retention_days = 1.5: no whole number", "data_class.secret = ***: unknown key",
        "licences_held = 'flux-2-dev': no list", "pacing.warn = 80: no number from 0 to 1",
        "licences = ['flux-2-dev']: unknown key; use only data_class, fallbacks")
    for start in expected:
        assert [problem for problem in told if problem.startswith(start)], (start, told)
    assert len(told) == len(expected)
    assert all(";" in problem and problem.isprintable() for problem in told)


@pytest.mark.parametrize("text", [
    "[data_class.restricted]\nown_only = false", '[data_class]\nrestricted = "anywhere"\n',
    "[data_class.restricted]\nown_only = 0", '[data_class.restricted]\nown_only = "no"',
    "data_class = { restricted = { own_only = false, regions = ['eu'], most_retention_days = 0 } }"])
def test_restricted_data_can_never_be_opened(text: str) -> None:
    assert any("data_class.restricted" in problem for problem in problems_of(text))


@given(documents(*KEYS))
def test_any_document_is_a_policy_that_keeps_restricted_data_home_or_a_list_of_problems(
        document: dict[str, Any]) -> None:
    try:
        policy = read_policy(document, "policy.toml")
    except SettingsError:
        return
    assert policy.data_classes["restricted"].own_only
    assert policy.segment("").deadline_s > 0


@pytest.mark.parametrize("text", ['a = ["a"]', 'a = ["b"]\nb = ["a"]', 'a = ["b", "x"]\nb = ["c"]\nc = ["y", "a"]'])
def test_fallbacks_in_a_circle_are_named(text: str) -> None:
    assert "fallbacks: a circle, a -> " in problems_of(f"[fallbacks]\n{text}")[0]


def test_fallbacks_that_meet_again_are_no_circle() -> None:
    assert policy_of('[fallbacks]\na = ["b", "c"]\nb = ["d"]\nc = ["d"]\nd = []').fallbacks["d"] == ()


def test_pacing_is_sorted_and_a_mark_at_nothing_is_none() -> None:
    assert policy_of("[pacing]\nalarm = 0.95\nwarn = 0.8\nstart = 0").pacing == (0.8, 0.95)


def test_comments_layout_and_order_do_not_change_the_digest() -> None:
    one = policy_of('name = "a"\n[segment.hero]\nwords_limit = 2\nsize = "64x64"\n[pacing]\nwarn = 0.8\n')
    other = policy_of('# reviewed\n[pacing]\nwarn = 0.8 # of the month\n\n[segment]\n'
                      'hero = { size = "64x64", words_limit = 2 }\n[x]\n'.replace("[x]\n", "")
                      .replace("# reviewed\n", '# reviewed\nname = "a"\n'))
    assert one.digest == other.digest
    assert len(one.digest) == 16


@pytest.mark.parametrize("more", [
    'name = "b"', 'summary = "s"', 'licences_held = ["flux-2-dev"]', "[segment.hero]\nwords_limit = 3",
    "[segment.x]\nwords_limit = 2", "[pacing]\nwarn = 0.81", '[fallbacks]\na = ["b"]',
    '[segment.hero]\nnote = "n"', "[data_class.confidential]\nmost_retention_days = 1"])
def test_any_change_of_content_changes_the_digest(more: str) -> None:
    assert policy_of(more).digest != policy_of("").digest


def test_the_order_of_a_ladder_is_content() -> None:
    told = {policy_of(f"[segment.default]\nqualities = {{ gpt-image = {steps} }}").digest
            for steps in ('["low", "high"]', '["high", "low"]')}
    assert len(told) == 2


def test_a_policy_cannot_be_changed_after_it_was_read() -> None:
    policy: Any = policy_of("[segment.hero]")
    for name in ("segments", "fallbacks", "data_classes"):
        with pytest.raises(TypeError):
            getattr(policy, name)["x"] = None
    with pytest.raises(AttributeError):
        policy.segments["hero"].words_limit = 99


def test_the_shipped_policy_can_be_used_and_says_what_it_treats() -> None:
    policy = load_policy(default_policy({}))
    assert set(policy.segments) == {"default", "hero", "text", "bulk", "draft", "private"}
    assert policy.licences == frozenset()


@pytest.mark.parametrize(("content", "told"), [
    (b"name = ", "not TOML"), (b"\xff\xfe", "not UTF-8"), (b"a = 1\na = 2", "not TOML"),
    (b'name = "\\u001b[31m"', "control character"), (b"x = " + b"[" * 5000, "not TOML"),
    (b"n = " + b"9" * 9000, "not TOML")])
def test_a_file_that_is_no_toml_is_one_line_that_names_it(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=told) as error:
        load_policy(path)
    assert str(path) in str(error.value)
    assert str(error.value).isprintable()


@given(st.text(max_size=60))
def test_any_text_is_a_policy_or_a_settings_error(text: str) -> None:
    path = Path("/nonexistent/policy.toml")
    with pytest.raises(SettingsError, match="no such file"):
        load_policy(path)
    with contextlib.suppress(tomllib.TOMLDecodeError, SettingsError):
        read_policy(parse_toml(text), "p")
