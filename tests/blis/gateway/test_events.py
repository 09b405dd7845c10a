from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blis.gateway.events import Events, MalformedError

STREAM = b': hello\n\ndata: {"a": 1}\n\nevent: x\ndata: {"b":\ndata: 2}\n\ndata:{"c": 3}\r\n\r\ndata: [DONE]\n\n'


def passed(pieces: list[bytes]) -> tuple[list[bytes], Events]:
    events = Events()
    return [events.take(piece) for piece in pieces], events


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_all_comes_through_in_whole_events_however_it_comes(cuts: list[int]):
    places = [0, *sorted(cuts), len(STREAM)]
    out, events = passed([STREAM[a:b] for a, b in pairwise(places)])
    assert b"".join(out) == STREAM
    assert all(not part or part.endswith((b"\n\n", b"\r\n\r\n")) for part in out)
    events.finish()


@pytest.mark.parametrize(
    "wrong",
    [b"<html>\n\n", b"data: {half of\n\n", b'data: "text"\n\n', b"nonsense: 1\n\n", b"data\n\n", b'{"error": 1}\n\n'],
)
def test_what_is_no_event_is_said(wrong: bytes):
    with pytest.raises(MalformedError):
        passed([b'data: {"a": 1}\n\n', wrong])


@pytest.mark.parametrize("rest", [b"", b'data: {"a"', b'data: {"a": 1}\n\n', b'data: {"a": "[DONE]"}\n\n'])
def test_a_stream_without_its_end_is_not_whole(rest: bytes):
    _, events = passed([b'data: {"a": 1}\n\n', rest])
    with pytest.raises(MalformedError):
        events.finish()


def test_lines_may_end_in_any_way():
    for end in (b"\n", b"\r\n", b"\r"):
        _, events = passed([STREAM.replace(b"\r\n", b"\n").replace(b"\n", end)])
        events.finish()


def test_some_streams_need_not_say_their_end_but_not_in_the_middle_of_an_event():
    events = Events(done=True)
    events.take(b'data: {"a": 1}\n\n')
    events.finish()
    events.take(b"data: ")
    with pytest.raises(MalformedError):
        events.finish()


def test_an_event_has_an_end():
    events = Events()
    with pytest.raises(MalformedError):
        for _ in range(100):
            events.take(b"data: " + b"x" * 2**16)
