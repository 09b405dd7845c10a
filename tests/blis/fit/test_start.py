"""Where to begin: prices from the log alone."""

from __future__ import annotations

import numpy as np
import pytest

from blis.fit.start import start_prices
from blis.fit.terms import BASE, Terms
from tests.blis.fit.made import TRUTH, watched

TERMS = Terms((*BASE, "context_us_token"))


@pytest.mark.parametrize("seed", range(3))
def test_the_beginning_is_near(seed: int):
    made = watched(seed, 100)
    found = dict(zip(TERMS.names, start_prices([(made.recording, made.rows)], TERMS), strict=True))
    for name in ("fixed_us", "prefill_us_token"):
        assert found[name] == pytest.approx(TRUTH[name], rel=0.3), name
    assert all(price >= 0 for price in found.values())


def test_requests_that_give_one_token_alone_say_nothing():
    made = watched(6, 60, shortest=1, longest=4)
    assert (made.recording.requests.output_tokens == 1).any()
    assert np.isfinite(start_prices([(made.recording, made.rows)], TERMS)).all()
