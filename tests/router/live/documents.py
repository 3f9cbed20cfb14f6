"""Documents as a person, a program or chance may write them: known keys with anything in them, and unknown keys."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

NUMBERS = st.one_of(st.integers(), st.just(10**400), st.decimals(), st.decimals(0, 2, places=3), st.booleans())
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from([
    "1024x1024", "0x0", "high", "gpt-image-2", "openai", "worker", "https://host/v1", "http://", "stop", "eu",
    "default", "OPENAI_API_KEY", "x@y", "downgrade", "a" * 64, "sqlite:///b.sqlite", "\n", "restricted"]))
SCALARS = st.one_of(NUMBERS, TEXTS, st.just(date(2026, 11, 24)), st.none())


def documents(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    """Nested documents over the keys of a reader and a few that nobody knows."""
    names = st.one_of(st.sampled_from(keys), st.text(max_size=3))
    values = st.recursive(SCALARS, lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)), max_leaves=12)
    return st.dictionaries(names, values, max_size=6)

