"""What is exported says what it is for: differences that cost nothing are given up, the others stay."""

from dataclasses import replace
from math import gcd

import pytest

from blis.policies.bundle import load_bundle
from blis.workload.draw.pools import SELECTION_POOL
from search.running.evaluation import Evaluation
from search.running.evaluator import Evaluator
from search.verdict.simplify import one_back, simplify
from tests.search.verdict.pools import BUDGETS, marked_settings


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
    found = simplify(given, evaluator, 0.01)
    assert found.set_back == ("engine.max_running",)
    assert found.policy.bundle.engine.max_running == evaluator.problem.against.complete.engine.max_running
    assert found.policy.bundle.engine.max_scheduled_tokens == 1200
    assert found.policy.bundle.routing.policy == "least-loaded"


def test_what_is_lost_in_all_is_bounded(evaluator):
    """Routing is worth 0.02, the budget 0.35, of a gain of 0.37: only the cheaper one goes."""
    given = policy(evaluator, routing={"policy": "least-loaded"}, engine={"max_scheduled_tokens": 1200})
    assert simplify(given, evaluator, 0.019 / 0.37).set_back == ()
    assert simplify(given, evaluator, 0.021 / 0.37).set_back == ("routing.policy",)
    assert BUDGETS[SELECTION_POOL][1200] > 0.3
    assert simplify(given, evaluator, 1.0).set_back == ("routing.policy",)  # the rest would be the primary itself


class Priced(Evaluator):
    """An evaluator with prices in place of simulations."""

    def __init__(self, like, price):
        super().__init__(like.problem, like.seeds, like.workers)
        self.price = price

    def evaluate(self, policies):
        return [Evaluation(policy.id, "ok", "", fitness=self.price(policy.complete)) for policy in policies]


KNOBS = {"max_running": 99, "max_scheduled_tokens": 1200, "long_prefill_threshold": 512}


def test_small_losses_add_up(evaluator):
    """Each of three knobs is worth a tenth of the gain, which may be large or small."""
    given = policy(evaluator, routing={"policy": "lmetric"}, engine=KNOBS)
    for scale in (0.06, 6.0):

        def price(bundle, scale=scale):
            knobs = sum(getattr(bundle.engine, key) == value for key, value in KNOBS.items())
            return scale * (0.1 * knobs + 0.7 * (bundle.routing.policy == "lmetric"))

        priced = Priced(evaluator, price)
        for share, count in ((0.05, 0), (0.15, 1), (0.25, 2)):
            assert len(simplify(given, priced, share).set_back) == count


def test_a_policy_without_a_gain_has_none_to_lose(evaluator):
    """One that scores below the primary baseline gives up only what does not cost anything."""
    given = policy(evaluator, routing={"policy": "lmetric"}, engine={"max_running": 99})
    falls = Priced(evaluator, lambda bundle: -0.5 - 0.01 * (bundle.routing.policy != "lmetric"))
    assert simplify(given, falls, 0.9).set_back == ("engine.max_running",)


def test_weights_are_rounded_as_coarsely_as_costs_nothing(evaluator):
    """The ratio 1.5015 is 1.49 with weights up to 100, which costs all, and 1.5015 with weights up to 1000."""
    given = policy(evaluator, routing=weighted(queue_depth=1, load_balance=1.5015))

    def price(bundle):
        weights = [scorer.weight for scorer in bundle.routing.scorers or ()]
        return float(len(weights) == 2 and abs(weights[1] / weights[0] - 1.5015) < 0.001)

    found = simplify(given, Priced(evaluator, price), 0.01).policy.bundle.routing.scorers
    assert [scorer.weight for scorer in found] == [333, 500]


def test_weights_are_whole_and_without_a_common_divisor(evaluator):
    against = load_bundle({"routing": weighted(load_balance=1, queue_waiting=3)})
    problem = replace(evaluator.problem, baseline=against)
    others = Evaluator(problem, evaluator.seeds, evaluator.workers)
    given = policy(others, routing=weighted(queue_depth=1, load_balance=3, queue_waiting=6))
    found = simplify(given, others, 1.0)
    assert "routing.scorers.queue-depth" in found.set_back
    weights = [scorer.weight for scorer in found.policy.bundle.routing.scorers]
    assert len(weights) == 2 and all(weight.is_integer() for weight in weights)
    assert gcd(*map(int, weights)) == 1


def test_a_share_that_moved_again_was_not_set_back(evaluator):
    """Beside a scorer that the primary baseline has not, not all can have the shares that they have there."""
    against = load_bundle({"routing": weighted(load_balance=2, queue_waiting=3, kv_utilization=5)})
    others = Priced(evaluator, lambda bundle: float("queue-depth" in {one.name for one in bundle.routing.scorers}))
    others.problem = replace(evaluator.problem, baseline=against)
    routing = weighted(load_balance=5, queue_waiting=3, kv_utilization=2, queue_depth=6)
    found = simplify(policy(others, routing=routing), others, 0.01)
    weights = {one.name: one.weight for one in found.policy.bundle.routing.scorers}
    theirs = {"load-balance": 0.2, "queue-waiting": 0.3, "kv-utilization": 0.5}
    equal = {name for name, share in theirs.items() if abs(weights[name] / sum(weights.values()) - share) < 0.01}
    assert set(found.set_back) == {f"routing.scorers.{name}" for name in equal} and 0 < len(equal) < 3


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
