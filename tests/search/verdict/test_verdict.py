"""What may be said: the judgement from intervals, the words for it."""

import json

import pytest

from blis.comparison.statistics import Comparison, holm, paired_comparison
from blis.policies.bundle import load_bundle
from search.problem.policy import Policy
from search.verdict.verdict import HARDLY_WORTH, NO_WINNER, WINNER, Verdict, judge, report, sentence


def interval(low, high, p=None):
    mean = (low + high) / 2
    return Comparison(mean, low, high, low, high, p if p is not None else (0.5 if low <= 0 <= high else 0.001), 32)


def judged(**intervals):
    comparisons = {name.replace("_", "-"): interval(*bounds) for name, bounds in intervals.items()}
    adjusted = dict(zip(comparisons, holm([c.p_value for c in comparisons.values()]), strict=True))
    judgement = judge(comparisons, adjusted, "llm-d", 0.01)
    return judgement, sentence(judgement, comparisons["llm-d"], "llm-d", "round-robin")


def test_beats_all_needs_every_lower_bound_above_zero():
    judgement, text = judged(llm_d=(0.05, 0.07), blis=(0.001, 0.09), round_robin=(1.0, 1.2))
    assert (judgement.outcome, judgement.beats_all) == (WINNER, True)
    assert judgement.beats == ("llm-d", "blis", "round-robin")
    assert text == (
        "The policy found beats llm-d by +0.060 [+0.050, +0.070] (95 %, paired t, 32 fresh tables);"
        " it beats all 3 baselines."
    )


def test_beating_some_needs_holm_and_names_simpler_rules_that_tie():
    judgement, text = judged(llm_d=(0.05, 0.07), blis=(0.001, 0.09, 0.04), round_robin=(-0.01, 0.02))
    assert judgement.beats == ("llm-d",)  # 0.04 x 2 is not below 0.05
    assert judgement.ties == ("round-robin",)
    assert "of the baselines it beats llm-d (Holm); simpler and not distinguishably worse: round-robin." in text


def test_a_gain_below_one_percent_is_hardly_worth_deploying():
    judgement, text = judged(llm_d=(0.004, 0.03), blis=(0.1, 0.2))
    assert judgement.outcome == HARDLY_WORTH
    assert text.startswith("Better than llm-d, but hardly worth deploying: +0.017 [+0.004, +0.030]")


@pytest.mark.parametrize("bounds", [(-0.01, 0.03), (0.0, 0.0), (-0.3, -0.1)])
def test_no_significant_winner_is_a_normal_result(bounds):
    judgement, text = judged(llm_d=bounds)
    assert (judgement.outcome, judgement.beats) == (NO_WINNER, ())
    assert text.startswith("No significant winner: against llm-d the best policy found scores")
    assert text.endswith("the best baseline is round-robin.")
    assert ("it loses to llm-d" in text) == (bounds[1] < 0)


def test_a_negative_difference_never_counts_as_beaten():
    judgement, _ = judged(llm_d=(0.05, 0.07), blis=(-0.2, -0.1))
    assert judgement.beats == ("llm-d",)
    assert judgement.loses_to == ("blis",)


def test_equal_policies_tie():
    same = paired_comparison([0.0] * 8, seed=1)
    assert (same.t_low, same.t_high, same.p_value) == (0.0, 0.0, 1.0)
    assert judge({"llm-d": same}, {"llm-d": 1.0}, "llm-d", 0.01).ties == ("llm-d",)


def test_json_is_sorted_and_complete_and_a_bare_verdict_has_no_table():
    policy = Policy(load_bundle({"scheduler": "fcfs"}), None, "")
    verdict = Verdict("interrupted", "Interrupted.", policy, {"z": 1, "a": [2**63]})
    content = json.loads(verdict.json_text())
    assert list(content) == sorted(content)
    assert content["a"] == [2**63]
    assert content["policy"] == {"scheduler": "fcfs"}
    assert report(verdict) == "Interrupted."
