"""Fast engine and oracle agree on rooflines, each instance of its own kind: after every step, everything equal."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blis.config import Compat, Hardware, LatencyModel, ModelShape, Pool, Roofline
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.laws.against_oracle import compare
from tests.laws.random_cases import Case, random_case

#: Steps of these machines take so much longer than those of the random cases, and so must the time between samples, and
#: between two looks of the gateway, each of which the oracle takes.
SLOWER = 5_000


def random_roofline(rng: Random, compat: Compat) -> LatencyModel:
    """A tiny model on hardware so slow that compute, memory and overheads all decide at times."""
    heads = rng.choice([1, 4, 6])
    tp = rng.choice([n for n in (1, 2, 3, 4) if heads % n == 0])
    experts = rng.choice([0, 0, 1, 5])
    model = ModelShape(
        num_layers=rng.randint(1, 3),
        hidden_size=heads * rng.randint(1, 8),
        num_heads=heads,
        num_kv_heads=rng.choice([0, 1]),
        intermediate_size=rng.choice([0, 13]),
        bytes_per_param=rng.choice([0.5, 1.0, 2.0, 4.0]),
        head_dim=rng.choice([0, 3]),
        experts=experts,
        experts_per_token=rng.randint(1, experts) if experts else 0,
        expert_intermediate_size=rng.choice([0, 7]),
    )
    speed = rng.choice([1e-6, 1e-5, 1e-4])
    hardware = Hardware(speed, speed * rng.choice([0.1, 0.5]), 0.72, rng.choice([0.0, 5.5]), 0.3, 0.65, 0.12, 0.7)
    kind, roofline = rng.choice(["roofline-original", "roofline", "roofline"]), Roofline(model, hardware)
    if kind == "roofline" and not compat.original_roofline:
        roofline = modern(rng, model, hardware)
    alpha = (rng.choice([0, 20]), rng.choice([0, 0.7]), rng.choice([0, 3]))
    return LatencyModel(kind, alpha, (), tp=tp, roofline=roofline)


def modern(rng: Random, model: ModelShape, hardware: Hardware) -> Roofline:
    """The same with parts that the original has not heard of."""
    latent = {"kv_latent": 5, "q_latent": rng.choice([0, 4]), "nope_head_dim": 3, "rope_head_dim": 2, "v_head_dim": 4}
    mixed = {"dense_layers": rng.randint(0, model.num_layers), "shared_intermediate_size": rng.choice([0, 6])}
    model = replace(
        model,
        vocab_size=rng.choice([0, 50]),
        **(latent if rng.random() < 0.3 else {}),
        **(mixed if model.experts else {}),
        **({"sliding_layers": 1, "sliding_window": rng.choice([1, 20])} if rng.random() < 0.3 else {}),
        attention_bytes_per_param=rng.choice([0.0, 2.0]),
        expert_bytes_per_param=rng.choice([0.0, 0.53125]),
        head_bytes_per_param=rng.choice([0.0, 1.0]),
        math=rng.choice(["bf16", "fp8"]),
    )
    hardware = replace(
        hardware,
        fp8_tflops=rng.choice([0.0, 2 * hardware.tflops_peak]),
        matmul_share=rng.choice([0.5, 0.9]),
        link_gbs=rng.choice([1e-3, 1.0]),
        link_latency_us=rng.choice([0.0, 7.7]),
    )
    spread = {"data_parallel": rng.choice([1, 2]), "expert_parallel": rng.random() < 0.5} if model.experts else {}
    return Roofline(model, hardware, kv_bytes_per_value=rng.choice([0.0, 1.0]), **spread)


def roofline_case(rng: Random) -> Case:
    """A random case in which all, or all but the first, instances are rooflines."""
    case = random_case(rng)
    count = case.scenario.cluster.instances
    instance = case.scenario.instance
    if rng.random() < 0.5:
        instance = replace(instance, latency_model=random_roofline(rng, case.compat))
    pools = tuple(Pool(latency_model=random_roofline(rng, case.compat)) for _ in range(count - 1))
    pools = (Pool(), *pools) if rng.random() < 0.7 else ()
    observe = replace(case.observe, sample_us=SLOWER * case.observe.sample_us)
    flow = case.scenario.cluster.flow_control
    cluster = replace(case.scenario.cluster, flow_control=replace(flow, interval_us=SLOWER * flow.interval_us))
    scenario = replace(case.scenario, instance=instance, pools=pools, cluster=cluster)
    return replace(case, scenario=scenario, observe=observe)


@pytest.mark.parametrize("seed", range(60))
def test_rooflines_keep_the_laws(seed: int):
    case = roofline_case(Random(seed))
    result = simulate(case.scenario, case.table, case.compat)
    assert check_laws(case.scenario, case.table, result, case.compat) == []


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_equal_on_random_rooflines(rng: Random):
    compare(roofline_case(rng))


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(0, 1000, 250))
def test_equal_on_a_thousand_rooflines(first_seed: int):
    for seed in range(first_seed, first_seed + 250):
        compare(roofline_case(Random(seed)))
