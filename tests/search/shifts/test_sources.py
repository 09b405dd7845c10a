"""What sends requests is changed alike, whether it is a population or clients."""

import pytest

from blis.errors import InputError
from blis.workload.draw.arrivals import Arrival
from blis.workload.draw.spec import load_spec
from search.problem.traffic import Drawn
from search.shifts.sources import with_sources
from tests.blis.workload.read.test_servegen import EARLY, chunk
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


def test_what_others_recorded_is_what_it_is(tmp_path):
    chunk(tmp_path / "data", 1, ["0,5,1,"], {"0": EARLY})
    spec = load_spec({"servegen_data": {"path": str(tmp_path / "data")}})
    with pytest.raises(InputError, match="servegen_data says who sends"):
        with_sources(of_population(tmp_path).on(Drawn(spec)), lambda source: {})
