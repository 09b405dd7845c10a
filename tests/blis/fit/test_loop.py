"""Prices by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from blis.fit.loop import Evidence, equations, find_prices, price
from blis.fit.rows import STEP
from blis.fit.terms import BASE, Terms
from tests.blis.fit.made import TRUTH, evidence, step_log

TERMS = Terms((*BASE, "context_us_token"))
PRICES = np.array([TRUTH[name] for name in TERMS.names])


def test_true_prices_leave_nothing_to_explain_and_others_do():
    seen = evidence(1, 40)
    true = price(seen, TERMS, PRICES).loss
    assert true < 1e-9
    for place in range(len(PRICES)):
        wrong = PRICES.copy()
        wrong[place] *= 1.2
        assert price(seen, TERMS, wrong).loss > 1e4 * true


def test_the_prices_of_a_log_are_found():
    found = find_prices(evidence(2, 60), TERMS, downhill=15)
    assert found.values == pytest.approx(PRICES, rel=0.02)


def test_the_same_log_has_the_same_prices():
    once, again = (find_prices(evidence(3, 40), TERMS, downhill=2) for _ in range(2))
    assert once.values.tobytes() == again.values.tobytes() and once.loss == again.loss


def test_steps_alone_need_no_simulation():
    found = find_prices(Evidence((), (step_log(4, 40),)), TERMS)
    assert found.runs == () and found.values == pytest.approx(PRICES, rel=0.01)


def test_steps_and_requests_are_looked_at_together():
    seen = Evidence(evidence(5, 40).requests, (step_log(6, 40),))
    found = find_prices(seen, TERMS, downhill=0)
    assert found.values == pytest.approx(PRICES, rel=0.01)
    assert STEP in equations(seen, found).measure and len(found.runs) == 1
