"""Valid runs pass; a valid run that is broken on purpose is reported, law by law."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pytest

from blis.config import KV, Admission, Batch, Cluster, Compat, FlowControl, Instance, LatencyModel, Scenario
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.records import COMPLETED, DROPPED, IN_TRANSIT, LONG_GAP, QUEUED, REJECTED, RUNNING
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.assemble import table_from_tokens
from tests.laws.random_cases import random_case

INSTANCE = Instance(LatencyModel(alpha=(5, 1, 3), beta=(20, 1, 2)), KV(blocks=7, block_size_tokens=4), Batch(3, 20))
SCENARIO = Scenario(INSTANCE, Cluster(2))


@cache
def run(horizon_us: int | None = None) -> tuple[Scenario, RequestTable, ResultTable]:
    """A run of 12 requests in which some are preempted."""
    prompts = [[100 * row + token for token in range(8)] for row in range(12)]
    table = table_from_tokens(
        [10 * row for row in range(12)], prompts, [[7] * (row * 5 % 13 or 1) for row in range(12)]
    )
    scenario = replace(SCENARIO, horizon_us=horizon_us)
    return scenario, table, simulate(scenario, table)


def broken(column: str, row: int, value: int, horizon_us: int | None = None) -> list[str]:
    """The violations after one number of the run has been changed; a field of the counters as instances.field."""
    scenario, table, result = run(horizon_us)
    table_name, _, field = column.partition(".")
    changed = getattr(result, table_name).copy()
    (changed[field] if field else changed)[row] = value
    return check_laws(scenario, table, replace(result, **{table_name: changed}))


def test_the_run_is_fit_for_breaking():
    scenario, table, result = run()
    assert check_laws(scenario, table, result) == []
    assert result.preemptions.any() and len(result.gaps) and result.instance[0] == 0


@pytest.mark.parametrize("seed", range(200))
def test_random_runs_keep_the_laws(seed: int):
    case = random_case(Random(seed))
    result = simulate(case.scenario, case.table, case.compat)
    assert check_laws(case.scenario, case.table, result, case.compat) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("status", 99, "request 0 has no valid status"),
        ("instance", 2, "request 0 has no valid instance"),
        ("status", REJECTED, "request 0 was never routed but has an instance"),
        ("status", DROPPED, "instance 0 counts other dropped requests than have that status"),
        ("status", QUEUED, "request 0 is unfinished though the run had no horizon"),
        ("status", RUNNING, "request 0 is unfinished"),
        ("status", IN_TRANSIT, "request 0 is unfinished"),
        ("status", IN_TRANSIT, "instance 0 counts other completed requests"),
        ("instance", 1, "was sent other requests than it accounts for"),
        ("instance", -1, "request 0 was served without an instance"),
        ("instances.in_flight_tokens", 8, "instance 0 has other prompt tokens in flight than its requests"),
        ("routed_us", 1, "request 0 was not routed when it was its turn"),
        ("queued_us", -1, "request 0 is completed but lacks an event"),
        ("completed_us", -1, "request 0 has completed_us though it is not completed, or lacks it"),
        ("e2e_us", -1, "request 0 has e2e_us though it is not completed, or lacks it"),
        ("scheduled_us", 0, "request 0 was scheduled before it was queued"),
        ("first_token_us", 5, "request 0 had its first token before it was scheduled"),
        ("completed_us", 20, "request 0 completed before its first token"),
        ("e2e_us", 1, "request 0 has E2E < TTFT"),
        ("ttft_us", -1, "request 0 has a TTFT without a first token, or lacks it"),
        ("e2e_us", 1000, "request 0 has gaps that do not add up to E2E - TTFT"),
        ("ttft_us", 1, "request 0 has gaps that do not add up"),
        ("ttft_us", 1, "request 0 has another TTFT than its first token and one overhead"),
        ("last_step", 10**6, "request 0 has a step that its instance never made"),
        ("generated_tokens", 2, "request 0 generated more tokens than it has"),
        ("cached_tokens", 10**6, "request 0 found more cached tokens than its prompt has"),
        ("preemptions", 5, "instance 0 counts other preemptions than its requests"),
        ("instances.routed", 0, "instance 0 was sent other requests"),
        ("instances.completed", 0, "instance 0 counts other completed requests than have that status"),
        ("instances.used_blocks", 1, "instance 0 holds KV blocks with nothing running"),
        ("instances.used_blocks", 10, "instance 0 holds more KV blocks than there are"),
        ("instances.peak_blocks", 10, "instance 0 used more KV blocks than it has"),
        ("instances.running", 4, "instance 0 runs more requests than it may"),
        ("instances.offloaded_blocks", 1, "instance 0 offloaded KV blocks without a tier to hold them"),
        ("instances.offloaded_blocks", 10**6, "instance 0 offloaded more KV blocks than it took"),
        ("instances.cpu_hit_blocks", 1, "instance 0 brought back more KV blocks than it offloaded"),
        ("instances.thrashed_blocks", 1, "instance 0 thrashed more KV blocks than came back"),
        ("instances.busy_us", 10**6, "instance 0 was busy for longer than the run"),
        ("instances.busy_us", 1, "instance 0 was busy for another time than its steps"),
        ("instances.steps", 1, "the step log has holes"),
        ("instances.output_tokens", 1, "instance 0 counts other output_tokens than its requests"),
        ("instances.input_tokens", 1, "instance 0 counts other input_tokens than its requests"),
        ("steps.count", 50, "the step log has holes"),
        ("steps.first_step", 2, "the step log has holes"),
        ("steps.gap_us", -20, "the step log has a negative gap"),
        ("gaps.gap_us", 1, "gaps that do not add up to E2E - TTFT"),
        ("gaps.gap_us", -1, "the step log has a negative gap"),
    ],
)
def test_each_law_is_noticed(column: str, value: int, message: str):
    assert any(message in violation for violation in broken(column, 0, value)), broken(column, 0, value)


@pytest.mark.parametrize("horizon_us", [None, 82])  # at 82 one has arrived and is not let in yet
@pytest.mark.parametrize("record", [0, 1])
@pytest.mark.parametrize(("field", "noun"), [("in_flight", "requests"), ("tokens", "tokens")])
def test_tenants_who_stay_in_flight_are_noticed(horizon_us: int | None, record: int, field: str, noun: str):
    _, table, _ = run()
    admission = Admission("queue-depth", latency_us=5, parameters={"max_queued": 6, "max_tenant_in_flight": 10})
    scenario = replace(SCENARIO, cluster=Cluster(2, admission=admission), horizon_us=horizon_us)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == [] and result.tenants is not None
    assert result.tenants["in_flight"].any() == (horizon_us is not None)
    result.tenants[field][record] += 1
    (violation,) = check_laws(scenario, table, result)
    assert violation == f"the tenants have other {noun} in flight than theirs"


@pytest.mark.parametrize(("flow_control", "overtakes"), [(FlowControl(), True), (FlowControl(enabled=True), False)])
def test_of_equal_arrivals_the_first_row_is_served_first(flow_control: FlowControl, overtakes: bool):
    table = table_from_tokens([0, 0, 0], [[1], [2], [3]], [[4]] * 3)
    scenario = Scenario(replace(INSTANCE, batch=Batch(1, 20)), Cluster(1, flow_control=flow_control))
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    swapped = {
        name: getattr(result, name)[[1, 0, 2]]
        for name in ("scheduled_us", "first_token_us", "completed_us", "first_step", "last_step", "ttft_us", "e2e_us")
    }
    expected = ["request 1 was scheduled before one that came to the queue earlier"] if overtakes else []
    assert check_laws(scenario, table, replace(result, **swapped)) == expected


def late_row(result: ResultTable) -> int:
    return int(np.argmax((result.preemptions == 0) & (result.generated_tokens > 2)))


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("queued_us", lambda value: 0, "was queued before it arrived"),
        ("last_step", lambda value: value - 1, "has another number of gaps than tokens after the first"),
        ("last_step", lambda value: 0, "has its last step before its first"),
        ("generated_tokens", lambda value: value - 1, "is completed without all its tokens"),
    ],
)
def test_laws_about_decoding(column: str, change: Callable[[int], int], message: str):
    row = late_row(run()[2])
    violations = broken(column, row, change(int(getattr(run()[2], column)[row])))
    assert f"request {row} {message}" in [violation.split(" (and")[0] for violation in violations]


def test_a_missing_long_gap_is_noticed():
    scenario, table, result = run()
    violations = check_laws(scenario, table, replace(result, gaps=np.zeros(0, LONG_GAP)))
    assert any("has another number of gaps than tokens" in violation for violation in violations)


def test_uncharged_prefill_is_noticed():
    scenario = replace(SCENARIO, instance=replace(INSTANCE, kv=KV(blocks=500, block_size_tokens=4)))
    table = run()[1]
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == [] and not result.preemptions.any()
    result.instances["prefill_tokens"][1] += 1
    (violation,) = check_laws(scenario, table, result)
    assert violation == "instance 1 charged other prefill tokens than its requests lacked in the cache"


def test_a_horizon_may_leave_requests_but_nothing_after_it():
    horizons = range(30, int(run()[2].end_us), 7)
    results = [run(horizon_us) for horizon_us in horizons]
    assert all(check_laws(*found) == [] for found in results)
    assert any((result.status != COMPLETED).any() for _, _, result in results)
    original = Compat(behind_horizon=True)
    late = [simulate(scenario, table, original) for scenario, table, _ in results]
    assert any((found.completed_us > horizon_us).any() for found, horizon_us in zip(late, horizons, strict=True))
    for (scenario, table, _), found in zip(results, late, strict=True):
        assert check_laws(scenario, table, found, original) == []
        if (found.completed_us > (scenario.horizon_us or 0)).any():
            assert any(
                "its first or last token after the horizon" in text for text in check_laws(scenario, table, found)
            )


def test_a_token_without_output_is_noticed():
    scenario, table, result = run()
    silent = replace(table, output_tokens=np.where(np.arange(len(table)) == 0, 0, table.output_tokens), cache={})
    assert "request 0 has a first token though it has no output" in check_laws(scenario, silent, result)


def test_nothing_starts_after_the_horizon():
    violations = broken("scheduled_us", 0, 10**6, horizon_us=100)
    assert "request 0 was queued or scheduled after the horizon" in violations


def test_tables_of_different_length():
    scenario, table, result = run()
    assert check_laws(scenario, table, replace(result, status=result.status[:-1]))[0] == "12 requests but 11 results"
    violations = check_laws(replace(scenario, cluster=Cluster(3)), table, result)
    assert violations == ["3 instances but counters of 2"]


def test_the_last_event_may_end_a_run_before_its_last_step_does():
    scenario, table, _ = run(190)  # busy from 13 on; the last event is at 171
    compat = Compat(duration_last_event=True)
    result = simulate(scenario, table, compat)
    assert (result.instances["busy_us"] > result.duration_us).any()
    assert check_laws(scenario, table, result, compat) == []


def test_compat_is_told_by_its_switches():
    scenario, table, _ = run()
    result = simulate(scenario, table, Compat.original())
    assert check_laws(scenario, table, result, Compat.original()) == []
    first_tokens, readmissions = check_laws(scenario, table, result)[::-1]
    assert first_tokens == "instance 0 counts other output_tokens than its requests (and 1 more)"
    assert readmissions == "request 4 had its first token before it was scheduled (and 1 more)"


def test_who_follows_comes_when_its_client_has_thought_or_not_at_all():
    table = table_from_tokens([0, 0, 0], [[1] * 4, [2] * 4, [3] * 4], [[1, 2], [3], [4]])
    loop = {"predecessor": np.array([-1, 0, 1], np.int32), "think_us": np.array([0, 9, 9])}
    table = replace(table, arrival_us=np.array([0, -1, -1]), cache={}, **loop)
    scenario = Scenario(INSTANCE)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    for row, arrival_us, told in (
        (2, result.arrival_us[2] + 1, "request 2 came at another time than its client's"),
        (0, 1, "request 0 came at another time than its own"),
    ):
        changed = result.arrival_us.copy()
        changed[row] = arrival_us
        assert told in check_laws(scenario, table, replace(result, arrival_us=changed))
    unanswered = result.e2e_us.copy()
    unanswered[1] = -1
    wrong = check_laws(scenario, table, replace(result, e2e_us=unanswered))
    assert "request 2 came though what it follows has no answer" in wrong
