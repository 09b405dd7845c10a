"""Three decisions, told with what the router saw."""

import pytest

from blis.policies.bundle import load_bundle
from blis.workload.draw.pools import REPORT_POOL
from search.explanation.decisions import decisions
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run"))


def told(settings, **routing):
    (key,) = settings.pool(REPORT_POOL, 1)
    return decisions(settings.problem.policy(load_bundle({"routing": routing})), settings.problem, key)


def test_the_first_the_best_and_the_worst(settings):
    found = {one.why: one for one in told(settings, policy="least-loaded")}
    first, best, worst = found.values()
    assert first.arrival_s <= min(best.arrival_s, worst.arrival_s)
    assert best.primary_e2e_ms - best.e2e_ms > worst.primary_e2e_ms - worst.e2e_ms
    for one in found.values():
        assert one.chosen != one.primary_chosen
        assert one.chosen in one.instances and one.primary_chosen in one.primary_instances


def test_until_the_first_one_both_see_the_same_cluster(settings):
    first = told(settings, policy="least-loaded")[0]
    without = {
        j: [{word: value for word, value in seen[j].items() if word != "score"} for j in sorted(seen)]
        for j, seen in enumerate((first.instances, first.primary_instances))
    }
    assert without[0] == without[1]


def test_the_one_with_the_highest_score_is_chosen(settings):
    for one in told(settings, policy="least-loaded"):
        scores = {j: seen["score"] for j, seen in one.instances.items()}
        assert scores[one.chosen] == max(scores.values())


def test_of_the_same_policy_there_is_nothing_to_tell(settings):
    (key,) = settings.pool(REPORT_POOL, 1)
    assert decisions(settings.problem.against, settings.problem, key) == []
