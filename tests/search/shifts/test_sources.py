"""What sends requests is changed alike, whether it is a population or clients."""

import pytest

from blis.errors import InputError
from blis.workload.draw.arrivals import Arrival
from search.shifts.sources import with_sources
from tests.search.shifts.problems import of_clients, of_population, of_trace

CONSTANT = Arrival("constant")


def test_a_population_and_every_client(tmp_path):
    problem = with_sources(of_population(tmp_path), lambda source: {"arrival": CONSTANT})
    assert problem.workload.population.arrival == CONSTANT
    problem = of_clients(tmp_path, {"rate_fraction": 1.0}, {"rate_fraction": 2.0})
    changed = with_sources(problem, lambda source: {"arrival": CONSTANT})
    assert [client.arrival for client in changed.workload.clients] == [CONSTANT, CONSTANT]


def test_a_trace_has_none(tmp_path):
    with pytest.raises(InputError, match="a trace is one sample"):
        with_sources(of_trace(tmp_path), lambda source: {})
