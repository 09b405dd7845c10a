"""The score along a number, and where it falls off."""

from dataclasses import replace

import pytest

from blis.policies.bundle import load_bundle
from blis.workload.draw.pools import SELECTION_POOL
from search.explanation.slices import FACTORS, numbers, slices
from search.running.evaluator import Evaluator
from tests.search.verdict.pools import MarkedFitness, marked_settings


class Hill(MarkedFitness):
    """Worth 1 near a budget of 2,000 tokens, 0.7 within a factor of 2, else nothing; the primary has 2,048 x 8."""

    def outcome(self, scenario, table, result):
        budget = scenario.instance.batch.max_scheduled_tokens
        return 1.0 if 1400 <= budget <= 2900 else 0.7 if 990 <= budget <= 4010 else 0.0


def evaluator(tmp_path, fitness):
    settings = marked_settings(tmp_path)
    far = load_bundle({"engine": {"max_scheduled_tokens": 16384}})
    problem = replace(settings.problem, fitness=fitness, baseline=far)
    return Evaluator(problem, settings.pool(SELECTION_POOL, 3), settings.workers)


def test_plateau_and_cliff_of_a_number(tmp_path):
    found = evaluator(tmp_path, Hill())
    policy = found.problem.policy(load_bundle({"engine": {"max_scheduled_tokens": 2000}}))
    one = slices(policy, found, 0.005)["engine.max_scheduled_tokens"]
    assert one.value == 2000 and one.values[0] == 500 and one.values[-1] == 8000
    assert len(one.values) == len(FACTORS) and list(one.values) == sorted(one.values)
    assert one.scores == pytest.approx((0.0, 0.0, 0.7, 1.0, 1.0, 1.0, 0.7, 0.0, 0.0))
    assert one.plateau == (1414, 2828)
    assert one.cliff == pytest.approx(5657 / 2000)  # rounded a little nearer than 707 is


def test_where_nothing_falls_there_is_no_cliff(tmp_path):
    found = evaluator(tmp_path, Hill())
    policy = found.problem.policy(load_bundle({"engine": {"max_scheduled_tokens": 2000, "max_running": 64}}))
    one = slices(policy, found, 0.005)["engine.max_running"]
    assert one.cliff is None and one.plateau == (16, 256)


def test_a_policy_that_gains_nothing_has_nothing_to_lose(tmp_path):
    found = evaluator(tmp_path, Hill())
    assert slices(found.problem.policy(load_bundle({"engine": {"max_scheduled_tokens": 100}})), found, 0.005) == {}


def test_a_value_that_is_not_allowed_is_left_out(tmp_path):
    found = evaluator(tmp_path, Hill())
    policy = found.problem.policy(load_bundle({"engine": {"max_scheduled_tokens": 2000, "max_running": 1}}))
    assert min(slices(policy, found, 0.005)["engine.max_running"].values) == 1


def test_which_numbers_can_be_moved():
    bundle = load_bundle(
        {
            "admission": {"policy": "token-bucket", "token_bucket_capacity": 9e4, "token_bucket_refill_rate": 8e4},
            "routing": {
                "policy": "weighted",
                "scorers": [{"name": "queue-depth", "weight": 1}, {"name": "load-balance", "weight": 2}],
            },
            "engine": {"max_running": 64, "long_prefill_threshold": 0},
        }
    )
    found = dict(numbers(bundle))
    assert list(found) == [
        "routing.scorers.queue-depth",
        "routing.scorers.load-balance",
        "admission.parameters.capacity_tokens",
        "admission.parameters.refill_tokens_per_s",
        "engine.max_running",
    ]
    for key, (value, set_to) in found.items():
        assert dict(numbers(set_to(value * 2)))[key][0] == value * 2
    one = load_bundle({"routing": {"policy": "weighted", "scorers": [{"name": "queue-depth", "weight": 1}]}})
    assert list(numbers(one)) == []  # the scale of one weight says nothing
