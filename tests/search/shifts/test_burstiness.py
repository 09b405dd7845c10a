"""Burstiness: gaps vary twice as much, or half as much, at the same rate."""

import numpy as np
import pytest

from blis.errors import InputError
from search.shifts.burstiness import SHIFTS
from tests.search.shifts.problems import of_clients, of_population


def variation(problem):
    """The coefficient of variation of the gaps of many requests, and their mean."""
    gaps = np.diff(problem.table(5).arrival_us)
    return gaps.std() / gaps.mean(), gaps.mean()


@pytest.mark.parametrize(("name", "cv"), [("burstiness x0.5", 0.75), ("burstiness x2", 3.0)])
def test_gaps_of_the_population_vary_more_or_less(tmp_path, name, cv):
    problem = of_population(tmp_path, "workload.first=20000")
    found, mean_us = variation(SHIFTS[name](problem))
    assert found == pytest.approx(cv, rel=0.05)
    assert mean_us == pytest.approx(1e6 / 41, rel=0.1)


def test_poisson_arrivals_of_clients_have_a_variation_of_one(tmp_path):
    problem = SHIFTS["burstiness x2"](of_clients(tmp_path, {"rate_fraction": 1.0}))
    assert [(one.arrival.process, one.arrival.cv) for one in problem.workload.clients] == [("gamma", 2.0)]


def test_weibull_gaps_stay_weibull(tmp_path):
    arrival = {"process": "weibull", "cv": 1.5}
    problem = SHIFTS["burstiness x2"](of_clients(tmp_path, {"rate_fraction": 1.0, "arrival": arrival}))
    assert [(one.arrival.process, one.arrival.cv) for one in problem.workload.clients] == [("weibull", 3.0)]


def test_constant_gaps_have_none(tmp_path):
    clients = {"rate_fraction": 1.0}, {"rate_fraction": 1.0, "arrival": {"process": "constant"}}
    with pytest.raises(InputError, match="gaps of process 'constant' have no variation"):
        SHIFTS["burstiness x2"](of_clients(tmp_path, *clients))
