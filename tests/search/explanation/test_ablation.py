"""What each difference is worth, from the report tables."""

import pytest

from blis.policies.bundle import load_bundle
from blis.workload.draw.pools import REPORT_POOL
from search.explanation.ablation import ablation
from search.verdict.holdout import Holdout
from tests.search.verdict.pools import BUDGETS, ROUTINGS, marked_settings


@pytest.fixture(scope="module")
def holdout(tmp_path_factory):
    return Holdout(marked_settings(tmp_path_factory.mktemp("run")))


def test_each_difference_alone_on_the_report_tables(holdout):
    mapping = {"routing": {"policy": "least-loaded"}, "engine": {"max_scheduled_tokens": 1200, "max_running": 99}}
    policy = holdout.settings.problem.policy(load_bundle(mapping))
    found = ablation(policy, holdout, ())
    assert {key: pytest.approx(one.mean) for key, one in found.items()} == {
        "routing.policy": ROUTINGS[REPORT_POOL]["least-loaded"],
        "engine.max_scheduled_tokens": BUDGETS[REPORT_POOL][1200],
        "engine.max_running": 0.0,
    }
    assert "engine.max_running" not in ablation(policy, holdout, ("engine.max_running",))
