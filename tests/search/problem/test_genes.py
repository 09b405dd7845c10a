"""Differences of two policies: each by itself, and all of them together lead from one to the other."""

from dataclasses import replace
from random import Random

import pytest

from blis.config import Scorer
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from search.application import compose_settings
from search.problem.genes import differences
from search.problem.problem import Problem
from search.space.codec import decode


@pytest.fixture(scope="module")
def settings():
    return compose_settings(["search_space=full_policy", "tracking=none"])


@pytest.fixture(scope="module")
def problem(settings) -> Problem:
    return settings.problem


def complete(problem, **mapping):
    return problem.policy(load_bundle(mapping)).complete


def weighted(**weights):
    scorers = [{"name": name.replace("_", "-"), "weight": weight} for name, weight in weights.items()]
    return {"policy": "weighted", "scorers": scorers}


def test_a_policy_does_not_differ_from_itself(problem):
    assert differences(problem.against.complete, problem.against.complete) == {}


def test_engine_knobs_and_admission_are_set_back_one_by_one(problem):
    plain = complete(problem)
    other = complete(
        problem,
        admission={"policy": "token-bucket", "token_bucket_capacity": 9e4, "token_bucket_refill_rate": 8e4},
        engine={"max_running": 64, "long_prefill_threshold": 512},
    )
    back = differences(other, plain)
    assert list(back) == ["admission.policy", "engine.max_running", "engine.long_prefill_threshold"]
    assert back["admission.policy"].admission == plain.admission
    assert back["engine.max_running"].engine.long_prefill_threshold == 512
    again = complete(
        problem,
        admission={"policy": "token-bucket", "token_bucket_capacity": 9e4, "token_bucket_refill_rate": 7e4},
    )
    assert list(differences(again, other)) == [
        "admission.parameters.refill_tokens_per_s",
        "engine.max_running",
        "engine.long_prefill_threshold",
    ]


def test_weights_count_by_their_share(problem):
    one = complete(problem, routing=weighted(queue_depth=3, queue_waiting=1))
    assert differences(one, complete(problem, routing=weighted(queue_depth=6, queue_waiting=2))) == {}
    back = differences(one, complete(problem, routing=weighted(queue_depth=1, load_balance=1)))
    assert list(back) == [f"routing.scorers.{name}" for name in ("load-balance", "queue-depth", "queue-waiting")]
    found = {key.rpartition(".")[2]: dict(weights_of(bundle)) for key, bundle in back.items()}
    assert found["load-balance"] == {"queue-depth": 3, "queue-waiting": 1, "load-balance": 4}  # a half of all
    assert found["queue-depth"] == {"queue-waiting": 1, "queue-depth": 1}
    assert found["queue-waiting"] == {"queue-depth": 3}


ORDER = ("queue-waiting", "prefix-affinity", "load-balance", "queue-depth")


def test_scorers_stand_in_the_order_of_the_other_policy(problem):
    other = complete(problem, routing=weighted(queue_waiting=2, prefix_affinity=3, load_balance=2))
    one = complete(problem, routing=weighted(prefix_affinity=5, queue_depth=1, queue_waiting=9))
    for key in ("prefix-affinity", "load-balance"):
        names = [name for name, _ in weights_of(differences(one, other)[f"routing.scorers.{key}"])]
        assert names == [name for name in ORDER if name in names]


def test_a_scorer_that_is_the_only_one_is_not_taken_away(problem):
    one = complete(problem, routing=weighted(queue_depth=3))
    assert "routing.scorers.queue-depth" not in differences(one, complete(problem, routing=weighted(load_balance=1)))


def test_what_belongs_to_another_template_comes_with_it(problem):
    one = complete(problem, routing={**weighted(queue_depth=3), "tie_break": "first"})
    (routing,) = differences(one, complete(problem, routing={"policy": "lmetric"})).values()
    assert routing.routing.policy == "lmetric" and routing.routing.scorers is None


@pytest.mark.parametrize("seed", range(60))
def test_all_together_they_lead_to_the_other_policy(settings, problem, seed):
    rng = Random(seed)
    found, other = (
        problem.candidate(decode(settings.space, settings.space.sample(rng), problem.rates)).complete for _ in range(2)
    )
    for _ in range(200):
        keys = differences(found, other)
        if not keys:
            break
        bundle = keys[rng.choice(list(keys))]
        try:
            found = problem.policy(bundle).complete
        except InputError:  # half of a policy that is none
            found = problem.policy(other).complete
    assert not keys
    assert shares(found) == pytest.approx(shares(other))
    assert load_and_strip(found) == load_and_strip(other)


def weights_of(bundle):
    return [(scorer.name, scorer.weight) for scorer in bundle.routing.scorers or ()]


def shares(bundle):
    weights = dict(weights_of(bundle))
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def load_and_strip(bundle):
    """All but the weights, whose scale says nothing, and the order of scorers."""
    scorers = [Scorer(one.name, 1.0, one.parameters) for one in bundle.routing.scorers or ()]
    ordered = tuple(sorted(scorers, key=lambda one: one.name)) or None
    return replace(bundle, routing=replace(bundle.routing, scorers=ordered))


def test_the_autoscaler_is_one_difference_or_each_of_its_settings(problem):
    scaled, other = (complete(problem, autoscaling={"maximum": 4, "concurrency": target}) for target in (8, 16))
    plain = complete(problem)
    assert [*differences(scaled, plain)] == ["autoscaling.maximum"]
    assert differences(scaled, plain)["autoscaling.maximum"].autoscaling.maximum == 0
    assert differences(scaled, other) == {"autoscaling.concurrency": other}


def test_whether_requests_are_sent_again_is_set_back_as_a_whole(problem):
    plain, again = complete(problem), complete(problem, retries={"limit": 2, "budget": 0.5})
    assert differences(again, plain) == {"retries": plain}
    assert differences(plain, again) == {"retries": again}
    hedged = complete(problem, hedging={"after_us": 7})
    assert differences(hedged, plain) == {"hedging": plain} and differences(plain, hedged) == {"hedging": hedged}
    broken = complete(problem, breaker={"failures": 3})
    assert differences(broken, plain) == {"breaker": plain} and differences(plain, broken) == {"breaker": broken}
