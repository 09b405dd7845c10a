"""After some failures in a row an endpoint is left alone for a while."""

from __future__ import annotations

from blis.observe.breaker import FAILURES, OPEN_US, Breaker


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.lets_through(0)
        breaker.missed(0)
    return breaker


def test_failures_in_a_row_open_it_and_one_request_may_try_after_a_pause():
    breaker = opened()
    assert not breaker.lets_through(OPEN_US - 1) and breaker.is_open(OPEN_US - 1)
    assert not breaker.is_open(OPEN_US)
    assert breaker.lets_through(OPEN_US)
    assert not breaker.lets_through(OPEN_US + 1)  # the others wait for what becomes of it
    assert breaker.lets_through(2 * OPEN_US)


def test_a_word_from_the_endpoint_closes_it():
    breaker = opened()
    breaker.reached()
    assert all(breaker.lets_through(1) for _ in range(10))


def test_failures_that_are_not_in_a_row_do_not_open_it():
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        breaker.missed(0)
        breaker.reached()
        assert breaker.lets_through(0)
