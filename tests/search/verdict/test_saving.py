"""What a policy saves: limits of both on the same tables, and instances in their ratio."""

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from blis.policies.bundle import load_bundle
from blis.sizing.sizing import RATE_STEP
from search.running.evaluator import Evaluator
from search.verdict.holdout import make_holdout
from search.verdict.saving import TARGET, Saving, saving
from tests.search.small import small_settings
from tests.search.verdict.pools import marked_settings

ROUND_ROBIN = load_bundle({"routing": {"policy": "round-robin"}})


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run"), "validation.shift_seeds=3", "workload.first=400")


@pytest.fixture(scope="module")
def found(settings):
    return saving(make_holdout(settings), settings.problem.policy(ROUND_ROBIN))


def shares(settings, policy, factor):
    """The share in time on each table at so many times the rate."""
    problem = settings.problem
    world = problem.on(problem.traffic.faster(factor))
    (performances,) = Evaluator(world, settings.pool("pool/report", 3), settings.workers).performances([policy])
    return [problem.fitness.good_share(one.outcome) for one in performances]


def today(settings):
    """Requests per second on the report tables."""
    arrivals = [settings.problem.table(key).arrival_us for key in settings.pool("pool/report", 4)]
    return fmean(1e6 / np.diff(arrival_us).mean() for arrival_us in arrivals)


def test_at_its_limit_the_primary_keeps_the_target_and_the_policy_as_much(settings, found):
    """A step above it, neither does."""
    primary, policy = settings.problem.against, settings.problem.policy(ROUND_ROBIN)
    limit, ours = found.primary_rate / today(settings), found.rate / today(settings)
    kept = fmean(shares(settings, primary, limit))
    assert kept >= TARGET > fmean(shares(settings, primary, limit * RATE_STEP))
    assert fmean(shares(settings, policy, ours)) >= kept > fmean(shares(settings, policy, ours * RATE_STEP))
    assert ours < limit


def test_instances_go_with_the_ratio_of_the_rates(settings, found):
    instances = settings.problem.scenario.cluster.instances
    assert found.instances_today == instances
    assert found.instances == pytest.approx(instances * found.primary_rate / found.rate)
    low, high = found.rate_interval
    assert low <= found.rate <= high
    assert found.instances_interval == pytest.approx(
        (instances * found.primary_rate / high, instances * found.primary_rate / low)
    )


def test_the_primary_saves_nothing(settings):
    found = saving(make_holdout(settings), settings.problem.against)
    assert (found.rate, found.instances) == (found.primary_rate, 4)
    low, high = found.instances_interval
    assert low <= 4 <= high


def test_where_there_is_no_slo_there_is_nothing_to_save(tmp_path):
    settings = marked_settings(tmp_path)
    assert saving(make_holdout(settings), settings.problem.against) is None


def test_where_slos_cannot_be_kept_nothing_is_known(settings):
    classes = tuple(replace(one, ttft_us=1) for one in settings.problem.fitness.classes)
    strict = replace(
        settings, problem=replace(settings.problem, fitness=replace(settings.problem.fitness, classes=classes))
    )
    assert saving(make_holdout(strict), strict.problem.against) is None


def test_in_words():
    known = Saving(0.95, 58.5, 68.75, (66.0, 70.0), 4, 3.4036, (3.343, 3.545))
    assert known.words("llm-d", "the policy found") == (
        "at its limit, 95 % of the requests in time, llm-d carries 58.5 requests/s and the policy found 68.8 requests/s"
        " [66, 70]: the same SLO attainment with 3.40 [3.34, 3.54] instances for 4"
    )
    assert (
        replace(known, rate_interval=None, instances_interval=None)
        .words("llm-d", "lmetric")
        .endswith("lmetric 68.8 requests/s: the same SLO attainment with 3.40 instances for 4")
    )
