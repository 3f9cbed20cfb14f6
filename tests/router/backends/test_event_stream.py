"""Events come out of a stream the same however it is cut into chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.backends.event_stream import EventReader
from router.backends.holds import TooLarge

STREAM = (b": hello\r\n\r\nevent: a\ndata: one\n\nid: 7\nretry: 5\ndata:two\ndata:  three\r\n\r\n\n\nevent: nothing\n\n"
          b'event: b\r\ndata: {"x": "y: z"}\r\n\r\ndata: never ended\n')
EVENTS = [("a", b"one"), ("", b"two\n three"), ("b", b'{"x": "y: z"}')]


@given(st.lists(st.integers(1, 40), max_size=30))
def test_chunks_do_not_matter(lengths: list[int]) -> None:
    reader, at, found = EventReader(most=1000), 0, []
    for length in [*lengths, len(STREAM)]:
        found += [(name, bytes(data)) for name, data in reader.feed(STREAM[at:at + length])]
        at += length
    assert found == EVENTS


def test_an_event_beyond_its_limit_is_refused() -> None:
    reader = EventReader(most=100)
    assert list(reader.feed(b"data: " + b"x" * 50)) == []
    assert reader.waiting_bytes == 56
    with pytest.raises(TooLarge):
        list(reader.feed(b"x" * 50))
