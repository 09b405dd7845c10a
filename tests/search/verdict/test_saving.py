"""What a policy saves: limits of both on the same tables, and instances in their ratio."""

from dataclasses import replace
from itertools import product
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


def limits(settings, policy):
    """By table the factors on today's rate at which the target is kept, and a step above that is not."""
    factors = [RATE_STEP**k for k in range(-139, 140)]
    kept = [[share >= TARGET for share in shares(settings, policy, factor)] for factor in factors]
    return [
        {factors[k] for k in range(len(factors) - 1) if kept[k][table] and not kept[k + 1][table]} for table in range(3)
    ]


def today(settings):
    """Requests per second on the report tables."""
    arrivals = [settings.problem.table(key).arrival_us for key in settings.pool("pool/report", 4)]
    return fmean(1e6 / np.diff(arrival_us).mean() for arrival_us in arrivals)


@pytest.mark.slow
def test_rates_are_means_over_tables_of_limits(settings, found):
    """A limit: the target is kept there, and a step above it is not; a table may have several."""
    for rate, policy in (
        (found.primary_rate, settings.problem.against),
        (found.rate, settings.problem.policy(ROUND_ROBIN)),
    ):
        mean = rate / today(settings)
        choices = product(*limits(settings, policy))
        assert any(fmean(chosen) == pytest.approx(mean) for chosen in choices)
    assert found.rate < found.primary_rate


def test_instances_are_in_the_inverse_ratio_of_the_limits(found):
    low, high = found.instances_interval
    assert low <= found.instances <= high
    assert found.instances_today == 4
    assert found.instances == pytest.approx(4 * found.primary_rate / found.rate, rel=0.1)
    assert found.rate_interval[0] <= found.rate <= found.rate_interval[1]


def test_the_primary_saves_nothing(settings):
    found = saving(make_holdout(settings), settings.problem.against)
    assert (found.rate, found.instances, found.instances_interval) == (found.primary_rate, 4, (4, 4))


def test_today_s_rate_is_met_on_the_report_tables_themselves(settings):
    met = []

    def simulate(scenario, table):
        met.append(table)
        return settings.problem.simulate(scenario, table)

    holdout = make_holdout(replace(settings, problem=replace(settings.problem, simulate=simulate)))
    holdout.reported(settings.problem.against)
    known = [table.arrival_us.tobytes() for table in met]
    saving(holdout, settings.problem.against)
    assert len({table.arrival_us.tobytes() for table in met}) == len(met)
    assert known == [settings.problem.table(key).arrival_us.tobytes() for key in holdout.report.seeds]


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
