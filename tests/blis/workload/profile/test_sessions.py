"""Sessions: rounds, pauses and growth of known conversations are found again."""

import numpy as np
import pytest

from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.workload.profile.sessions import Rounds, fit_sessions, own_tokens


def conversations(growth="accumulate", closed=False, rounds=None):
    turn = {
        "max_rounds": 6,
        "rounds_distribution": {"type": "empirical", "params": rounds or {2: 1, 6: 1}},
        "think_time_distribution": {"type": "exponential", "params": {"mean": 2_000_000}},
        "context_growth": growth,
    }
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": {"type": "exponential", "params": {"mean": 300}},
        "output_distribution": {"type": "exponential", "params": {"mean": 60}},
        "reasoning": {"multi_turn": turn},
        "closed_loop": closed,
    }
    return generate(load_spec({"version": "2", "aggregate_rate": 2, "horizon": 400_000_000, "clients": [client]}), 1)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("growth", ["accumulate", "none"])
def test_the_shape_of_conversations_is_found(growth, closed):
    table = conversations(growth, closed)
    rounds = Rounds.of(table)
    found = fit_sessions(table, rounds)
    assert (found.max_rounds, found.context_growth) == (6, growth)
    assert found.rounds_distribution.mean_tokens == pytest.approx(rounds.sizes.mean(), abs=0.5)
    assert found.rounds(np.random.default_rng(1), 4000).mean() == pytest.approx(4, abs=0.2)
    assert found.think_time_distribution.mean_tokens == pytest.approx(2e6, rel=0.1)
    assert own_tokens(table, rounds).mean() == pytest.approx(300, rel=0.1)


def test_requests_without_a_session_are_one_round_each():
    table = conversations(rounds={1: 1})
    rounds = Rounds.of(table)
    assert rounds.opens.all() and set(rounds.sizes.tolist()) == {1}
    assert fit_sessions(table, rounds) is None
