from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Engine, FlowControl, Instance, LatencyModel, Scenario, SloTier
from blis.engine.build.order import static_priority
from blis.engine.run import simulate
from blis.evaluation.detectors.inversions import Inversions, priority_inversions, slower_than_later
from blis.tables.records import QUEUED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from tests.blis.handmade import make_result, make_table, with_status
from tests.laws.queues import customers, geometric, servers
from tests.laws.random_cases import random_case

SCENARIO = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))))


def waiting(queued_us, scheduled_us, instance=0) -> ResultTable:
    table = make_table(len(queued_us))
    result = make_result(table, 1, instances=2)
    return replace(
        result,
        queued_us=np.array(queued_us),
        scheduled_us=np.array(scheduled_us),
        instance=np.broadcast_to(np.int32(instance), len(queued_us)).copy() if np.isscalar(instance) else instance,
    )


def counted(result: ResultTable, priority) -> tuple[int, int]:
    found = priority_inversions(result, np.asarray(priority, np.float64))
    return found.pairs, found.suffered


def test_the_less_urgent_one_goes_first_although_both_wait():
    assert counted(waiting([0, 5], [10, 20]), [0, 1]) == (1, 1)


def test_no_pair_if_equally_urgent_or_the_urgent_one_goes_first():
    assert counted(waiting([0, 5], [10, 20]), [1, 1]) == (0, 0)
    assert counted(waiting([0, 5], [10, 20]), [1, 0]) == (0, 0)


def test_no_pair_if_the_urgent_one_came_later_or_both_go_in_one_step():
    assert counted(waiting([0, 11], [10, 20]), [0, 1]) == (0, 0)
    assert counted(waiting([0, 10], [10, 20]), [0, 1]) == (1, 1)  # seen by the step at 10
    assert counted(waiting([0, 5], [10, 10]), [0, 1]) == (0, 0)


def test_no_pair_between_instances():
    assert counted(waiting([0, 5], [10, 20], np.array([0, 1], np.int32)), [0, 1]) == (0, 0)


def test_who_waits_until_the_end_suffers_who_never_came_does_not():
    assert counted(waiting([0, 5], [10, -1]), [0, 1]) == (1, 1)
    assert counted(waiting([0, -1], [10, -1]), [0, 1]) == (0, 0)


def test_one_may_be_overtaken_by_many():
    found = priority_inversions(waiting([0, 1, 2, 3], [10, 11, 12, 13]), np.array([0.0, 0, 1, 2]))
    assert found == Inversions(pairs=2 + 3, suffered=2, of=4)
    assert found.share == 0.5


@pytest.mark.parametrize("seed", range(20))
def test_equals_looking_at_every_pair(seed: int):
    rng = np.random.default_rng(seed)
    n = 40
    queued = rng.integers(0, 50, n)
    scheduled = np.where(rng.random(n) < 0.1, -1, queued + rng.integers(0, 30, n))
    instance, priority = rng.integers(0, 2, n).astype(np.int32), rng.integers(0, 4, n).astype(np.float64)
    late = np.where(scheduled < 0, 10**9, scheduled)
    pairs = [
        (a, b)
        for a in range(n)
        for b in range(n)
        if instance[a] == instance[b] and priority[a] < priority[b] and queued[b] <= late[a] < late[b]
    ]
    assert counted(waiting(queued, scheduled, instance), priority) == (len(pairs), len({b for _, b in pairs}))


def test_priorities_of_each_policy():
    scenario = replace(SCENARIO, slo_tiers={"gold": SloTier(5, 2, 100)})
    table = make_table(3, slo_class=[0, 1, 1], slo_names=("gold", ""), input_tokens=[10, 20, 30])

    def under(policy: str, **parameters: float) -> list[float]:
        instance = replace(scenario.instance, priority=policy, priority_parameters=parameters)
        return static_priority(replace(scenario, instance=instance), table, table.arrival_us).tolist()

    assert under("constant") == [0, 0, 0]
    assert under("slo-based") == pytest.approx([0, -0.001, -0.002])
    assert under("class-age", age_per_s=10) == pytest.approx([5, -0.01, -0.02])
    assert under("slo-tiers", boost_per_minute=60) == pytest.approx([10, -0.001, -0.002])
    assert under("deadline") == pytest.approx([-0.1, -1.001, -1.002])
    assert under("slack", prefill_us_token=100) == pytest.approx([-0.099, -0.999, -0.999])


@pytest.mark.parametrize("seed", range(30))
def test_arrival_order_never_inverts_arrival_priority(seed: int):
    """With a constant queueing delay and no gateway queue fcfs is arrival order: age as priority sees no inversion."""
    case = random_case(Random(seed), max_requests=40)
    instance = replace(
        case.scenario.instance,
        priority="slo-based",
        priority_parameters={},
        scheduler="fcfs",
        scheduler_parameters={},
        latency_model=replace(case.scenario.instance.latency_model, alpha=(5.0, 0.0, 0.0)),
    )
    cluster = replace(case.scenario.cluster, flow_control=FlowControl())
    scenario = replace(case.scenario, instance=instance, cluster=cluster, pools=())
    result = simulate(scenario, case.table)
    assert priority_inversions(result, static_priority(scenario, case.table, result.arrival_us)).pairs == 0


@pytest.mark.parametrize("priority", ["class-age", "slo-tiers", "deadline", "slack", "slo-based", "inverted-slo"])
@pytest.mark.parametrize("seed", range(10))
def test_whoever_serves_by_priority_inverts_nothing(priority: str, seed: int):
    case = random_case(Random(seed), max_requests=60)
    by_priority = replace(
        case.scenario.instance,
        priority=priority,
        priority_parameters={},
        scheduler="priority-fcfs",
        scheduler_parameters={},
        preemption="tail",
        engine=Engine(),  # one that schedules ahead does not see who has just come
    )
    upside_down = replace(by_priority, scheduler="reverse-priority")
    found = []
    for instance in (by_priority, upside_down):
        pools = tuple(replace(pool, engine=None) for pool in case.scenario.pools)
        scenario = replace(case.scenario, instance=instance, pools=pools)
        result = simulate(scenario, case.table)
        found.append(priority_inversions(result, static_priority(scenario, case.table, result.arrival_us)))
    assert found[0].pairs == 0
    assert found[1].pairs >= 0 and found[1].suffered <= found[1].of


def test_serving_the_least_urgent_first_inverts_priorities():
    scenario = servers(priority="slo-based", scheduler="reverse-priority")
    table = customers(500, 100.0, geometric(500, 20, np.random.default_rng(0)), np.random.default_rng(1))
    result = simulate(scenario, table)
    found = priority_inversions(result, static_priority(scenario, table, table.arrival_us))
    assert found.share > 0.5


def original(table: RequestTable, result: ResultTable) -> int:
    return slower_than_later(table, result).pairs


def test_the_originals_count():
    table = make_table(3, output_tokens=1)
    assert original(table, make_result(table, [1000, 10, 499])) == 2
    assert original(table, make_result(table, [1000, 500, 500])) == 0
    apart = make_table(3, output_tokens=1, slo_class=[0, 1, 0], slo_names=("a", "b"))
    assert original(apart, make_result(apart, [1000, 10, 10])) == 1
    assert original(table, with_status(make_result(table, [1000, 10, 10]), [1], QUEUED)) == 1


def test_the_originals_count_does_not_depend_on_the_order_of_equal_arrivals():
    table = replace(make_table(2, output_tokens=1), arrival_us=np.zeros(2, np.int64))
    assert original(table, make_result(table, [1000, 10])) == original(table, make_result(table, [10, 1000])) == 0
