"""The space of roles, deciders and of how those are chosen who compute prompts for others."""

from random import Random

import pytest
import yaml

from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.scenario import load_scenario
from search.problem.policy import make_policy
from search.space.codec import check_space, decode, encode
from search.space.space import space_from_mapping
from search.verdict.rounding import round_bundle

PD = load_scenario("conf/cluster/h100x4_pd.yaml")
PREFILL = "disaggregation.prefill.scorers."


@pytest.fixture(scope="module")
def space():
    with open("conf/search_space/disaggregation.yaml") as file:
        return space_from_mapping(yaml.safe_load(file))


def bundle(name: str):
    return load_bundle(f"conf/policy/{name}.yaml")


def test_every_genome_is_a_policy_of_the_cluster(space):
    check_space(space, PD, {})
    for seed in range(50):
        genome = space.sample(Random(seed))
        policy = make_policy(PD, decode(space, genome, {}))
        assert policy.scenario.apart == (genome["disaggregation.prefill_instances"] > 0)
        assert (PREFILL + "prefix-affinity" in genome) == policy.scenario.apart


def test_weights_of_each_kind_have_a_scale_of_their_own(space):
    policy = make_policy(PD, bundle("pd-uncached"))
    genome = encode(space, policy, {})
    assert genome["disaggregation.decider"] == "uncached-tokens"
    assert genome["disaggregation.uncached_tokens"] == 16
    assert genome["routing.scorers.prefix-affinity"] == genome[PREFILL + "prefix-affinity"] == 1.0


def test_weights_that_are_all_zero_choose_nobody(space):
    genome = {key: 0.0 if key.startswith(PREFILL) else value for key, value in space.sample(Random(1)).items()}
    genome[PREFILL + "queue-waiting"] = 0.0
    assert space.flaw(genome) == "all scorer weights are zero"


def test_weights_of_each_kind_are_rounded(space):
    found = load_bundle(
        {
            "disaggregation": {
                "prefill_instances": 1,
                "prefill": {
                    "scorers": [{"name": "queue-waiting", "weight": 0.21}, {"name": "token-load", "weight": 0.7}]
                },
            }
        }
    )
    rounded = round_bundle(make_policy(PD, found).complete, space, 100, 2)
    assert [one.weight for one in rounded.disaggregation.prefill.scorers] == [3.0, 10.0]


def test_what_decides_nothing_is_no_other_policy():
    """Without roles neither decider nor weights matter; under `never` the weights do not."""
    none = {"prefill_instances": 0}
    idle = {**none, "decider": "uncached-tokens", "uncached_tokens": 7}
    one, other = (make_policy(PD, load_bundle({"disaggregation": given})).id for given in (none, idle))
    assert one == other
    always = make_policy(PD, bundle("pd-always"))
    assert always.id != make_policy(PD, bundle("pd-never")).id


def test_roles_that_pools_have_and_a_number_do_not_go_together(space):
    pools = load_scenario(
        {
            "cluster": {"kv_transfer": {"bytes_per_token": 1}},
            "instance": {"latency_model": {"alpha": [1, 0, 0], "beta": [1, 1, 1]}},
            "pools": [{"role": "prefill"}, {"role": "decode"}],
        }
    )
    with pytest.raises(InputError, match="not both"):
        check_space(space, pools, {})
