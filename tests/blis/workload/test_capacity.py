from dataclasses import replace

import numpy as np
import pytest

from blis.config import KV, Batch, Cluster, Drafter, Instance, LatencyModel, Lora, Roofline, Scenario
from blis.engine.run import simulate
from blis.errors import InputError
from blis.latency.catalog import find_model, gpu_catalog
from blis.workload.capacity import load_of, scaled_instances, served_rate
from blis.workload.content.adapters import with_adapters
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec

LATENCY = LatencyModel(alpha=(100, 0, 0), beta=(5000, 20, 30))


def table_of(n, prompt, output, rate=10.0):
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": {"type": "exponential", "params": {"mean": prompt}},
        "output_distribution": {"type": "exponential", "params": {"mean": output}},
    }
    return generate(load_spec({"aggregate_rate": rate, "num_requests": n, "clients": [client]}), seed=1)


def test_the_formula_on_round_numbers():
    table = table_of(10, 500, 100)
    table = replace(table, input_tokens=np.full(10, 1000), output_tokens=np.full(10, 101))
    batch = Batch(max_running=10, max_scheduled_tokens=2000)
    # A prompt takes half a step, 100 later tokens a step each, 10 members share them: 10.05 steps.
    assert served_rate(table, Instance(LATENCY, batch=batch)) == pytest.approx(1e6 / (10.05 * 5000 + 20_000 + 3_000))
    # A cache of 3,300 tokens holds three of these.
    small = Instance(LATENCY, KV(blocks=3300 // 11, block_size_tokens=11), batch)
    assert served_rate(table, small) == pytest.approx(1e6 / (100.5 / 3 * 5000 + 23_000))
    # Chunks of 100 tokens: ten steps for a prompt.
    chunked = Instance(LATENCY, batch=replace(batch, long_prefill_threshold=100))
    assert served_rate(table, chunked) == pytest.approx(1e6 / (11 * 5000 + 23_000))


@pytest.mark.parametrize(("prompt", "output"), [(2000, 30), (1000, 200), (100, 300)])
def test_a_saturated_instance_serves_about_so_many(prompt, output):
    table = table_of(3000, prompt, output, rate=100_000)
    instance = Instance(LATENCY)
    result = simulate(Scenario(instance, Cluster(instances=1)), table)
    assert len(table) / result.end_us * 1e6 == pytest.approx(served_rate(table, instance), rel=0.2)


@pytest.mark.parametrize(("prompt", "output"), [(2000, 30), (1000, 200), (100, 300)])
def test_so_does_one_with_a_roofline(prompt, output):
    shape = Roofline(find_model("qwen3-14b"), gpu_catalog().find("H100").hardware)
    instance = Instance(LatencyModel("roofline", beta=(), tp=2, roofline=shape))
    table = table_of(3000, prompt, output, rate=100_000)
    result = simulate(Scenario(instance, Cluster(instances=1)), table)
    assert len(table) / result.end_us * 1e6 == pytest.approx(served_rate(table, instance), rel=0.2)


@pytest.mark.parametrize(("drafts", "chance"), [(1, 0.5), (3, 0.8), (7, 0.3)])
def test_so_does_one_that_guesses_ahead(drafts, chance):
    table = table_of(3000, 300, 300, rate=100_000)
    batch = Batch(max_running=64, speculative_tokens=drafts)
    instance = Instance(LATENCY, batch=batch, drafter=Drafter(chance, draft_us=300))
    result = simulate(Scenario(instance, Cluster(instances=1)), table)
    assert len(table) / result.end_us * 1e6 == pytest.approx(served_rate(table, instance), rel=0.2)


def test_instances_follow_the_rate_and_the_utilisation():
    table, instance = table_of(2000, 2000, 30, rate=100), Instance(LATENCY)
    span_s = (table.arrival_us[-1] - table.arrival_us[0]) / 1e6
    needed = 1999 / span_s / served_rate(table, instance)
    assert scaled_instances(table, instance, 0.7) == np.ceil(needed / 0.7)
    assert scaled_instances(table, instance, 0.35) == np.ceil(needed / 0.35)
    assert scaled_instances(table, instance, 10 * needed) == 1


def test_a_rate_is_gaps_over_their_time():
    """Three requests in two seconds are one a second: the first opens the clock."""
    table, instance = replace(table_of(3, 500, 100), arrival_us=np.array([0, 10**6, 2 * 10**6])), Instance(LATENCY)
    for needed, instances in ((1.99, 2), (2.01, 3)):
        assert scaled_instances(table, instance, 1 / (needed * served_rate(table, instance))) == instances


def test_what_has_no_answer_is_refused():
    table = table_of(10, 500, 100)
    with pytest.raises(InputError, match="utilisation must be > 0"):
        scaled_instances(table, Instance(LATENCY), 0)
    for utilisation in (1e-9, 1e-320, 5e-324):
        with pytest.raises(InputError, match=f"utilisation {utilisation:g} would take .* instances; at most 100000"):
            scaled_instances(table, Instance(LATENCY), utilisation)
    with pytest.raises(InputError, match="same time"):
        scaled_instances(replace(table, arrival_us=np.zeros(10, np.int64)), Instance(LATENCY), 0.5)
    with pytest.raises(InputError, match="take no time"):
        served_rate(table, Instance(LatencyModel(alpha=(1, 0, 0))))


def test_a_load_is_what_comes_to_what_all_instances_serve():
    table, instance = table_of(2000, 500, 100, rate=10), Instance(LATENCY)
    one, four = (load_of(table, Scenario(instance, Cluster(instances=count))) for count in (1, 4))
    assert one.offered_per_s == four.offered_per_s == pytest.approx(10, rel=0.1)
    assert four.served_per_s == pytest.approx(4 * served_rate(table, instance))
    assert one.utilisation == pytest.approx(4 * four.utilisation)
    assert load_of(replace(table, arrival_us=np.zeros(2000, np.int64)), Scenario(instance)).utilisation is None


def test_adapters_make_steps_longer():
    table, slow = table_of(20, 100, 50), Instance(LATENCY, lora=Lora(1, step_factor=1.25))
    asks = with_adapters(table, np.zeros(20, np.int32), ("a",))
    assert served_rate(asks, slow) == pytest.approx(served_rate(table, Instance(LATENCY)) / 1.25)
    assert served_rate(table, slow) == served_rate(table, Instance(LATENCY))
