import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.lengths import CountDistribution, Distribution
from blis.workload.draw.sessions import MultiTurn, Turns
from blis.workload.draw.streams import stream


def test_every_session_has_its_rounds_or_as_many_as_are_drawn():
    assert MultiTurn(5).rounds(stream(1, "x"), 3).tolist() == [5, 5, 5]
    drawn = MultiTurn(4, rounds_distribution=Distribution("exponential", {"mean": 3})).rounds(stream(1, "x"), 2000)
    assert (drawn.min(), drawn.max()) == (1, 4)
    assert (drawn == 4).mean() == pytest.approx(np.exp(-3.5 / 3), abs=0.04)


def test_pauses_are_said_or_drawn():
    assert MultiTurn(2).think_us(stream(1, "x"), 2).tolist() == [0, 0]
    assert MultiTurn(2, 70).think_us(stream(1, "x"), 2).tolist() == [70, 70]
    drawn = MultiTurn(2, think_time_distribution=CountDistribution("exponential", {"mean": 1e6}))
    assert drawn.think_us(stream(1, "x"), 4000).mean() == pytest.approx(1e6, rel=0.06)


def test_turns_lie_start_by_start():
    turns = Turns.of(np.array([2, 1, 3]))
    assert turns.start.tolist() == [0, 0, 1, 2, 2, 2]
    assert turns.round.tolist() == [0, 1, 0, 0, 1, 2]
    assert turns.sums_before(np.array([5, 6, 7, 1, 2, 3])).tolist() == [0, 5, 0, 0, 1, 3]


@pytest.mark.parametrize(("growth", "tokens"), [("accumulate", 3 * 12 + 3 * 7), ("none", 36), ("", 36)])
def test_the_prompts_of_a_session_have_their_mean(growth, tokens):
    """Three rounds of 2 + 10 tokens, each answered with 5."""
    assert MultiTurn(3, context_growth=growth).mean_prompts_tokens(10, 2, 5) == tokens


def test_rounds_are_bounded():
    with pytest.raises(InputError, match="max_rounds must be in"):
        MultiTurn(10**6)
