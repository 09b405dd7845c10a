"""Samples, kept decisions and forced requests in runs whose times can be told by hand: a step takes 100 µs."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from blis.config import Admission, Compat, Engine, FlowControl, Routing, Scorer
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.errors import InputError
from tests.blis.engine.plain_times import deployment, requests
from tests.laws.against_oracle import assert_same_results
from tests.laws.guessing_cases import guessing
from tests.laws.random_cases import Case, random_case
from tests.oracle import Setup, expand
from tests.oracle import simulate as oracle
from tests.oracle.engine import Engine as OracleEngine
from tests.oracle.linear import pairs


def sampled(table, sample_us, **more):
    return simulate(deployment(**more), table, observe=Observe(sample_us=sample_us)).samples


def test_samples_show_the_state_before_their_instant():
    samples = sampled(requests([0, 100, 130], [3, 1, 1]), 50)
    assert samples["time_us"][:, 0].tolist() == [0, 50, 100, 150, 200, 250, 300]
    assert samples["batch_size"][:, 0].tolist() == [0, 1, 1, 1, 1, 0, 0]  # 1 and 2 end in their first step
    assert samples["queue_depth"][:, 0].tolist() == [0, 0, 0, 1, 1, 0, 0]
    assert samples["used_blocks"].max() == 3


def test_samples_end_with_the_last_event():
    assert len(sampled(requests([0, 1000], 1), 100)) == 12  # 0 … 1100, the end of the last step
    assert len(sampled(requests([0, 1000], 1), 100, horizon_us=450)) == 5
    rejected = sampled(requests([0, 250], 1), 100, admission=Admission("reject-all"))
    assert rejected["rejected"][:, 0].tolist() == [0, 1, 1]


def test_samples_of_a_step_that_the_horizon_cuts_go_on_to_the_horizon():
    assert sampled(requests([0], 1), 10, horizon_us=95)["time_us"][:, 0].tolist() == list(range(0, 100, 10))


def test_samples_count_who_waits_at_the_gateway():
    flow = FlowControl(enabled=True, max_concurrency=1, interval_us=10, ttl_us=120)
    samples = sampled(requests([0, 10, 20], 2), 50, flow_control=flow)
    assert samples["waiting"][:, 0].tolist() == [0, 2, 2, 1, 0, 0, 0, 0, 0]
    assert samples.shape == (9, 1)


def test_many_samples_find_room():
    samples = sampled(requests([0], 40), 1)
    assert samples["time_us"][:, 0].tolist() == list(range(4001))


def test_nothing_is_kept_unasked():
    result = simulate(deployment(), requests([0]))
    assert result.samples is None and result.decisions is None


def test_decisions_show_what_routing_saw():
    scenario = deployment(2, routing=Routing("weighted", scorers=(Scorer("queue-waiting", 1),)))
    result = simulate(scenario, requests([0, 0, 150], 9), observe=Observe(decisions=True))
    decisions = result.decisions
    assert decisions.shape == (3, 2)
    assert decisions["turn"][:, 0].tolist() == [0, 1, 2]
    assert decisions["pending"].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert decisions["batch_size"].tolist() == [[0, 0], [0, 0], [2, 0]]
    assert decisions["free_blocks"][2].tolist() == [994, 1000]
    assert decisions["score"].tolist() == [[1, 1]] * 3
    assert "matched_blocks" not in decisions.dtype.names


def test_a_rejected_request_has_no_decision():
    admission = Admission("queue-depth", parameters={"max_queued": 1})
    result = simulate(deployment(admission=admission), requests([0, 1, 2], 9), observe=Observe(decisions=True))
    assert result.decisions["turn"][:, 0].tolist() == [0, 1, -1]


def test_before_its_first_refresh_a_blank_snapshot_has_no_free_blocks():
    scenario = deployment(routing=Routing("round-robin", snapshot_refresh_us=50))
    seen = {
        name: simulate(scenario, requests([0, 60], 9), compat, Observe(decisions=True)).decisions["free_blocks"][:, 0]
        for name, compat in {"plain": Compat(), "blank": Compat(blank_snapshot=True)}.items()
    }
    assert seen["plain"].tolist() == [1000, 998]
    assert seen["blank"].tolist() == [0, 998]


def test_a_forced_request_goes_where_it_is_told():
    table = requests([0, 0, 0], 9)
    plain = simulate(deployment(3), table)
    forced = simulate(deployment(3), table, observe=Observe(forced_row=1, forced_instance=0))
    assert plain.instance.tolist() == [0, 1, 2]
    assert forced.instance.tolist() == [0, 0, 1]


def test_what_is_forced_must_exist():
    with pytest.raises(InputError, match="forced_row and forced_instance"):
        Observe(forced_row=1)
    with pytest.raises(InputError, match=r"observe\.forced_instance"):
        simulate(deployment(2), requests([0]), observe=Observe(forced_row=0, forced_instance=2))
    with pytest.raises(InputError, match=r"observe\.forced_row"):
        simulate(deployment(2), requests([0]), observe=Observe(forced_row=1, forced_instance=0))
    with pytest.raises(InputError, match=r"observe\.sample_us"):
        Observe(sample_us=-1)


@pytest.mark.parametrize("seed", range(20))
def test_watching_changes_nothing_and_forcing_what_happens_anyway_neither(seed):
    case = random_case(Random(seed), max_requests=40)
    plain = simulate(case.scenario, case.table, case.compat)
    watched = simulate(case.scenario, case.table, case.compat, Observe(sample_us=17, decisions=True))
    assert_same_results(watched, plain)
    routed = np.flatnonzero(plain.instance >= 0)
    if len(routed):
        row = int(routed[len(routed) // 2])
        same = Observe(forced_row=row, forced_instance=int(plain.instance[row]))
        assert_same_results(simulate(case.scenario, case.table, case.compat, same), plain)


def kept_by_oracle(case: Case) -> dict[tuple[int, int], list[int]]:
    """Of every step of the oracle what `KEPT_STEP` has, by instance and number."""
    kept = {}

    def note(instance: int, engine: OracleEngine) -> None:
        prefill, decode = engine.members
        sums = [len(prefill), sum(entry.new for entry in prefill), sum(map(pairs, prefill))]
        sums += [sum(entry.context for entry in prefill), len(decode), sum(entry.context for entry in decode)]
        sums.append(sum(entry.new - 1 for entry in decode))
        number, start_us = engine.counters["steps"], engine.counters["last_event_us"]
        kept[instance, number] = [start_us, engine.latest_us, *sums]

    oracle(Setup.from_scenario(case.scenario), expand(case.table), case.compat, note)
    return kept


@pytest.mark.parametrize("seed", range(40))
def test_kept_steps_are_those_of_the_oracle_and_keeping_them_changes_nothing(seed):
    case = random_case(Random(seed))
    case = guessing(Random(seed), case) if seed % 4 == 0 else case
    found = simulate(case.scenario, case.table, case.compat, Observe(steps=True))
    assert_same_results(found, simulate(case.scenario, case.table, case.compat))
    expected = kept_by_oracle(case)
    assert {(instance, number): rest for instance, number, *rest in map(list, found.kept_steps.tolist())} == expected


def test_many_kept_steps_find_room():
    kept = simulate(deployment(blocks=20_000), requests([0], 70_000), observe=Observe(steps=True)).kept_steps
    assert kept["number"].tolist() == list(range(1, 70_001))
    assert kept["decodes"].tolist() == [0] + [1] * 69_999


def test_steps_are_not_kept_unasked():
    assert simulate(deployment(), requests([0])).kept_steps is None


def test_under_async_scheduling_a_request_is_queued_when_it_is_taken_up():
    """A step takes 100 µs; who comes while one runs is taken up when it ends."""
    table = requests([0, 130, 300], [5, 1, 1])
    plain = simulate(deployment(), table)
    ahead = simulate(deployment(engine={"engine": Engine(async_scheduling=True)}), table)
    assert plain.queued_us.tolist() == [0, 130, 300]
    assert ahead.queued_us.tolist()[:2] == [0, 200]
