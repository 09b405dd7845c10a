"""Two policies line against line."""

import pytest

from blis.policies.bundle import load_bundle
from search.report.bundle_diff import GONE, NEW, SAME, bundle_diff

SCORERS = [("prefix-affinity", 3), ("queue-depth", 2)]


@pytest.fixture(scope="module")
def policy(done):
    def make(scorers=SCORERS, **engine):
        routing = {"policy": "weighted", "scorers": [{"name": name, "weight": weight} for name, weight in scorers]}
        return done.problem.policy(load_bundle({"routing": routing, "engine": engine}))

    return make


def changes(before, after):
    return [(line.mark, line.text.strip()) for line in bundle_diff(before, after) if line.mark != SAME]


def test_what_changes_is_marked_and_the_rest_is_there(policy):
    before, after = policy(max_running=256), policy([("prefix-affinity", 5), ("queue-depth", 2)], max_running=64)
    assert changes(before, after) == [
        (GONE, "weight: 3 (60% of all)"),
        (NEW, "weight: 5 (71% of all)"),
        (GONE, "weight: 2 (40% of all)"),
        (NEW, "weight: 2 (29% of all)"),
        (GONE, "max_running: 256"),
        (NEW, "max_running: 64"),
    ]
    assert "  - name: queue-depth" in [line.text for line in bundle_diff(before, after) if line.mark == SAME]


def test_nothing_changes_against_itself(policy):
    assert changes(policy(), policy()) == []


def test_another_order_of_scorers_is_no_change(policy):
    assert changes(policy(), policy(SCORERS[::-1])) == []
    assert changes(policy(), policy([("kv-utilization", 5), *SCORERS])) == [
        (GONE, "weight: 3 (60% of all)"),
        (NEW, "weight: 3 (30% of all)"),
        (GONE, "weight: 2 (40% of all)"),
        (NEW, "weight: 2 (20% of all)"),
        (NEW, "- name: kv-utilization"),
        (NEW, "weight: 5 (50% of all)"),
    ]


def test_a_weight_is_held_against_that_of_its_own_scorer(policy):
    """Though the new one of the second is the old one of the first."""
    assert changes(policy(), policy([("prefix-affinity", 56), ("queue-depth", 3)])) == [
        (GONE, "weight: 3 (60% of all)"),
        (NEW, "weight: 56 (95% of all)"),
        (GONE, "weight: 2 (40% of all)"),
        (NEW, "weight: 3 (5% of all)"),
    ]
