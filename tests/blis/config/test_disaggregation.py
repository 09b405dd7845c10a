"""What a file may say of roles, of who decides on a prefill elsewhere, and of the links between instances."""

from dataclasses import replace

import pytest
import yaml

from blis.config import Clients, Disaggregation, KVTransfer, Pool, Profile, Routing, Scenario, Scorer
from blis.errors import InputError
from blis.policies.bundle import bundle_mapping, load_bundle
from blis.scenario import apply_bundle, load_scenario, scenario_mapping
from tests.blis.engine.plain_times import deployment

LINK = KVTransfer(bytes_per_token=1000)
EXACT, HOMES = Routing("prefix-affinity-exact"), Profile("prefix-affinity")
PAIR = (Pool(role="prefill"), Pool(role="decode"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Disaggregation("sometimes"), "disaggregation.decider"),
        (lambda: Disaggregation(uncached_tokens=0), "disaggregation.uncached_tokens"),
        (lambda: Profile("nearest"), "disaggregation.prefill: "),
        (lambda: Profile(scorers=()), "disaggregation.prefill: routing.scorers must not be empty"),
        (lambda: KVTransfer(bandwidth_gb_s=0), "kv_transfer.bandwidth_gb_s"),
        (lambda: KVTransfer(hold_us=0), "kv_transfer.hold_us"),
        (lambda: Pool(role="encode"), "pools[].role"),
        (lambda: apart(disaggregation=Disaggregation(prefill_instances=2)), "must leave one of cluster.instances (2)"),
        (lambda: apart(pools=PAIR, disaggregation=Disaggregation(prefill_instances=1)), "not both"),
        (lambda: apart(pools=PAIR[:1] * 2), "no pool is left to decode"),
        (lambda: apart(pools=PAIR, kv_transfer=KVTransfer()), "cluster.kv_transfer.bytes_per_token must be given"),
        (
            lambda: apart(pools=PAIR, routing=EXACT, disaggregation=Disaggregation(prefill=HOMES)),
            "exact or not in both",
        ),
        (lambda: replace(apart(pools=PAIR), clients=Clients(timeout_us=5)), "clients: "),
        (lambda: apart(pools=(replace(PAIR[0], kv=tiered()), PAIR[1])), "kv.cpu_blocks must be 0"),
    ],
)
def test_mistakes_name_the_key(make, words: str):
    with pytest.raises(InputError) as error:
        make()
    assert words in str(error.value)


def apart(**given) -> Scenario:
    return deployment(2, **{"kv_transfer": LINK, **given})


def tiered():
    return replace(deployment().instance.kv, cpu_blocks=5)


def test_the_first_instances_prefill_and_all_others_decode():
    scenario = deployment(4, disaggregation=Disaggregation(prefill_instances=1), kv_transfer=LINK)
    assert [replica.role for replica in scenario.replicas] == ["prefill", "decode", "decode", "decode"]
    assert scenario.apart and not deployment(4).apart


def test_a_roofline_knows_how_large_its_kv_is():
    """2 (K and V) x 8 heads x 128 x 2 bytes x 32 layers."""
    assert load_scenario("conf/cluster/h100x4.yaml").token_bytes == 2 * 8 * 128 * 2 * 32


def test_a_file_says_it_and_is_read_back_equal():
    text = """
        cluster:
          disaggregation:
            decider: uncached-tokens
            uncached_tokens: 64
            prefill: {policy: weighted, scorers: [{name: queue-waiting, weight: 1}]}
          kv_transfer: {bytes_per_token: 1000, bandwidth_gb_s: 25, latency_us: 500}
        instance: {latency_model: {alpha: [1, 0, 0], beta: [100, 1, 1]}}
        pools: [{count: 2, role: prefill}, {count: 3, role: decode, batch: {max_running: 64}}]
    """
    scenario = load_scenario(yaml.safe_load(text))
    assert [replica.role for replica in scenario.replicas] == ["prefill"] * 2 + ["decode"] * 3
    assert [replica.instance.batch.max_running for replica in scenario.replicas] == [256] * 2 + [64] * 3
    assert scenario.cluster.disaggregation.prefill == Profile(scorers=(Scorer("queue-waiting", 1),))
    assert scenario.cluster.kv_transfer.bytes_per_us == 25_000
    assert load_scenario(scenario_mapping(scenario)) == scenario


def test_nothing_of_it_is_written_where_all_do_both():
    mapping = scenario_mapping(deployment(2, pools=(Pool(), Pool())))
    assert not {"disaggregation", "kv_transfer"} & mapping["cluster"].keys()
    assert all("role" not in pool for pool in mapping["pools"])


def test_a_bundle_sets_what_it_names():
    scenario = deployment(4, kv_transfer=LINK)
    bundle = load_bundle(
        {
            "disaggregation": {
                "decider": "uncached-tokens",
                "prefill_instances": 2,
                "prefill": {"scorers": [{"name": "queue-waiting", "weight": 2}]},
            }
        }
    )
    found = apply_bundle(scenario, bundle).cluster.disaggregation
    expected = Profile(scorers=(Scorer("queue-waiting", 2),))
    assert found == Disaggregation("uncached-tokens", 16, 2, expected)
    assert load_bundle(bundle_mapping(bundle)) == bundle
    assert bundle_mapping(load_bundle({})) == {}
