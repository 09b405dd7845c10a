"""Other rates: the same requests, closer together."""

import numpy as np

from search.shifts.rate import SHIFTS
from tests.search.shifts.problems import of_population, of_trace


def test_the_same_requests_come_faster(tmp_path):
    problem = of_population(tmp_path)
    here, there = (one.table(3) for one in (problem, SHIFTS["rate x1.2"](problem)))
    assert np.array_equal(here.input_tokens, there.input_tokens)
    assert np.allclose(here.arrival_us, 1.2 * there.arrival_us, atol=1.2)


def test_a_trace_is_replayed_slower(tmp_path):
    problem = of_trace(tmp_path)
    here, there = (one.table("report") for one in (problem, SHIFTS["rate x0.8"](problem)))
    gaps = [np.diff(table.arrival_us).mean() for table in (here, there)]
    assert abs(gaps[1] / gaps[0] - 1.25) < 0.05
