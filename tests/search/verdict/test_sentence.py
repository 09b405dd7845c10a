"""The words for a judgement."""

import pytest

from blis.comparison.statistics import PERCENTILE, POINT, BlockComparison, Comparison
from search.verdict.advice import CANDIDATE, RULE, Advice, keep
from search.verdict.judgement import judge
from search.verdict.sentence import advice_words, sentence
from tests.search.verdict.comparisons import POLICY, by_blocks, compared, interval, judged


def words(comparisons):
    return sentence(judged(comparisons), comparisons, "llm-d", "round-robin", "llm-d-tuned-knobs")


def test_a_verdict_begins_with_what_to_do():
    rule = advice_words(Advice(RULE, "lmetric", POLICY, interval(0.02, 0.04)))
    assert rule == (
        "Take the rule lmetric: against what you run it scores +0.030 [+0.020, +0.040]"
        " (95 %, paired t, 32 fresh tables)."
    )
    assert advice_words(keep("llm-d", POLICY)) == "Keep what you run, llm-d."
    assert advice_words(Advice(CANDIDATE, "", POLICY, interval(0.02, 0.04))) == ""


def test_a_winner_over_all():
    assert words(compared(llm_d=(0.05, 0.07), blis=(0.001, 0.09), round_robin=(1.0, 1.2))) == (
        "The policy found beats llm-d by +0.060 [+0.050, +0.070] (95 %, paired t, 32 fresh tables);"
        " it beats all 3 baselines."
    )


def test_simpler_rules_that_tie_are_named():
    text = words(compared(llm_d=(0.05, 0.07), blis=(0.001, 0.09, 0.04), round_robin=(-0.01, 0.02)))
    assert "of the baselines it beats llm-d (Holm); simpler and not distinguishably worse: round-robin." in text


def test_hardly_worth_deploying():
    text = words(compared(llm_d=(0.004, 0.03), blis=(0.1, 0.2)))
    assert text.startswith("Better than llm-d, but hardly worth deploying: +0.017 [+0.004, +0.030]")


@pytest.mark.parametrize("bounds", [(-0.01, 0.03), (0.0, 0.0), (-0.3, -0.1)])
def test_no_significant_winner_names_the_best_baseline(bounds):
    text = words(compared(llm_d=bounds))
    assert text.startswith("No significant winner: against llm-d the best policy found scores")
    assert text.endswith("the best baseline is round-robin.")
    assert ("it loses to llm-d" in text) == (bounds[1] < 0)


def test_how_much_is_beyond_tuned_knobs():
    text = words(compared(llm_d=(0.05, 0.07), llm_d_tuned_knobs=(-0.01, 0.03)))
    assert "32 fresh tables); beyond tuned engine knobs +0.010 [-0.010, +0.030]; of the baselines it beats" in text
    assert "beyond" not in words(compared(llm_d=(-0.01, 0.07), llm_d_tuned_knobs=(-0.01, 0.03)))
    on_a_trace = {"llm-d": by_blocks(0.1, 0.2), "llm-d-tuned-knobs": BlockComparison(0.3, flaw="too short")}
    text = sentence(judge(on_a_trace, {}, "llm-d", 0.01), on_a_trace, "llm-d", "blis", "llm-d-tuned-knobs")
    assert "beyond tuned engine knobs +0.300 (no interval); " in text


def test_what_is_the_same_on_all_tables_has_no_interval_to_show():
    found = {"llm-d": Comparison(0.06, 0.06, 0.06, 0.06, 0.06, 0.0, 32, POINT)}
    text = "The policy found beats llm-d by +0.060 (the same on all 32 fresh tables); it beats all 1 baseline."
    assert words(found) == text


def test_on_a_trace_it_says_so_and_what_is_too_short():
    comparisons = {"llm-d": by_blocks(0.1, 0.2), "blis": BlockComparison(0.3, flaw="too short")}
    assert sentence(judge(comparisons, {}, "llm-d", 0.01), comparisons, "llm-d", "blis", "") == (
        "The policy found beats llm-d by +0.150 [+0.100, +0.200] on this trace, later"
        " (95 %, block bootstrap, 12 blocks of 2.5 s); of the baselines it beats llm-d (each by its own interval);"
        " too short for an interval against blis."
    )


def test_on_a_trace_it_says_which_interval_it_has():
    found = {"llm-d": BlockComparison(0.15, (0.1, 0.2), 12, 2_500_000, PERCENTILE)}
    text = sentence(judge(found, {}, "llm-d", 0.01), found, "llm-d", "blis", "")
    assert "(95 %, block bootstrap (percentile), 12 blocks of 2.5 s)" in text
