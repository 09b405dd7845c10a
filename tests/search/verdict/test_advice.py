"""What is deployed is never worse than what runs today, as far as anything is proved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blis.comparison.statistics import BlockComparison
from blis.policies.bundle import load_bundle
from search.problem.policy import Policy
from search.verdict.advice import CANDIDATE, KEEP, RULE, advise
from tests.search.verdict.comparisons import POLICY, compared, interval


def policy(routing):
    bundle = load_bundle({"routing": {"policy": routing}})
    return Policy(bundle, bundle, None, routing)


PRIMARY, BEST = ("llm-d", policy("round-robin")), ("rule", policy("lmetric"))


def advice(candidate, over_rule, rule):
    """With intervals of the candidate against the primary and against the best baseline, and of that against it."""
    return advise(POLICY, compared(llm_d=candidate, rule=over_rule), PRIMARY, BEST, interval(*rule))


@pytest.mark.parametrize(
    ("candidate", "over_rule", "rule", "kind"),
    [
        ((0.01, 0.03), (-0.01, 0.02), (0.01, 0.02), CANDIDATE),  # both are proved, and it is the better one
        ((0.01, 0.03), (-0.02, 0.01), (0.01, 0.02), RULE),  # both are, and the rule is
        ((0.01, 0.03), (-0.02, 0.01), (-0.01, 0.09), CANDIDATE),
        ((-0.01, 0.03), (0.01, 0.02), (0.01, 0.02), RULE),  # who is not proved is not taken, whatever else it beats
        ((0.0, 0.03), (0.01, 0.02), (0.0, 0.02), KEEP),
        ((-0.2, -0.1), (-0.3, -0.2), (-0.01, 0.09), KEEP),
    ],
)
def test_who_is_taken(candidate, over_rule, rule, kind):
    found = advice(candidate, over_rule, rule)
    assert found.kind == kind
    assert found.policy == {CANDIDATE: POLICY, RULE: BEST[1], KEEP: PRIMARY[1]}[kind]
    assert found.name == {CANDIDATE: "", RULE: "rule", KEEP: "llm-d"}[kind]


def test_the_primary_is_the_best_baseline():
    comparisons = compared(llm_d=(-0.1, 0.1))
    assert advise(POLICY, comparisons, PRIMARY, PRIMARY, None).kind == KEEP
    assert advise(POLICY, compared(llm_d=(0.1, 0.2)), PRIMARY, PRIMARY, None).kind == CANDIDATE


def test_what_has_no_interval_proves_nothing():
    short = BlockComparison(0.5, flaw="too short")
    assert advise(POLICY, {"llm-d": short, "rule": short}, PRIMARY, BEST, short).kind == KEEP


bounds = st.tuples(st.floats(-1, 1), st.floats(0, 1)).map(lambda ends: (ends[0], ends[0] + ends[1]))


@given(bounds, bounds, bounds)
def test_nothing_but_the_primary_is_exported_without_a_proof(candidate, over_rule, rule):
    found = advice(candidate, over_rule, rule)
    assert (found.kind == KEEP) == (found.against is None)
    assert found.against is None or found.against.bounds[0] > 0
