"""Sessions: rounds, pauses and growth of known conversations are found again."""

import numpy as np
import pytest

from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_sequences
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.workload.profile.sessions import Rounds, fit_sessions, lengthens, own_tokens, shared_part


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
    accumulated = shared_part(table, rounds) > 0.99
    assert accumulated == (growth == "accumulate")
    found = fit_sessions(table, rounds, accumulated)
    assert (found.max_rounds, found.context_growth) == (6, growth)
    assert found.rounds_distribution.mean_tokens == pytest.approx(rounds.sizes.mean(), abs=0.5)
    assert found.rounds(np.random.default_rng(1), 4000).mean() == pytest.approx(4, abs=0.2)
    assert found.think_time_distribution.mean_tokens == pytest.approx(2e6, rel=0.1)
    assert own_tokens(table, rounds, accumulated).mean() == pytest.approx(300, rel=0.1)


def test_requests_without_a_session_are_one_round_each():
    table = conversations(rounds={1: 1})
    rounds = Rounds.of(table)
    assert rounds.opens.all() and set(rounds.sizes.tolist()) == {1}
    assert fit_sessions(table, rounds, False) is None
    assert shared_part(table, rounds) == 0 and not lengthens(table, rounds)


def talk(*prompts, outputs=10):
    """One session of prompts, each given as its spans."""
    inputs = np.array([sum(length for _, _, length in prompt) for prompt in prompts])
    content = intern_sequences([[*prompt, (f"answer {i}", 0, outputs)] for i, prompt in enumerate(prompts)], inputs)
    n = len(prompts)
    return assemble(
        content,
        arrival_us=np.arange(n),
        input_tokens=inputs,
        output_tokens=np.full(n, outputs),
        session=np.zeros(n, np.int64),
        round_number=np.arange(n),
        session_names=("talk",),
    )


def test_what_rounds_share_is_told_by_the_content_and_not_by_their_lengths():
    new, longer = [("a", 0, 90)], [("b", 0, 190)]
    system, other = [("system", 0, 50), ("a", 0, 40)], [("system", 0, 50), ("b", 0, 140)]
    grown = [("a", 0, 90), ("answer 0", 0, 10), ("b", 0, 90)]
    cases = [((new, longer), 0.0), ((system, other), 0.5), ((new, grown), 1.0), ((grown, new), 0.45)]
    for prompts, part in cases:
        table = talk(*prompts)
        rounds = Rounds.of(table)
        assert shared_part(table, rounds) == pytest.approx(part)
        assert lengthens(table, rounds) == (prompts[0] is not grown)
