"""Clusters whose instances differ: each instance goes by its own numbers."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import KV, Batch, Cluster, Compat, LatencyModel, Pool, Scenario
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.itl import expand_gaps
from blis.evaluation.laws import check_laws
from blis.evaluation.metrics import compute_metrics
from blis.workload.subset import keep_rows
from tests.laws.against_oracle import assert_same_results
from tests.laws.random_cases import Case, random_case

LATENCIES = ("ttft_us", "e2e_us", "scheduling_delay_us", "cached_tokens", "preemptions", "first_step", "last_step")


def unequal(seed: int) -> Case:
    """Three different instances that take turns, no horizon, no closed loop, and no numbers that go by the row."""
    case = random_case(Random(seed), max_requests=40)
    size = case.scenario.instance.kv.block_size_tokens
    pools = (
        Pool(kv=KV(500, size), latency_model=LatencyModel(alpha=(3, 0.5, 7), beta=(11, 1, 0.3))),
        Pool(batch=Batch(2, 30, 5)),
        Pool(latency_model=LatencyModel(alpha=(0, 0, 2), beta=(40, 0.1, 3)), batch=Batch(9, 12, 3)),
    )
    instance = case.scenario.instance
    if "noise" in instance.scheduler_parameters:
        instance = replace(instance, scheduler_parameters={"noise": 0})
    scenario = replace(case.scenario, instance=instance, cluster=Cluster(3), pools=pools, horizon_us=None)
    table = replace(
        case.table, arrival_us=case.table.opened_us, predecessor=None, think_us=None, placement=None, cache={}
    )
    return replace(case, scenario=scenario, table=table)


def alone(scenario: Scenario, number: int) -> Scenario:
    """One instance of a cluster by itself."""
    replica = scenario.replicas[number]
    return replace(scenario, instance=replica.instance, pools=(), cluster=replace(scenario.cluster, instances=1))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("compat", [Compat(), Compat(first_token_without_output=True, last_gap_twice=True)])
def test_an_instance_among_others_is_what_it_is_alone(seed: int, compat: Compat):
    case = unequal(seed)
    together = simulate(case.scenario, case.table, compat)
    assert check_laws(case.scenario, case.table, together, compat) == []
    for number in range(3):
        mine = np.arange(len(case.table)) % 3 == number
        if not mine.any():
            continue
        single = simulate(alone(case.scenario, number), keep_rows(case.table, mine), compat)
        for name in LATENCIES:
            np.testing.assert_array_equal(getattr(together, name)[mine], getattr(single, name), err_msg=name)
        for row, of_all in enumerate(np.flatnonzero(mine)):
            assert expand_gaps(together, int(of_all)) == expand_gaps(single, row)
        for counter in ("busy_us", "peak_blocks", "steps", "prefill_tokens"):
            assert together.instances[counter][number] == single.instances[counter][0]


@pytest.mark.parametrize("seed", range(20))
def test_what_a_scenario_ran_before_does_not_matter(seed: int):
    case = random_case(Random(seed), max_requests=40)
    table = replace(case.table, placement=None, cache={})
    kinds = [
        (Compat(), Observe()),
        (Compat(free_context=True, first_of_ties=True), Observe()),
        (Compat(), Observe(decisions=True, steps=True)),
    ]
    for compat, observe in kinds:
        again = simulate(case.scenario, table, compat, observe)
        assert_same_results(again, simulate(replace(case.scenario), table, compat, observe))
        assert (again.decisions is None) == (not observe.decisions)
        simulate(case.scenario, case.table, compat, observe)


def test_equal_pools_change_nothing():
    case = random_case(Random(5), max_requests=40)
    plain, table = replace(case.scenario, pools=()), replace(case.table, placement=None, cache={})
    pooled = replace(plain, pools=(Pool(count=plain.cluster.instances),))
    a, b = simulate(plain, table), simulate(pooled, table)
    np.testing.assert_array_equal(a.e2e_us, b.e2e_us)
    assert a.end_us == b.end_us


def test_the_fullest_cache_counts():
    case = unequal(3)
    result = simulate(case.scenario, case.table)
    blocks = [replica.instance.kv.blocks for replica in case.scenario.replicas]
    share = compute_metrics(case.scenario, case.table, result).peak_kv_share
    assert share == max(result.instances["peak_blocks"] / blocks)
