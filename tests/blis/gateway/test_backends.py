"""Who may get requests: servers that are up, are not to go, and have not failed too often."""

from __future__ import annotations

from blis.gateway.backends import Backends
from blis.gateway.scenario import BREAKER
from blis.observe.breaker import FAILURES


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def looks(backends: Backends, clock: Clock, until_s: float) -> None:
    """Look twice a second until then."""
    while clock.now_s < until_s:
        clock.now_s += 0.5
        backends.look()


def made(count: int = 1) -> tuple[Backends, dict[int, bool], Clock]:
    usable: dict[int, bool] = {}
    clock = Clock()
    urls = [f"http://x:{n}" for n in range(count)]
    return Backends(urls, 15.0, BREAKER, clock, usable.__setitem__), usable, clock


def test_nobody_is_used_before_a_sign_of_life():
    backends, usable, _ = made(2)
    backends.look()
    assert usable == {0: False, 1: False} and backends[0].state == "offline"
    backends.seen(backends[1])
    assert usable == {0: False, 1: True} and backends[1].state == "up"


def test_silence_makes_offline_and_hangs_up():
    backends, usable, clock = made()
    hung_up: list[float] = []
    backends.seen(backends[0])
    backends[0].on_offline.add(lambda: hung_up.append(clock.now_s))
    looks(backends, clock, 20.0)
    assert hung_up == [15.0] and not usable[0] and "15 s" in backends[0].why
    backends.seen(backends[0])
    assert usable[0] and backends[0].state == "up" and backends[0].why == ""


def test_a_server_that_fails_is_let_be_and_gets_one_request_after_a_pause():
    backends, usable, clock = made()
    backend = backends[0]
    backends.seen(backend)
    for _ in range(FAILURES):
        assert usable[0]
        backends.failed(backend, "it hung up")
    assert not usable[0] and backend.state == "failing" and backend.failed == FAILURES
    clock.now_s = 1.0
    backends.look()
    assert usable[0]
    backends.sent_to(backend)
    assert not usable[0]
    backends.answered(backend)
    assert usable[0] and backend.state == "up"


def test_heartbeats_do_not_close_the_breaker():
    backends, usable, _ = made()
    backends.seen(backends[0])
    for _ in range(FAILURES):
        backends.failed(backends[0], "500")
    backends.seen(backends[0])
    assert not usable[0]


def test_one_that_is_to_go_gets_nothing_new():
    backends, usable, _ = made()
    backends.seen(backends[0])
    backends.drain(backends[0], True)
    assert not usable[0] and backends[0].state == "draining"
    backends.drain(backends[0], False)
    assert usable[0]


def test_a_gateway_that_was_stopped_itself_does_not_take_servers_for_dead():
    backends, usable, clock = made()
    backends.seen(backends[0])
    looks(backends, clock, 10.0)
    clock.now_s += 60.0
    backends.look()
    assert usable[0] and backends[0].state == "up"
    looks(backends, clock, 73.0)
    assert usable[0]
    looks(backends, clock, 78.0)
    assert not usable[0]


def test_why_it_failed_is_said_until_it_is_well():
    backends, _, _ = made()
    backend = backends[0]
    backends.seen(backend)
    backends.failed(backend, "it answered 500")
    backends.seen(backend)
    assert backend.why == "it answered 500"
    backends.answered(backend)
    assert backend.why == ""
    backend.why = "/health answered 500"
    backends.seen(backend)
    assert backend.why == ""
