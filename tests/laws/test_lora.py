"""LoRA adapters: against the oracle on random scenarios, and what is known of places, memory and who may join."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Batch, LatencyModel, Lora, Routing
from blis.engine.run import simulate
from blis.workload.content.adapters import with_adapters
from tests.blis.engine.plain_times import STEP_US, deployment, requests
from tests.laws.against_oracle import assert_same_results, compare
from tests.laws.random_lora import adapted, adapted_case
from tests.laws.tight_cases import tight_case

N = 400


@pytest.mark.parametrize("number", range(60))
def test_engine_equals_oracle_where_requests_are_for_adapters(number: int):
    compare(adapted_case(Random(number), max_requests=2 + number // 4))
    compare(adapted(Random(number), tight_case(number)))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_engine_equals_oracle_in_four_thousand_cases_of_adapters(first: int):
    for number in range(1000 + first, 1250 + first):
        compare(adapted_case(Random(number)))
        compare(adapted(Random(number), tight_case(number)))


def drawn(seed: int, adapters: int, gap_us: float = 2 * STEP_US, steps: int = 9, **columns):
    """Requests that come at random, each for one of so many adapters."""
    rng = np.random.default_rng(seed)
    arrival_us = np.cumsum(rng.exponential(gap_us, N)).astype(np.int64)
    adapter = rng.integers(0, adapters, N).astype(np.int32)
    table = requests(arrival_us.tolist(), steps, uniform=rng.random(N), **columns)
    return with_adapters(table, adapter, tuple(f"a{number}" for number in range(adapters)))


def served(lora: Lora, table, instances: int = 1, **engine):
    return simulate(deployment(instances, engine={"lora": lora, **engine}, routing=Routing("round-robin")), table)


@pytest.mark.parametrize("seed", range(5))
def test_places_that_cost_nothing_and_are_enough_change_nothing(seed: int):
    """As if all were for the base model: prompts here share nothing anyway."""
    table = drawn(seed, 6)
    base = replace(table, adapter=None, adapter_names=(), cache={})
    found, expected = served(Lora(6), table), served(Lora(), base)
    for name in ("adapter_loads", "adapter_fetches"):
        assert found.instances[name].tolist() == [6]
        found.instances[name][:] = 0
    assert_same_results(found, expected)


@pytest.mark.parametrize("seed", range(5))
def test_with_room_for_all_each_is_fetched_once_an_instance(seed: int):
    table = drawn(seed, 8)
    result = served(Lora(2, 8, load_us=50, fetch_us=700), table, 3)
    for i in range(3):
        assert result.instances["adapter_fetches"][i] == len(np.unique(table.adapter[result.instance == i]))


@pytest.mark.parametrize("seed", range(5))
def test_one_place_and_one_at_a_time_is_a_stack_of_references(seed: int):
    """One request at a time is the textbook case of LRU: a load where as many others as there are places were between.

    Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9 (1970).
    """
    table = drawn(seed, 7, gap_us=100 * STEP_US, steps=1)
    result = served(Lora(2, 4, load_us=3, fetch_us=40), table, batch=Batch(max_running=1))
    assert result.completed_us.max() == result.completed_us[-1]
    stack: list[int] = []
    for adapter, waited_us in zip(table.adapter.tolist(), result.adapter_us.tolist(), strict=True):
        depth = stack.index(adapter) if adapter in stack else 99
        assert waited_us == (0 if depth < 2 else 3 if depth < 4 else 43)
        stack = [adapter, *(each for each in stack if each != adapter)]


@pytest.mark.parametrize("seed", range(3))
def test_more_memory_never_fetches_more_of_one_at_a_time(seed: int):
    """LRU has no anomaly: what is in a smaller memory is in a larger one, too (the same paper)."""
    table = drawn(seed, 12, gap_us=100 * STEP_US, steps=1)
    fetched = [
        int(served(Lora(1, memory, fetch_us=7), table, batch=Batch(max_running=1)).instances["adapter_fetches"][0])
        for memory in range(1, 13)
    ]
    assert fetched == sorted(fetched, reverse=True) and fetched[-1] == 12 < fetched[0]


@pytest.mark.parametrize("places", [1, 2, 5])
def test_places_are_servers_where_each_has_an_adapter_of_its_own(places: int):
    """With as many adapters as requests the places are the servers of an M/D/k queue, whatever room a batch has.

    So whoever is k-th in line begins when the k-th before it is done: the recursion of Kiefer and Wolfowitz (1955).
    """
    rng = np.random.default_rng(places)
    arrival_us = (np.cumsum(rng.exponential(8 * STEP_US / places, N)) // STEP_US * STEP_US).astype(np.int64)
    table = requests(arrival_us.tolist(), 7)
    table = with_adapters(table, np.arange(N, dtype=np.int32), tuple(map(str, range(N))))
    result = served(Lora(places), table, batch=Batch(max_running=100, max_scheduled_tokens=100_000))
    free_us = [0] * places
    for arrived_us, started_us in zip(arrival_us.tolist(), result.scheduled_us.tolist(), strict=True):
        begin_us = max(arrived_us, min(free_us))
        assert started_us == begin_us
        free_us[free_us.index(min(free_us))] = begin_us + 7 * STEP_US


def test_the_first_token_of_one_request_waits_for_queueing_fetch_load_and_step():
    latency = LatencyModel(alpha=(20, 1.5, 3), beta=(100, 2, 0))
    lora = Lora(1, load_us=10, fetch_us=1000, step_factor=1.5)
    table = with_adapters(requests([0]), np.array([0], np.int32), ("a",))
    result = served(lora, table, latency_model=latency)
    assert result.ttft_us.tolist() == [(20 + 12) + 1000 + 10 + int((100 + 2 * 8) * 1.5) + 3]
