"""Skew: large tenants get larger, or all more alike."""

import numpy as np
import pytest

from search.shifts.skew import SHIFTS
from tests.search.shifts.problems import of_clients, of_population


def shares(problem):
    """The largest tenant's share of the requests."""
    tenant = problem.table(5).tenant
    return np.bincount(tenant).max() / len(tenant)


def test_the_largest_tenant_sends_more_or_less(tmp_path):
    problem = of_population(tmp_path, "workload.first=4000")
    weaker, as_it_is, stronger = (
        shares(one) for one in (SHIFTS["prefix skew weaker"](problem), problem, SHIFTS["prefix skew stronger"](problem))
    )
    assert weaker < as_it_is < stronger
    assert stronger == pytest.approx(0.29, abs=0.03)  # chat_prefix_strong_skew.yaml


def test_shares_are_never_turned_round(tmp_path):
    problem = of_population(tmp_path, "workload.population.tenants.zipf=0.1")
    assert SHIFTS["prefix skew weaker"](problem).workload.population.tenants.zipf == 0


def test_clients_by_rank(tmp_path):
    problem = of_clients(tmp_path, {"rate_fraction": 1.0}, {"rate_fraction": 4.0}, {"rate_fraction": 2.0})
    found = [one.rate_fraction for one in SHIFTS["prefix skew stronger"](problem).workload.clients]
    assert found == pytest.approx([1 * 3**-0.4, 4, 2 * 2**-0.4])
