"""A clock that never jumps, and what follows from what was seen."""

from __future__ import annotations

import time

from blis.observe.seen import OK, Clock, Seen


def test_the_clock_goes_on_whatever_happens_to_the_one_on_the_wall(monkeypatch):
    clock = Clock()
    assert abs(clock.now_us() - time.time_ns() // 1000) < 60_000_000
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    before = clock.now_us()
    assert clock.now_us() >= before > 10**15


def test_an_answer_ends_with_its_last_text_and_else_where_it_began():
    assert Seen(due_us=5, sent_us=7, chunk_us=(8, 9), status=OK).ended_us == 9
    assert Seen(due_us=5, sent_us=7).ended_us == 7
    assert Seen(due_us=5).ended_us == 5
    assert Seen(status=OK).ok and not Seen().ok
