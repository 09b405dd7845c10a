"""What may be said: the judgement from intervals."""

import pytest

from blis.comparison.statistics import BlockComparison, paired_comparison
from search.verdict.judgement import HARDLY_WORTH, NO_INTERVAL, NO_WINNER, WINNER, judge
from tests.search.verdict.comparisons import by_blocks, compared, judged


def test_beats_all_needs_every_lower_bound_above_zero():
    judgement = judged(compared(llm_d=(0.05, 0.07), blis=(0.001, 0.09), round_robin=(1.0, 1.2)))
    assert (judgement.outcome, judgement.beats_all) == (WINNER, True)
    assert judgement.beats == ("llm-d", "blis", "round-robin")


def test_beating_some_needs_holm():
    judgement = judged(compared(llm_d=(0.05, 0.07), blis=(0.001, 0.09, 0.04), round_robin=(-0.01, 0.02)))
    assert judgement.beats == ("llm-d",)  # 0.04 x 2 is not below 0.05
    assert judgement.ties == ("round-robin",)


def test_a_gain_below_one_percent_is_hardly_worth_deploying():
    assert judged(compared(llm_d=(0.004, 0.03), blis=(0.1, 0.2))).outcome == HARDLY_WORTH


@pytest.mark.parametrize("bounds", [(-0.01, 0.03), (0.0, 0.0), (-0.3, -0.1)])
def test_no_significant_winner_is_a_normal_result(bounds):
    judgement = judged(compared(llm_d=bounds))
    assert (judgement.outcome, judgement.beats) == (NO_WINNER, ())
    assert (judgement.loses_to == ("llm-d",)) == (bounds[1] < 0)


def test_a_negative_difference_never_counts_as_beaten():
    judgement = judged(compared(llm_d=(0.05, 0.07), blis=(-0.2, -0.1)))
    assert judgement.beats == ("llm-d",)
    assert judgement.loses_to == ("blis",)


def test_equal_policies_tie():
    same = paired_comparison([0.0] * 8, seed=1)
    assert (same.t_low, same.t_high, same.p_value) == (0.0, 0.0, 1.0)
    assert judge({"llm-d": same}, {"llm-d": 1.0}, "llm-d", 0.01).ties == ("llm-d",)


def test_without_an_interval_nothing_is_proved():
    comparisons = {"llm-d": BlockComparison(0.3, flaw="too short"), "blis": by_blocks(0.1, 0.2)}
    judgement = judge(comparisons, {}, "llm-d", 0.01)
    assert (judgement.outcome, judgement.beats_all) == (NO_INTERVAL, False)
    assert (judgement.beats, judgement.unknown) == (("blis",), ("llm-d",))
