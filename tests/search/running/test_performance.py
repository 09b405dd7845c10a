"""One simulation: what is kept of it, and what becomes of one that goes wrong."""

from dataclasses import replace

import numpy as np
import pytest

import blis
from blis.errors import InputError
from blis.fitness.value import FitnessValue
from blis.policies.bundle import load_bundle
from search.running.performance import Failure, perform, perform_for_score, score
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run")).problem


@pytest.fixture(scope="module")
def policy(problem):
    return problem.policy(load_bundle({"routing": {"policy": "round-robin"}}))


@pytest.fixture(scope="module")
def table(problem):
    return problem.table(problem.search_seeds[0])


def performed(problem, policy, table, simulate=None):
    return perform(simulate or problem.simulate, problem.fitness, policy.scenario, table, True)


@pytest.fixture(scope="module")
def cut_short(policy, table):
    """The same with a horizon that half of the requests do not see."""
    return replace(policy, scenario=replace(policy.scenario, horizon_us=int(table.arrival_us[-1]) // 2))


def test_measures_are_what_a_run_prints(problem, policy, cut_short, table):
    single = np.where(np.arange(len(table)) % 3, table.output_tokens, 1)  # tokens, which have no pace
    silent = replace(table, output_tokens=np.zeros_like(table.output_tokens), cache={})
    cut = replace(table, output_tokens=single, cache={})
    for deployed, requests in ((policy, table), (cut_short, cut), (policy, silent)):
        found = performed(problem, deployed, requests)
        printed = blis.simulate(deployed.scenario, requests).metrics.to_dict()
        printed["mean_instances"] = deployed.scenario.cluster.instances  # printed where they come and go
        assert vars(found.measures) == {key: printed[key] for key in vars(found.measures)}
    assert found.measures.ttft_mean_ms is found.measures.longest_stall_ms is None
    assert found.measures.e2e_mean_ms > 0


def test_times_are_those_of_completed_requests(problem, cut_short, table):
    found = performed(problem, cut_short, table)
    ttft_us = found.closely.ttft_us
    assert 0 < len(ttft_us) == len(found.e2e_us) == found.measures.completed_requests < len(table)
    assert (ttft_us > 0).all() and (found.e2e_us >= ttft_us).all()
    assert found.e2e_us.mean() / 1000 == pytest.approx(found.measures.e2e_mean_ms)


def test_what_is_compared_does_not_depend_on_how_closely_people_look(problem, cut_short, table):
    close = performed(problem, cut_short, table)
    far = perform(problem.simulate, problem.fitness, cut_short.scenario, table, False)
    assert far.seen is None
    assert (far.served, far.e2e_p99_ms) == (close.served, close.measures.e2e_p99_ms)
    assert score(problem.fitness, far.outcome, close.outcome).value == 0


def test_a_score_is_that_of_the_kept_outcome(problem, policy, table):
    one, baseline = performed(problem, policy, table), performed(problem, problem.against, table)
    alone = perform_for_score(problem.simulate, problem.fitness, policy.scenario, table, baseline.outcome)
    assert alone == score(problem.fitness, one.outcome, baseline.outcome)
    assert score(problem.fitness, baseline.outcome, baseline.outcome).value == 0


@pytest.mark.parametrize(
    ("error", "reason", "bad_input"),
    [
        (ZeroDivisionError("nothing\n  to share"), "ZeroDivisionError: nothing to share", False),
        (InputError("no targets"), "no targets", True),
    ],
)
def test_an_error_becomes_a_reason(problem, policy, table, error, reason, bad_input):
    def failing(scenario, table):
        raise error

    assert performed(problem, policy, table, failing) == Failure(reason, bad_input=bad_input)


def test_a_broken_law_is_named(problem, policy, table):
    def lying(scenario, table):
        result = problem.simulate(scenario, table)
        return replace(result, e2e_us=result.e2e_us - 10**6)

    found = performed(problem, policy, table, lying)
    assert found.reason == f"guard: {found.violations[0]}"


class Constant:
    """A fitness that gives everything the same score."""

    def __init__(self, **parts):
        self.score = FitnessValue(**parts)

    def outcome(self, scenario, table, result):
        return None

    def compare(self, candidate, baseline):
        return self.score


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["value", "undone", "harm", "terms", "objectives"])
def test_every_number_of_a_score_must_be_finite(problem, policy, table, part, number):
    parts = {"value": 1.0, "undone": 0.5, "harm": 0.0, "terms": {"f_ttft": 0.1}, "objectives": (0.25, 0.5)}
    changed = {"terms": {"f_ttft": 0.1, "f_tail": number}, "objectives": (0.25, number)}.get(part, number)
    good, bad = Constant(**parts), Constant(**{**parts, part: changed})
    failure = Failure("the score is not a finite number")
    assert (score(good, None, None), score(bad, None, None)) == (good.score, failure)
    assert perform_for_score(problem.simulate, bad, policy.scenario, table, None) == failure
