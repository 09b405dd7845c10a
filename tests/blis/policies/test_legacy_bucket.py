"""A token bucket's numbers keep their old keys in files, and nowhere else."""

import pytest

from blis.config import Admission
from blis.errors import InputError
from blis.policies.bundle import bundle_mapping, load_bundle
from blis.policies.legacy_bucket import is_bucket
from blis.scenario import apply_bundle, load_scenario, scenario_mapping

BUCKETS = ["token-bucket", "tenant-token-bucket"]


def scenario(**admission):
    model = {"alpha": [1, 1, 1], "beta": [1, 1, 1]}
    return load_scenario({"instance": {"latency_model": model}, "cluster": {"admission": admission}})


def applied(before, *bundles):
    for admission in bundles:
        before = apply_bundle(before, load_bundle({"admission": admission}))
    return before.cluster.admission


def numbers(capacity, refill):
    return {"capacity_tokens": capacity, "refill_tokens_per_s": refill}


@pytest.mark.parametrize("policy", BUCKETS)
def test_a_scenario_has_them_under_token_bucket(policy):
    loaded = scenario(policy=policy, token_bucket={"capacity_tokens": 5})
    assert is_bucket(policy) and loaded.cluster.admission == Admission(policy, parameters=numbers(5.0, 1000.0))
    mapping = scenario_mapping(loaded)
    assert list(mapping["cluster"]["admission"].items()) == [
        ("policy", policy), ("latency_us", 0), ("token_bucket", numbers(5.0, 1000.0)), ("parameters", {}),
    ]  # fmt: skip
    assert load_scenario(mapping) == loaded


def test_a_scenario_with_another_policy_shows_their_defaults():
    loaded = scenario(policy="tier-shed", parameters={"max_load": 3})
    mapping = scenario_mapping(loaded)
    admission = mapping["cluster"]["admission"]
    assert admission["token_bucket"] == numbers(10_000.0, 1000.0) and admission["parameters"] == {"max_load": 3.0}
    assert [type(value) for value in admission["token_bucket"].values()] == [float, float]
    assert load_scenario(mapping) == loaded


@pytest.mark.parametrize("policy", [None, *BUCKETS])
def test_a_bundle_has_them_beside_its_policy_or_alone(policy):
    admission = {"policy": policy, "token_bucket_capacity": 5, "token_bucket_refill_rate": 0}
    bundle = load_bundle({"admission": admission})
    assert bundle.admission.parameters == numbers(5.0, 0.0)
    mapping = bundle_mapping(bundle)
    assert mapping == {"admission": {key: value for key, value in admission.items() if value is not None}}
    assert load_bundle(mapping) == bundle


@pytest.mark.parametrize("policy", [None, *BUCKETS])
def test_what_a_bundle_leaves_out_is_as_in_the_bucket_that_was_there(policy):
    bucket = scenario(policy="token-bucket", token_bucket=numbers(5, 7))
    found = applied(bucket, {"policy": policy, "token_bucket_capacity": 9})
    assert (found.policy, found.parameters) == (policy or "token-bucket", numbers(9.0, 7.0))
    assert applied(bucket, {"policy": policy}).parameters == numbers(5.0, 7.0)


def test_numbers_for_another_policy_change_nothing_in_a_bundle():
    for given in ({"policy": "always-admit", "token_bucket_capacity": 9}, {"token_bucket_capacity": 9}):
        assert applied(scenario(), given) == Admission()
    assert applied(scenario(), {"token_bucket_capacity": 9}, {"policy": "token-bucket"}).parameters == {}


@pytest.mark.parametrize(
    ("admission", "problem"),
    [
        ({"token_bucket": {"capacity_tokens": 5}}, "token_bucket is given beside 'always-admit'"),
        ({"policy": "token-bucket", "token_bucket": {"capacity_tokens": -1}}, r"token_bucket\.capacity_tokens must be"),
        (
            {"policy": "token-bucket", "token_bucket": {"capacity": 5}},
            r"admission\.token_bucket: unknown key 'capacity'",
        ),
        ({"policy": "token-bucket", "token_bucket": 5}, r"cluster\.admission\.token_bucket must be a mapping"),
        ({"policy": "token-bucket", "parameters": {"capacity_tokens": 5}}, "takes its own from token_bucket"),
        ({"polcy": "token-bucket"}, r"cluster\.admission: unknown key 'polcy'.*token_bucket"),
    ],
)
def test_mistakes_in_a_scenario_name_the_old_keys(admission, problem):
    with pytest.raises(InputError, match=problem):
        scenario(**admission)


@pytest.mark.parametrize("policy", [{}, {"policy": "token-bucket"}])
def test_a_bundle_has_no_second_way_to_say_them(policy):
    with pytest.raises(InputError, match="must be empty: 'token-bucket' has token_bucket_capacity and"):
        load_bundle({"admission": {**policy, "parameters": {"capacity_tokens": 5}}})
