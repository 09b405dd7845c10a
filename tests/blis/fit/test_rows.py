"""From a run to equations: they hold for the prices that the log was made with."""

from __future__ import annotations

import numpy as np
import pytest

from blis.fit.loop import run_of
from blis.fit.rows import E2E, GAPS, STEP, TTFT, joined, request_rows, step_rows
from blis.fit.terms import BASE, Terms
from blis.workload.recorded.recording import Server
from tests.blis.fit.made import TRUTH, step_log, watched

TERMS = Terms((*BASE, "context_us_token"))
PRICES = np.array([TRUTH[name] for name in TERMS.names])


@pytest.mark.parametrize("server", [Server(vllm="0.19.0"), Server(vllm="0.8.5")])
def test_true_prices_solve_the_equations_of_their_run(server: Server):
    made = watched(3, 40, server=server)
    found = request_rows(made.recording, run_of(made, TERMS, PRICES), TERMS, made.rows)
    assert found.columns @ PRICES == pytest.approx(found.values, rel=1e-3)  # steps are whole µs
    assert set(found.measure.tolist()) == {TTFT, E2E, GAPS} and len(found.values) == 3 * 40
    wrong = found.columns @ (PRICES * 1.2)
    assert np.abs(wrong - found.values).min() > 0.01


def test_only_the_chosen_requests_are_looked_at():
    made = watched(3, 40)
    found = request_rows(made.recording, run_of(made, TERMS, PRICES), TERMS, made.rows[10:20])
    assert sorted({*found.request.tolist()}) == list(range(10, 20))


def test_an_output_of_one_token_says_nothing_of_what_comes_after():
    made = watched(3, 40, longest=3)  # no output is longer than two
    found = request_rows(made.recording, run_of(made, TERMS, PRICES), TERMS, made.rows)
    together = found.columns[found.measure == GAPS] * 1.0
    assert len(together) == 40 and np.isfinite(together).all()


def test_every_step_is_an_equation():
    log = step_log(4, 20)
    found = step_rows(log, TERMS)
    assert len(found.values) == len(log.steps) and set(found.measure.tolist()) == {STEP}
    assert found.columns @ PRICES == pytest.approx(found.values, rel=1e-3)


def test_requests_of_different_logs_are_different():
    parts = [step_rows(step_log(seed, 20), TERMS) for seed in (4, 5)]
    found = joined(parts)
    assert len(np.unique(found.request)) == sum(len(part.values) for part in parts) == len(found.values)
