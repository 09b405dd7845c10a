"""Events of a stream, however it is written and wherever it is cut."""

from __future__ import annotations

import pytest

from blis.observe.sse import LONGEST_BYTES, Events, TooLongError

STREAM = (
    b"\xef\xbb\xbf: a comment\r\n"
    b'data: {"a": 1}\r\n\r\n'
    b'data:{"b": 2}\n\n'  # no blank
    b"event: ping\nid: 7\n\n"  # no data
    b"data: one\ndata:  two\n\n"  # several lines, a blank of its own
    b"data\n\n"  # an empty line of data
    b"data: caf\xc3\xa9\r\r"
    b"data: [DONE]\n\n"
)
EVENTS = ['{"a": 1}', '{"b": 2}', "one\n two", "", "café", "[DONE]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_where_a_stream_is_cut_changes_nothing(size):
    events = Events()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [event for piece in pieces for event in events.feed(piece)] == EVENTS


def test_an_event_is_there_with_its_blank_line_and_no_sooner():
    events = Events()
    assert events.feed(b"data: x\n") == []
    assert events.feed(b"") == []
    assert events.feed(b"\n") == ["x"]


def test_a_carriage_return_and_a_line_feed_in_two_pieces_are_one_line_end():
    events = Events()
    assert events.feed(b"data: x\r") == []
    assert events.feed(b"\ndata: y\r") == []
    assert events.feed(b"\n\r\n") == ["x\ny"]


def test_the_end_of_a_stream_ends_its_last_event():
    events = Events()
    assert events.feed(b"data: [DONE]") == []
    assert events.end() == ["[DONE]"]
    assert Events().end() == []


def test_a_long_event_is_read_and_an_endless_one_refused():
    long = b"x" * (LONGEST_BYTES - 100)
    assert Events().feed(b"data: " + long + b"\n\n") == [long.decode()]
    for endless in (b"data: " + b"x" * LONGEST_BYTES, b"data: xxx\n" * (LONGEST_BYTES // 3 + 1)):
        with pytest.raises(TooLongError, match=f"more than {LONGEST_BYTES} bytes"):
            Events().feed(endless)
