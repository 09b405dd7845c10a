"""What is wrong in the places of adapters is said in one line."""

import pytest

from blis.config import KVTransfer, Lora, Pool
from blis.errors import InputError
from blis.scenario import load_scenario, scenario_mapping
from tests.blis.engine.plain_times import deployment

GIVEN = {"latency_model": {"alpha": [0, 0, 0], "beta": [100, 0, 0]}, "kv": {"blocks": 100}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"max_loras": -1}, "lora.max_loras must be"),
        ({"max_loras": 4, "max_cpu_loras": 3}, r"lora.max_cpu_loras must be .*\[4,"),
        ({"load_us": -1}, "lora.load_us must be"),
        ({"fetch_us": 2**63}, "lora.fetch_us must be"),
        ({"step_factor": 0.9}, "lora.step_factor must be"),
    ],
)
def test_wrong_numbers_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        Lora(**given)


def test_a_key_that_is_nearly_right_is_named():
    with pytest.raises(InputError, match=r"instance\.lora: unknown key 'max_lora'.*max_loras"):
        load_scenario({"instance": GIVEN | {"lora": {"max_lora": 4}}})


def test_memory_is_that_of_the_gpu_if_no_more_is_given():
    assert (Lora(3).memory, Lora(3, 5).memory, Lora().any) == (3, 5, False)


def test_a_scenario_says_it_of_all_instances_and_of_pools_and_only_if_there_is_something_to_say():
    lora = {"max_loras": 2, "max_cpu_loras": 3, "load_us": 5, "fetch_us": 7, "step_factor": 1.5}
    scenario = load_scenario({"instance": GIVEN | {"lora": lora}, "pools": [{}, {"lora": {"max_loras": 1}}]})
    assert [replica.instance.lora for replica in scenario.replicas] == [Lora(2, 3, 5, 7, 1.5), Lora(1)]
    assert load_scenario(scenario_mapping(scenario)) == scenario
    mapping = scenario_mapping(load_scenario({"instance": GIVEN, "pools": [{}]}))
    assert "lora" not in repr(mapping)


def test_it_does_not_go_with_roles():
    pools = (Pool(role="prefill"), Pool(role="decode"))
    with pytest.raises(InputError, match="lora: with prefill and decode apart"):
        deployment(2, pools=pools, engine={"lora": Lora(1)}, kv_transfer=KVTransfer(bytes_per_token=1))
