import csv
import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from blis.config import (
    KV,
    Cluster,
    Compat,
    Failures,
    Hedging,
    Instance,
    LatencyModel,
    Outage,
    Pool,
    Retries,
    Routing,
    Scenario,
)
from blis.engine.run import simulate
from blis.errors import InputError
from blis.evaluation.detectors.anomalies import find_anomalies
from blis.evaluation.metrics import Metrics, compute_metrics
from blis.evaluation.slo import SLOClass
from blis.scenario import load_scenario
from blis.tables.records import DROPPED, IN_TRANSIT, NOT_ARRIVED, REJECTED, STATUS_NAMES
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.read.csv_requests import load_requests
from tests.blis.engine.plain_times import deployment, requests
from tests.blis.handmade import make_result, make_table, with_status
from tests.parity.cases import CASES, Case, case_config, case_requests, recorded_totals

SCENARIO = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))))
SIMULATED = [case for case in CASES if case.exact]


@cache
def simulated(case: Case) -> Metrics:
    scenario, table = load_scenario(case_config(case)), load_requests(case_requests(case))
    return compute_metrics(scenario, table, simulate(scenario, table, Compat.original()), compat=Compat.original())


def recorded(case: Case) -> tuple[RequestTable, ResultTable]:
    """The recorded outcome of every request, as far as `expected.csv` tells it."""
    table = load_requests(case_requests(case))
    with (case_requests(case).parent / "expected.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    columns = {name: np.array([int(line[name] or -1) for line in lines]) for name in ("ttft_us", "e2e_us", "instance")}
    status = np.array([STATUS_NAMES.index(line["status"]) for line in lines], np.int8)
    return table, replace(make_result(table, 0, status=status, instances=int(columns["instance"].max()) + 1), **columns)


def same(ours, theirs: dict, keys=("count", "mean", "p50", "p95", "p99", "min", "max")) -> None:
    assert {key: getattr(ours, key) for key in keys if key in theirs} == pytest.approx(theirs, rel=1e-12)


def test_classes_are_by_name_each_with_its_own_numbers():
    table = make_table(6, slo_class=[0, 1, 2, 0, 1, 2], slo_names=("critical", "", "default"))
    result = make_result(table, np.array([300, 900, 1100, 500, 900, 900]) * 1000, 1000)
    found = compute_metrics(SCENARIO, table, result)
    assert list(found.classes) == ["critical", "default"]  # requests without a class are of class `default`
    critical, default = found.classes.values()
    assert (critical.ttft.count, critical.ttft.mean, critical.e2e.mean) == (2, 400, 410)
    assert (default.ttft.count, default.ttft.mean) == (4, 950)
    shares = [metrics.ttft_in_time.of_offered for metrics in (found, critical, default)]
    assert shares == pytest.approx([4 / 6, 1 / 2, 3 / 4])


def test_the_fullest_cache_is_that_of_one_instance():
    table = make_table(2)
    result = make_result(table, 5, instances=2)
    counters = result.instances.copy()
    counters["peak_blocks"] = 1000, 3000
    scenario = replace(SCENARIO, cluster=Cluster(instances=2), pools=(Pool(kv=KV(2000)), Pool(kv=KV(30_000))))
    found = compute_metrics(scenario, table, replace(result, instances=counters))
    assert (found.peak_kv_blocks, found.peak_kv_share) == (3000, 0.5)


def test_fairness_is_over_completed_tokens_of_tenants_that_came():
    table = make_table(4, tenant=[0, 0, 2, 2], output_tokens=[10, 30, 20, 90], tenant_names=("a", "nobody", "c"))
    result = with_status(make_result(table, 5), [3], REJECTED)
    assert compute_metrics(SCENARIO, table, result).jain_output_tokens == pytest.approx(60**2 / (2 * (40**2 + 20**2)))


def test_who_arrived_but_was_not_routed_is_told_apart():
    table = make_table(4)
    result = make_result(table, 5, status=[0, IN_TRANSIT, IN_TRANSIT, IN_TRANSIT])
    found = compute_metrics(SCENARIO, table, replace(result, instance=np.array([0, 0, -1, -1])))
    assert (found.in_transit, found.unrouted) == (3, 2)


@pytest.mark.parametrize("case", SIMULATED, ids=lambda case: case.name)
def test_recorded_runs_have_the_recorded_numbers(case: Case):
    ours, theirs = simulated(case), recorded_totals(case)
    raw = theirs["raw_metrics"]
    same(ours.raw.ttft_us, raw["ttft_us"])
    same(ours.raw.e2e_us, raw["e2e_us"])
    assert ours.raw.requests_per_s == pytest.approx(raw["requests_per_s"], rel=1e-12)
    assert ours.raw.tokens_per_s == pytest.approx(raw["tokens_per_s"], rel=1e-12)
    assert (ours.rejected, ours.dropped) == (raw["rejected"], raw["dropped"])
    assert ours.hit_rates.headline == pytest.approx(raw["cache_hit_rate"], rel=1e-12)
    assert ours.raw.preemption_rate == raw["preemption_rate"]
    assert ours.anomalies.imbalanced_instances == raw["hol_blocking_events"]
    assert ours.anomalies.inversions.pairs == raw["priority_inversions"]
    assert ours.peak_kv_blocks == theirs["aggregate"]["peak_kv_blocks"]
    assert ours.jain_output_tokens == pytest.approx(theirs["jain_completed_output_tokens_by_tenant"], rel=1e-12)


@pytest.mark.parametrize("case", SIMULATED, ids=lambda case: case.name)
def test_recorded_summaries_agree_to_the_last_digit(case: Case):
    ours, theirs = simulated(case).to_dict(), recorded_totals(case)["cli_summary_ms"]
    assert ours["itl_count"] == theirs["itl_count"]
    for key in ("itl_mean", "itl_p90", "itl_p95", "itl_p99", "scheduling_delay_p99"):
        latency = key.rpartition("_")[0]
        assert ours[f"{key}_ms"] == (pytest.approx(theirs[key], rel=1e-14) if ours[f"{latency}_count"] else None)


@pytest.mark.parametrize("name", ["hetero_slo8", "prio_fcfs_slo", "horizon_single"])
def test_latencies_of_each_class_as_recorded(name: str):
    (case,) = (case for case in CASES if case.name == name)
    table, result = recorded(case)
    ours, theirs = compute_metrics(SCENARIO, table, result).classes, recorded_totals(case)["per_slo_class"]
    assert list(ours) == sorted(theirs)
    for label, numbers in theirs.items():
        for latency in ("ttft", "e2e"):
            in_ms = {key: value / (1 if key == "count" else 1000) for key, value in numbers[f"{latency}_us"].items()}
            same(getattr(ours[label], latency), in_ms)


@pytest.mark.parametrize("name", ["hetero_slo8", "kv_preempt_chunked_prio", "kv_preempt_chunked_sjf4", "prio_fcfs_slo"])
def test_the_originals_inversions_as_recorded(name: str):
    (case,) = (case for case in CASES if case.name == name)
    table, result = recorded(case)
    scenario = load_scenario(case_config(case))
    found = find_anomalies(scenario, table, result, Compat.original()).inversions
    assert found.pairs == recorded_totals(case)["raw_metrics"]["priority_inversions"]


def test_json_is_finite_and_names_what_the_original_names():
    (case,) = (case for case in CASES if case.name == "token_bucket2")
    values = simulated(case).to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["completed_requests"] == 720 and values["rejected_requests"] == 180
    assert values["injected_requests"] == 720
    assert values["e2e_p99_ms"] == pytest.approx(4141.41197)


def test_a_run_without_anything_is_all_zero():
    table = make_table(3)
    values = compute_metrics(SCENARIO, table, make_result(table, 0, status=REJECTED)).to_dict()
    assert values["rejected_requests"] == values["requests"] == 3
    latencies = ("ttft_p99_ms", "e2e_mean_ms", "itl_max_ms", "longest_stall_ms", "scheduling_delay_mean_ms")
    assert all(values[key] is None for key in latencies)
    assert all(values[key] == 0 for key in ("responses_per_sec", "jain_output_tokens"))


def test_counts_of_both_populations():
    table = make_table(10)
    result = with_status(make_result(table, 1000, 10), [0, 1], NOT_ARRIVED)
    result = with_status(result, [2], DROPPED)
    metrics = compute_metrics(SCENARIO, table, replace(result, ttft_us=make_result(table, 1000).ttft_us))
    assert (metrics.ttft.count, metrics.e2e.count, metrics.completed, metrics.not_arrived) == (10, 7, 7, 2)
    assert metrics.raw.offered == 8


def test_tpot_leaves_out_single_tokens():
    table = make_table(4, output_tokens=[0, 1, 2, 11])
    assert compute_metrics(SCENARIO, table, make_result(table, 1000, 2000)).tpot.count == 2


def test_goodput_needs_every_target_and_counts_all_that_were_offered():
    slo = [SLOClass("fast", 100, 10, 0.5), SLOClass("default", 1000, 10, 0.5)]
    table = make_table(6, slo_class=[0, 0, 0, 1, 1, 1], slo_names=("fast", ""), output_tokens=[11, 11, 1, 11, 11, 11])
    result = make_result(table, [100, 101, 100, 1000, 1000, 1000], [10, 10, 99, 10, 11, 10])
    result = with_status(result, [5], REJECTED)
    metrics = compute_metrics(SCENARIO, table, replace(result, end_us=2_000_000), slo)
    assert metrics.goodput is not None
    found = metrics.goodput.attainment
    assert (found.met, found.answered, found.offered, metrics.goodput.per_s) == (3, 5, 6, 1.5)
    assert {name: found.goodput.attainment.met for name, found in metrics.classes.items()} == {"default": 1, "fast": 2}
    assert metrics.to_dict()["classes"]["fast"]["goodput_share"] == pytest.approx(2 / 3)


def test_a_class_without_targets_is_named():
    table = make_table(1, slo_names=("interactve",))
    with pytest.raises(InputError, match="did you mean 'interactive'"):
        compute_metrics(SCENARIO, table, make_result(table, 1), [SLOClass("interactive", 1, 1, 1)])


def test_every_request_is_counted_in_one_place():
    for case in SIMULATED:
        found = simulated(case)
        assert found.requests == found.not_arrived + found.rejected + found.unrouted + found.injected, case.name
        here = found.completed + found.dropped + found.queued + found.running + found.in_transit - found.unrouted
        assert found.injected == here, case.name


def test_those_in_transit_at_the_horizon_are_not_lost():
    (case,) = (case for case in CASES if case.name == "horizon_single")
    found, recorded = simulated(case), recorded_totals(case)
    counted = recorded["aggregate"]
    known = counted["completed"] + counted["still_queued"] + counted["still_running"] + counted["dropped"]
    assert found.injected - known == found.in_transit - found.unrouted
    assert found.in_transit == recorded["status_counts"].get("in_transit", 0)


def test_copies_and_what_they_cost_are_counted():
    scenario = deployment(2, hedging=Hedging(50), routing=Routing("round-robin"))
    table = requests([0], 3)
    found = compute_metrics(scenario, table, simulate(scenario, table))
    assert (found.hedges, found.wasted_tokens, found.injected, found.completed) == (1, 8, 2, 1)
    assert (found.to_dict()["hedges"], found.to_dict()["wasted_prompt_tokens"]) == (1, 8)
    assert "hedges" not in compute_metrics(deployment(), table, simulate(deployment(), table)).to_dict()


def test_those_that_instances_lost_are_counted_and_so_are_those_sent_again():
    failures = Failures((Outage((0,), 50, 100),), heartbeat_us=0, offline_after_us=0)
    scenario = deployment(2, failures=failures, routing=Routing("round-robin"))
    table = requests([0, 0, 0], 3)
    found = compute_metrics(scenario, table, simulate(scenario, table))
    assert (found.lost, found.retries, found.completed, found.injected) == (2, 0, 1, 3)
    assert found.to_dict()["lost_requests"] == 2
    again = replace(scenario, cluster=replace(scenario.cluster, retries=Retries(limit=1, saved=1, budget=0)))
    found = compute_metrics(again, table, simulate(again, table))
    assert (found.lost, found.retries, found.completed, found.injected) == (1, 1, 2, 4)
    assert "lost_requests" not in compute_metrics(deployment(), table, simulate(deployment(), table)).to_dict()
