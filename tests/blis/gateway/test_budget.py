from __future__ import annotations

from blis.config import Retries
from blis.gateway.budget import RetryBudget


def spent(budget: RetryBudget) -> int:
    count = 0
    while budget.spend():
        count += 1
    return count


def test_retries_are_a_share_of_requests():
    budget = RetryBudget(Retries(budget=0.2))
    spent(budget)
    for _ in range(500):
        budget.earn()
    assert spent(budget) in (99, 100)


def test_there_is_something_to_begin_with_and_an_end_to_what_is_saved():
    budget = RetryBudget(Retries(budget=0.5))
    assert spent(budget) == 100
    for _ in range(100_000):
        budget.earn()
    assert spent(budget) == 1000


def test_no_share_no_retries():
    budget = RetryBudget(Retries(budget=0.0, saved=0.0))
    budget.earn()
    assert not budget.spend()
