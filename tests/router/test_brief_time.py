"""Reading stays in proportion to length, whatever is repeated: steps are counted, not seconds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from router.brief import read_brief
from router.briefs.quotes import quoted_strings

if TYPE_CHECKING:
    from types import FrameType

LONGEST = 32_000
UNITS = (
    '"a" ', "'a ", "“", '"', "no text ", "says ", "sign named ", "text text ", "text, ", "the word ", "A written ",
    "写着", "不要文字", '{"text": "a"} ', "“a” says ", "yazan ", "on ", "\n", "{", "«", "텍스트 없이 ",
    "with A written ", "the words ",
)


def steps(prompt: str) -> int:
    """Calls of Python and C functions and lines run."""
    count = 0

    def trace(frame: FrameType, event: str, given: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read_brief(prompt)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_length_is_at_most_about_twice_the_work(unit: str) -> None:
    half, whole = (steps((unit * size)[:size]) for size in (LONGEST // 2, LONGEST))
    assert whole < 2.3 * half + 1_000
    assert whole < 10 * LONGEST


def test_a_mark_without_its_twin_does_not_swallow_the_rest() -> None:
    text = 'a 5" pipe, then ' + "x " * 600 + 'a sign "OPEN"'
    assert [text[quoted.start:quoted.end] for quoted in quoted_strings(text)] == ["OPEN"]


@pytest.mark.parametrize(("text", "inner"), [
    ("it's the dogs' bowl", []),
    ("rock 'n' roll 'all night'", ["n", "all night"]),
    ("„Moin“ «Salut» »Hej« 「你好」 『空』 ‘hi’ ‹so›", ["Moin", "Salut", "Hej", "你好", "空", "hi", "so"]),
    ("”Hej” och ”då”", ["Hej", "då"]),
    ("“the ‘inner’ one”", ["the ‘inner’ one"]),
    ('a 12" ruler beside a 6" nail', []),
    ('""', []),
])
def test_marks_are_paired(text: str, inner: list[str]) -> None:
    assert [text[quoted.start:quoted.end] for quoted in quoted_strings(text)] == inner
