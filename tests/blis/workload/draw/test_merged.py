from __future__ import annotations

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.arrivals import Arrival, Source, merged_arrivals
from blis.workload.draw.merged import arrivals_in_parts
from blis.workload.draw.rates import RateOverTime, Stage, make_clock
from blis.workload.draw.streams import Going

HORIZON_US = 60_000_000
STAGES = RateOverTime(stages=(Stage(10, 2), Stage(20, 0), Stage(15, 0.5)))

SOURCES = {
    "one": [Source("a", Arrival("gamma", cv=2), 300)],
    "several": [
        Source("a", Arrival("poisson"), 100),
        Source("b", Arrival("constant"), 50),
        Source("c", Arrival("constant"), 50),
        Source("d", Arrival("weibull", cv=1.5), 3),
    ],
    "recorded": [Source("a", Arrival("recorded", times=(0, 1, 1.5, 4)), 70), Source("b", Arrival("poisson"), 20)],
    "together": [Source("a", Arrival("poisson", every_s=0.5), 200)],
    "a clock": [
        Source("a", Arrival("poisson"), 200, make_clock(STAGES, None)),
        Source("b", Arrival("gamma", cv=3), 30, None, 1000),
    ],
}


@pytest.mark.parametrize("size", [1, 40, 5000])
@pytest.mark.parametrize("n", [None, 1, 700])
@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
def test_parts_together_are_all_arrivals(sources, n, size):
    parts = list(arrivals_in_parts(sources, Going(5), n, HORIZON_US, size))
    times, index = merged_arrivals(sources, 5, n, HORIZON_US)
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), times)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), index)
    assert all(len(part) for part, _ in parts)


def test_parts_are_about_as_large_as_asked():
    sizes = [len(times) for times, _ in arrivals_in_parts(SOURCES["several"], Going(1), 20_000, 2**50, 500)]
    assert 250 < np.median(sizes) < 1500


def test_times_beyond_all_clocks_are_refused():
    with pytest.raises(InputError, match="puts arrivals beyond"):
        list(arrivals_in_parts([Source("a", Arrival("constant"), 1e-12)], Going(1), None, 2**60, 100))
