"""Which terms a model has."""

from __future__ import annotations

import numpy as np
import pytest

from blis.fit.choose import candidates, choose_terms
from blis.fit.loop import Evidence
from blis.fit.terms import BASE, RAMP, Terms
from blis.workload.recorded.recording import StepLog
from tests.blis.fit.made import TRUTH, evidence, step_log

PLAIN = {name: TRUTH[name] for name in BASE}


def noisy(log: StepLog) -> StepLog:
    """The same log, each step a few percent longer or shorter."""
    steps = log.steps.copy()
    steps["duration_us"] = np.rint(steps["duration_us"] * np.exp(np.random.default_rng(0).normal(0, 0.03, len(steps))))
    return StepLog(log.source, steps, log.server)


def test_the_simplest_model_comes_first_and_every_model_has_what_all_have():
    found = candidates()
    assert found[0] == Terms() and len(set(found)) == len(found)
    assert [len(terms.names) for terms in found] == sorted(len(terms.names) for terms in found)
    assert all(terms.names[: len(BASE)] == BASE for terms in found)


@pytest.mark.parametrize("more", [{}, {"context_us_token": 0.3}, {"pair_us": 0.02}, {RAMP: 6000.0, "ramp_tokens": 8.0}])
def test_a_term_that_steps_depend_on_is_let_in_and_no_other(more: dict[str, float]):
    log = noisy(step_log(7, 60, PLAIN | more))
    terms, losses = choose_terms(Evidence((), (log,)))
    assert terms.names == (*BASE, *(name for name in more if name != "ramp_tokens"))
    assert Terms().label in losses and losses[terms.label] <= losses[Terms().label]


@pytest.mark.slow
def test_a_log_of_requests_alone_says_it_too():
    assert choose_terms(evidence(8, 150))[0].names == (*BASE, "context_us_token")
    assert choose_terms(evidence(8, 150, PLAIN, noise=0.02))[0].names == BASE
