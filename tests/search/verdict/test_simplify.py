"""What is exported says what it is for: differences that cost nothing are given up, the others stay."""

from dataclasses import replace
from math import gcd

import pytest

from blis.policies.bundle import load_bundle
from blis.workload.draw.pools import SELECTION_POOL
from search.running.evaluator import Evaluator
from search.verdict.simplify import one_back, simplify
from tests.search.verdict.pools import BUDGETS, QUEUE_DEPTH, marked_settings


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory):
    settings = marked_settings(tmp_path_factory.mktemp("run"))
    return Evaluator(settings.problem, settings.pool(SELECTION_POOL, 2), settings.workers)


def policy(evaluator, **mapping):
    return evaluator.problem.policy(load_bundle(mapping))


def weighted(**weights):
    scorers = [{"name": name.replace("_", "-"), "weight": weight} for name, weight in weights.items()]
    return {"policy": "weighted", "scorers": scorers}


def test_a_difference_without_a_worth_is_set_back(evaluator):
    given = policy(
        evaluator, routing={"policy": "least-loaded"}, engine={"max_scheduled_tokens": 1200, "max_running": 99}
    )
    found = simplify(given, evaluator, 0.001)
    assert found.set_back == ("engine.max_running",)
    assert found.policy.bundle.engine.max_running == evaluator.problem.against.complete.engine.max_running
    assert found.policy.bundle.engine.max_scheduled_tokens == 1200
    assert found.policy.bundle.routing.policy == "least-loaded"


def test_what_is_lost_in_all_is_bounded(evaluator):
    """Routing is worth 0.02, the budget 0.35: of what may be lost only the cheaper one goes."""
    given = policy(evaluator, routing={"policy": "least-loaded"}, engine={"max_scheduled_tokens": 1200})
    assert simplify(given, evaluator, 0.019).set_back == ()
    assert simplify(given, evaluator, 0.021).set_back == ("routing.policy",)
    assert BUDGETS[SELECTION_POOL][1200] > 0.3
    assert simplify(given, evaluator, 1.0).set_back == ("routing.policy",)  # the rest would be the primary itself


def test_weights_are_whole_and_without_a_common_divisor(evaluator):
    against = load_bundle({"routing": weighted(load_balance=1, queue_waiting=3)})
    problem = replace(evaluator.problem, baseline=against)
    others = Evaluator(problem, evaluator.seeds, evaluator.workers)
    given = policy(others, routing=weighted(queue_depth=1, load_balance=3, queue_waiting=6))
    found = simplify(given, others, QUEUE_DEPTH[SELECTION_POOL] * 1.5)
    assert "routing.scorers.queue-depth" in found.set_back
    weights = [scorer.weight for scorer in found.policy.bundle.routing.scorers]
    assert len(weights) == 2 and all(weight.is_integer() for weight in weights)
    assert gcd(*map(int, weights)) == 1


def test_it_never_becomes_the_primary_itself(evaluator):
    problem = replace(evaluator.problem, baseline=load_bundle({"routing": weighted(load_balance=1, queue_waiting=3)}))
    others = Evaluator(problem, evaluator.seeds, evaluator.workers)
    given = policy(others, routing=weighted(load_balance=2, queue_waiting=6), engine={"max_running": 99})
    assert simplify(given, others, 1.0).set_back == ()


def test_one_back_is_each_difference_alone(evaluator):
    given = policy(evaluator, routing={"policy": "lmetric"}, engine={"max_running": 99, "max_scheduled_tokens": 1200})
    found = one_back(given, evaluator.problem)
    assert list(found) == ["routing.policy", "engine.max_scheduled_tokens", "engine.max_running"]
    assert found["engine.max_running"].complete.engine.max_scheduled_tokens == 1200
    assert found["routing.policy"].complete.routing.policy == "round-robin"
