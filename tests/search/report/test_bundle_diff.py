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
        (GONE, "weight: 3"),
        (NEW, "weight: 5"),
        (GONE, "max_running: 256"),
        (NEW, "max_running: 64"),
    ]
    assert "  - name: queue-depth" in [line.text for line in bundle_diff(before, after) if line.mark == SAME]


def test_nothing_changes_against_itself(policy):
    assert changes(policy(), policy()) == []


def test_another_order_of_scorers_is_no_change(policy):
    assert changes(policy(), policy(SCORERS[::-1])) == []
    assert changes(policy(), policy([("kv-utilization", 1), *SCORERS])) == [
        (NEW, "- name: kv-utilization"),
        (NEW, "weight: 1"),
    ]
