"""Nobody is cancelled too late, however long the instances of others could go on."""

from __future__ import annotations

import numpy as np

from blis.config import Batch, Hedging, Routing
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def scenario(after_us: int):
    return deployment(
        2,
        hedging=Hedging(after_us),
        routing=Routing("always-busiest", tie_break="first"),
        engine={"batch": Batch(max_running=1)},
    )


def test_whoever_would_begin_when_the_other_is_first_does_not():
    """1 would begin at 310, the instant of its copy's first token, and then block 2."""
    result = simulate(scenario(200), requests([10, 10, 20], [3, 2, 1]))
    assert result.attempts.first_token_us.tolist()[4] == 310
    assert result.scheduled_us.tolist() == [10, 210, 310]


def test_samples_end_with_the_run_though_somebody_was_watched():
    """A copy would be due at 5000: nobody looks so late."""
    watched, plain = (
        simulate(scenario(after_us), requests([0], 3), observe=Observe(sample_us=50)) for after_us in (5000, 0)
    )
    np.testing.assert_array_equal(watched.samples, plain.samples)
    assert watched.end_us == plain.end_us == 300
