from __future__ import annotations

import pytest

from blis.gateway.customers import Allowance, Customers
from blis.gateway.state import Memory
from blis.serve.refusal import RefusedError


class Clock:
    """Unix seconds, as the test says."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def made(**allowance: int) -> tuple[Customers, Clock]:
    clock = Clock()
    return Customers(Allowance(**allowance), Memory(clock=clock), clock), clock


def refused(customers: Customers, customer: str = "a", tokens: int = 1) -> RefusedError | None:
    try:
        customers.come(customer, tokens)
    except RefusedError as error:
        return error
    return None


def test_requests_a_minute_come_back_one_after_the_other():
    customers, clock = made(requests_minute=6)
    assert [refused(customers) for _ in range(6)] == [None] * 6
    error = refused(customers)
    assert error and (error.status, error.headers["retry-after"]) == (429, "10")
    assert refused(customers, "b") is None
    clock.now_s += 10
    assert refused(customers) is None and refused(customers)


def test_tokens_a_minute_count_prompts_and_answers():
    customers, clock = made(tokens_minute=1000)
    assert refused(customers, tokens=700) is None
    error = refused(customers, tokens=600)
    assert error and error.status == 429 and error.retry_after_s == pytest.approx(18)
    clock.now_s += 18
    assert refused(customers, tokens=600) is None


def test_what_never_fits_is_not_told_to_come_back():
    customers, _ = made(tokens_minute=1000)
    error = refused(customers, tokens=1001)
    assert error and error.status == 400 and error.retry_after_s is None


def test_a_request_that_is_refused_costs_nothing():
    customers, _ = made(requests_minute=2, tokens_minute=100)
    assert refused(customers, tokens=100) is None
    for _ in range(5):
        assert refused(customers, tokens=50)
    assert customers._left("requests/a", 2) == pytest.approx(1)


def test_so_many_at_a_time():
    customers, _ = made(at_a_time=2)
    assert [refused(customers) for _ in range(2)] == [None, None]
    assert refused(customers)
    customers.go("a")
    assert refused(customers) is None


def test_without_an_allowance_everything_goes():
    customers, _ = made()
    assert all(refused(customers, tokens=10**6) is None for _ in range(1000))
