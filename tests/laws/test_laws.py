"""Laws of engine.md section 15 and cluster-and-policies.md section 14, on random scenarios and the fast engine."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Cluster, Compat, LatencyModel, Scenario, Scorer, Signals
from blis.engine.run import simulate
from blis.policies.legacy_bucket import is_bucket
from blis.tables.limits import within_limits
from blis.tables.records import COMPLETED, DROPPED, IN_TRANSIT, NOT_ARRIVED, QUEUED, REJECTED, RUNNING
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from tests.laws.against_oracle import COLUMNS
from tests.laws.random_cases import random_case

SEEDS = range(60)


def strict(seed: int, **changes) -> tuple[Scenario, RequestTable]:
    case = random_case(Random(seed), max_requests=40)
    table = within_limits(case.table, *case.scenario.instance.engine.limits)
    return replace(case.scenario, **changes), table


def with_routing(scenario: Scenario, **changes) -> Scenario:
    if "policy" in changes:
        changes = {"parameters": {}, "picker": "max", **changes}
    return replace(scenario, cluster=replace(scenario.cluster, routing=replace(scenario.cluster.routing, **changes)))


def equal(a: ResultTable, b: ResultTable) -> None:
    for name in (*COLUMNS, "steps", "gaps", "instances"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert a.end_us == b.end_us


@pytest.mark.parametrize("seed", SEEDS)
def test_every_request_has_one_fate_and_instances_add_up(seed):
    scenario, table = strict(seed)
    result = simulate(scenario, table)
    routed = result.instance >= 0
    for j, counters in enumerate(result.instances):
        mine = result.status[routed & (result.instance == j)]
        for name, code in {"completed": COMPLETED, "dropped": DROPPED, "queued": QUEUED, "running": RUNNING}.items():
            assert counters[name] == np.sum(mine == code), name
        assert counters["routed"] == len(mine)
    assert not np.any(routed & np.isin(result.status, [REJECTED, NOT_ARRIVED]))


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_horizon_everything_ends_and_nothing_leaks(seed):
    scenario, table = strict(seed, horizon_us=None)
    result = simulate(scenario, table)
    lost = (table.predecessor >= 0) & (result.arrival_us < 0) if table.closed else np.zeros(len(table), np.bool_)
    assert set(np.unique(result.status[~lost])) <= {COMPLETED, DROPPED, REJECTED}
    assert set(np.unique(result.status[lost])) <= {NOT_ARRIVED}
    assert np.all(result.instances["used_blocks"] == 0)
    done = result.status == COMPLETED
    np.testing.assert_array_equal(result.generated_tokens[done], table.output_tokens[done])
    assert result.instances["output_tokens"].sum() == table.output_tokens[done].sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_time_flows_forward(seed):
    scenario, table = strict(seed)
    result = simulate(scenario, table)
    alpha = np.array([replica.instance.latency_model.alpha for replica in scenario.replicas])[result.instance]
    entered = result.queued_us >= 0
    control_us = scenario.cluster.admission.latency_us + scenario.cluster.routing.latency_us
    queueing_us = (alpha[:, 0] + alpha[:, 1] * table.input_tokens).astype(np.int64)
    ahead = np.array([replica.instance.engine.async_scheduling for replica in scenario.replicas])[result.instance]
    late_us = (result.queued_us - result.routed_us - queueing_us)[entered]  # until an asynchronous engine looks up
    assert np.all(late_us[~ahead[entered]] == 0) and np.all(late_us >= 0)
    routed = result.routed_us >= 0
    waited_us = (result.routed_us - result.arrival_us - control_us)[routed]
    assert np.all(waited_us >= 0)
    if not scenario.cluster.flow_control.enabled:
        assert np.all(waited_us == 0)
    for before, after in (
        ("queued_us", "scheduled_us"),
        ("scheduled_us", "first_token_us"),
        ("first_token_us", "completed_us"),
    ):
        both = (getattr(result, after) >= 0) & ((table.output_tokens > 0) | (before != "first_token_us"))
        assert np.all(getattr(result, before)[both] >= 0)
        assert np.all(getattr(result, before)[both] <= getattr(result, after)[both])
    done = result.status == COMPLETED
    answered = done & (table.output_tokens > 0)
    assert np.all(result.ttft_us[~answered & done] == -1)
    assert np.all(result.scheduling_delay_us[answered] <= result.ttft_us[answered])
    assert np.all(result.ttft_us[done] <= result.e2e_us[done])
    if scenario.horizon_us is not None:
        for column in ("routed_us", "queued_us", "scheduled_us", "first_token_us", "completed_us"):
            assert np.all(getattr(result, column) <= scenario.horizon_us)
    assert np.all(result.steps["gap_us"] >= 0) and np.all(result.gaps["gap_us"] >= 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_prefill_charges_what_was_not_cached(seed):
    scenario, table = strict(seed, horizon_us=None)
    result = simulate(scenario, table)
    done = result.status == COMPLETED
    if result.preemptions.sum() == 0:
        charged = (table.input_tokens - result.cached_tokens)[done].sum()
        assert result.instances["prefill_tokens"].sum() == charged


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_keep_their_limits(seed):
    scenario, table = strict(seed)
    result = simulate(scenario, table)
    counters = result.instances
    for replica, counter in zip(scenario.replicas, counters, strict=True):
        batch, kv = replica.instance.batch, replica.instance.kv
        assert counter["peak_blocks"] <= kv.blocks
        assert counter["batch_sum"] <= counter["steps"] * min(batch.max_running, batch.max_scheduled_tokens)
        assert counter["prefill_tokens"] <= counter["steps"] * batch.max_scheduled_tokens
    steps_us = np.bincount(result.steps["instance"], result.steps["gap_us"] * result.steps["count"], len(counters))
    if scenario.horizon_us is None:
        assert np.all(counters["busy_us"] == steps_us)
    else:
        assert np.all(counters["busy_us"] <= np.minimum(steps_us, scenario.horizon_us))


@pytest.mark.parametrize("seed", SEEDS)
def test_shifting_all_arrivals_shifts_everything(seed):
    scenario, table = strict(seed, horizon_us=None)
    scenario = with_routing(scenario, snapshot_refresh_us=0)
    shift_us = 1000 * 3 * 13 * 7  # a multiple of every age and interval: grids shift along
    admission = scenario.cluster.admission
    if is_bucket(admission.policy):  # a full one at time 0 is the same at any other time
        admission = replace(admission, parameters={"capacity_tokens": 1e9, "refill_tokens_per_s": 0.0})
    scenario = replace(scenario, cluster=replace(scenario.cluster, admission=admission))
    moved = replace(table, arrival_us=np.where(table.arrival_us < 0, -1, table.arrival_us + shift_us), cache={})
    a, b = simulate(scenario, table), simulate(scenario, moved)
    for name in ("ttft_us", "e2e_us", "scheduling_delay_us", "instance", "status", "preemptions", "cached_tokens"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    np.testing.assert_array_equal(a.steps, b.steps)


@pytest.mark.parametrize("seed", SEEDS)
def test_scaling_all_times_scales_everything(seed):
    scenario, table = strict(seed, horizon_us=None)
    factor = 3
    integer = LatencyModel(alpha=(20, 1, 3), beta=(10, 2, 1))
    single_tier = replace(scenario.instance.kv, cpu_blocks=0)  # a transfer is rounded up
    timeless = {"priority": "constant", "priority_parameters": {}}  # others weigh time against something else
    instance = replace(scenario.instance, latency_model=integer, kv=single_tier, **timeless)
    scenario = replace(with_routing(scenario, policy="least-loaded"), instance=instance, pools=())
    routing = replace(scenario.cluster.routing, latency_us=0, snapshot_refresh_us=0, signals=Signals())
    scenario = replace(scenario, cluster=Cluster(scenario.cluster.instances, routing=routing))
    scaled_model = replace(integer, alpha=(60, 3, 9), beta=(30, 6, 3))
    scaled = replace(scenario, instance=replace(scenario.instance, latency_model=scaled_model))
    slow = replace(table, arrival_us=np.where(table.arrival_us < 0, -1, table.arrival_us * factor), cache={})
    slow = replace(slow, think_us=None if table.think_us is None else table.think_us * factor)
    a, b = simulate(scenario, table), simulate(scaled, slow)
    for name in ("ttft_us", "e2e_us", "scheduling_delay_us", "completed_us"):
        known = getattr(a, name) >= 0
        np.testing.assert_array_equal(getattr(a, name)[known] * factor, getattr(b, name)[known], err_msg=name)


def test_same_input_same_result_in_any_thread():
    cases = [random_case(Random(seed), max_requests=60) for seed in range(24)]
    alone = [simulate(case.scenario, case.table, case.compat) for case in cases]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda case: simulate(case.scenario, case.table, case.compat), cases))
    for a, b in zip(alone, together, strict=True):
        equal(a, b)


@pytest.mark.parametrize("seed", range(20))
def test_round_robin_takes_turns(seed):
    scenario, table = strict(seed, horizon_us=None)
    result = simulate(with_routing(scenario, policy="round-robin", filters=()), replace(table, placement=None))
    assert np.ptp(result.instances["routed"]) <= 1


@pytest.mark.parametrize("seed", range(20))
def test_only_ratios_of_weights_matter(seed):
    scenario, table = strict(seed)
    scorers = (Scorer("prefix-affinity", 3), Scorer("queue-depth", 2), Scorer("kv-utilization", 2))
    doubled = tuple(Scorer(scorer.name, 2 * scorer.weight) for scorer in scorers)
    equal(
        simulate(with_routing(scenario, policy="weighted", scorers=scorers), table),
        simulate(with_routing(scenario, policy="weighted", scorers=doubled), table),
    )


@pytest.mark.parametrize("seed", range(20))
def test_load_balance_alone_is_least_loaded(seed):
    scenario, table = strict(seed)
    scorers = (Scorer("load-balance", 1),)
    equal(
        simulate(with_routing(scenario, policy="weighted", scorers=scorers), table),
        simulate(with_routing(scenario, policy="least-loaded"), table),
    )


def test_horizon_of_one_microsecond_completes_nothing():
    scenario, table = strict(3, horizon_us=1)
    result = simulate(scenario, table, Compat())
    assert not np.any(result.status == COMPLETED)
    comes = (table.arrival_us >= 0) & (table.arrival_us <= 1)
    assert np.all(result.status[~comes] == NOT_ARRIVED)
    assert np.all(np.isin(result.status[comes], [IN_TRANSIT, QUEUED, RUNNING, REJECTED]))
