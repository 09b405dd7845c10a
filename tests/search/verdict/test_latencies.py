"""Latencies beside the scores are those that `blis run` prints for the same policy and table."""

import pytest
from search.verdict.latencies import MEASURED, mean_of, measure

import blis
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run"))


def test_they_are_the_metrics_of_the_run(settings):
    problem, policy = settings.problem, settings.baselines["round-robin"]
    found = measure(problem, policy, problem.search_seeds, settings.workers)
    for key, measures in zip(problem.search_seeds, found, strict=True):
        metrics = blis.simulate(problem.scenario, problem.table(key), policy=policy).metrics.to_dict()
        assert measures == {name: metrics[name] for name in MEASURED}


def test_the_mean_is_over_tables():
    first, second = ({name: float(i * k) for k, name in enumerate(MEASURED)} for i in (1, 3))
    assert mean_of([first, second]) == {name: 2.0 * k for k, name in enumerate(MEASURED)}
