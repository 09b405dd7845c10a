"""Rounded policies: whole weights, short numbers, never a weight lost, never score given away."""

import pytest

from blis.config import Instance, LatencyModel, Scenario, Scorer
from blis.policies.bundle import bundle_mapping, load_bundle
from search.problem.policy import make_policy
from search.running.evaluation import OK, Evaluation
from search.space.space import space_from_mapping
from search.verdict.rounding import round_bundle, round_finalists, round_weights

BUNDLE = load_bundle(
    {
        "admission": {
            "policy": "token-bucket",
            "token_bucket_capacity": 123_456.7,
            "token_bucket_refill_rate": 987_654.3,
        },
        "routing": {
            "policy": "weighted",
            "scorers": [{"name": "prefix-affinity", "weight": 0.81}, {"name": "queue-depth", "weight": 0.0101}],
        },
        "engine": {"max_scheduled_tokens": 5195, "max_running": 148, "long_prefill_threshold": 1024},
    }
)

NUMBER = {"low": 1, "high": 10**7}
WEIGHT = {"type": "zero_or", "low": 0.001, "high": 1}

#: The numbers of BUNDLE; the threshold is one of a list.
SPACE = space_from_mapping(
    {
        "admission": {f"token_bucket_{name}": {"type": "float", **NUMBER} for name in ("capacity", "refill_rate")},
        "routing": {"scorers": {"prefix-affinity": WEIGHT, "queue-depth": WEIGHT}},
        "engine": {
            "max_scheduled_tokens": {"type": "int", **NUMBER},
            "max_running": {"type": "int", **NUMBER},
            "long_prefill_threshold": {"type": "categorical", "choices": [0, 1023, 1024]},
        },
    }
)
KNOB = space_from_mapping({"engine": {"max_running": {"type": "int", "low": 1, "high": 512}}})


@pytest.mark.parametrize(
    ("weights", "rounded"),
    [
        ((0.6, 0.4, 0.4), (100, 67, 67)),
        ((3.0, 1.5), (2, 1)),
        ((1.0, 0.001), (100, 1)),  # never to 0
        ((0.02,), (1,)),
        ((0.5, 0.25, 0.1), (10, 5, 2)),
    ],
)
def test_weights_become_small_integers(weights, rounded):
    names = ("prefix-affinity", "queue-depth", "queue-waiting")
    scorers = [Scorer(name, weight) for name, weight in zip(names, weights, strict=False)]
    assert tuple(scorer.weight for scorer in round_weights(scorers, 100)) == rounded


def test_numbers_get_two_significant_digits():
    rounded = bundle_mapping(round_bundle(BUNDLE, SPACE, 100, 2))
    assert rounded["admission"]["token_bucket_capacity"] == 120_000
    assert rounded["admission"]["token_bucket_refill_rate"] == 990_000
    assert rounded["engine"] == {"max_scheduled_tokens": 5200, "max_running": 150, "long_prefill_threshold": 1024}
    assert [scorer["weight"] for scorer in rounded["routing"]["scorers"]] == [100, 1]


def test_what_is_unset_or_zero_stays():
    bundle = load_bundle({"engine": {"long_prefill_threshold": 0}, "admission": {"token_bucket_capacity": 0}})
    assert round_bundle(bundle, SPACE, 100, 2) == bundle


def test_what_is_one_of_a_list_stays():
    bundle = load_bundle({"engine": {"long_prefill_threshold": 1023}})
    assert round_bundle(bundle, SPACE, 100, 2) == bundle


def test_what_the_space_does_not_name_stays_to_the_digit():
    rounded = bundle_mapping(round_bundle(BUNDLE, KNOB, 100, 2))
    expected = bundle_mapping(BUNDLE)
    expected["engine"]["max_running"] = 150
    assert rounded == expected


def test_parameters_of_filters_are_rounded_where_they_are_searched():
    filters = [{"name": "load", "parameters": {"max_waiting": 12.345}}, {"name": "prefix-affinity"}]
    bundle = load_bundle({"routing": {"filters": filters}})
    assert round_bundle(bundle, KNOB, 100, 2) == bundle
    searched = space_from_mapping({"routing": {"filters": {"type": "templates", "choices": ["load"]}}})
    assert [one.parameters for one in round_bundle(bundle, searched, 100, 2).routing.filters] == [
        {"max_waiting": 12},
        {},
    ]


class Plain:
    """A problem that is nothing but a scenario."""

    @staticmethod
    def policy(bundle):
        return make_policy(Scenario(Instance(LatencyModel(alpha=(1, 0, 0), beta=(1, 1, 1)))), bundle)


class FakeEvaluator:
    """Scores a policy by how far its token budget is from 5195."""

    problem = Plain()

    def evaluate(self, policies):
        missed = [abs(policy.bundle.engine.max_scheduled_tokens - 5195) for policy in policies]
        return [Evaluation("", OK, fitness=-tokens / 1000) for tokens in missed]


POLICY = Plain.policy(BUNDLE)


@pytest.mark.parametrize(("loss", "tokens"), [(0.01, 5200), (0.004, 5195), (1.0, 5200)])
def test_rounding_is_finer_where_it_costs_score(loss, tokens):
    ((policy, found),) = round_finalists([POLICY], [0.0], SPACE, FakeEvaluator(), loss)
    assert policy.bundle.engine.max_scheduled_tokens == tokens
    assert found.fitness >= -loss


def test_a_policy_that_no_rounding_keeps_stays_as_it_is():
    ((policy, _),) = round_finalists([POLICY], [1.0], SPACE, FakeEvaluator(), 0.5)
    assert policy == POLICY
