"""Decision traces of real runs: the recorded vectors of the original, and agreement with what the run did."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Compat, Scenario
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.counterfactual import realised_regret_us, what_if
from blis.evaluation.decisions import decision_summary, decision_trace
from blis.scenario import load_scenario
from blis.tables.records import IN_TRANSIT, NOT_ARRIVED, REJECTED
from blis.tables.requests import RequestTable
from blis.workload.assemble import table_from_tokens
from tests.laws.random_cases import random_case
from tests.vectors.test_cluster import REQUESTS

WATCHED = Observe(decisions=True)


def vector_scenario(routing: str, **admission) -> Scenario:
    return load_scenario(
        {
            "cluster": {"instances": 3, "routing": {"policy": routing}, "admission": admission},
            "instance": {
                "latency_model": {"alpha": [1000, 10, 50], "beta": [5000, 20, 100]},
                "kv": {"blocks": 100, "block_size_tokens": 4},
            },
        }
    )


@pytest.fixture(scope="module")
def vectors() -> RequestTable:
    """The requests of cluster-and-policies.md section 18."""
    return table_from_tokens(
        [one.arrival_us for one in REQUESTS],
        [list(one.prompt) for one in REQUESTS],
        [list(one.output) for one in REQUESTS],
    )


@pytest.mark.parametrize(
    ("policy", "mean", "highest", "counts"),
    [
        ("round-robin", 0, 0, [3, 3, 2]),
        ("least-loaded", 0, 0, [3, 3, 2]),
        ("weighted", 0, 0, [4, 2, 2]),
        ("prefix-affinity", 0.125, 1, [4, 2, 2]),
        ("always-busiest", 3.25, 6, [8]),
    ],
)
def test_regrets_of_the_original(vectors: RequestTable, policy: str, mean: float, highest: float, counts: list[int]):
    scenario = vector_scenario(policy)
    result = simulate(scenario, vectors, Compat.original(), WATCHED)
    found = decision_summary(decision_trace(scenario, vectors, result, 2, original=True))
    assert (found.mean_regret, found.max_regret) == (mean, highest)
    assert list(found.targets.values()) == counts
    assert (found.total, found.admitted, found.rejected) == (8, 8, 0)


def test_a_token_bucket_that_rejects_half(vectors: RequestTable):
    bucket = {"capacity_tokens": 40, "refill_tokens_per_s": 1000}
    scenario = vector_scenario("round-robin", policy="token-bucket", token_bucket=bucket)
    result = simulate(scenario, vectors, Compat.original(), WATCHED)
    trace = decision_trace(scenario, vectors, result)
    records = list(trace.records())
    admissions = [record for record in records if record["kind"] == "admission"]
    assert [record["admitted"] for record in admissions] == [True] * 4 + [False] * 4
    assert sum(record["kind"] == "routing" for record in records) == 4
    assert decision_summary(trace).rejected == 4


@pytest.mark.parametrize("seed", range(40))
def test_a_trace_tells_what_the_run_did(seed: int):
    case = random_case(Random(seed), max_requests=40)
    plain = simulate(case.scenario, case.table, case.compat)
    result = simulate(case.scenario, case.table, case.compat, WATCHED)
    np.testing.assert_array_equal(result.instance, plain.instance)
    np.testing.assert_array_equal(result.e2e_us, plain.e2e_us)
    trace = decision_trace(case.scenario, case.table, result, candidates=2)
    records = list(trace.records())
    routings = [record for record in records if record["kind"] == "routing"]
    assert [record["time_us"] for record in records] == sorted(record["time_us"] for record in records)
    assert len(routings) == np.count_nonzero(result.instance >= 0)
    assert sum(record["kind"] == "admission" for record in records) == np.count_nonzero(trace.admission_us >= 0)
    undecided = trace.admission_us < 0
    assert np.isin(result.status[undecided], [NOT_ARRIVED, IN_TRANSIT]).all()
    found = decision_summary(trace)
    assert found.rejected == np.count_nonzero(result.status == REJECTED)
    assert sum(found.targets.values()) == len(routings)
    for record in routings:
        assert record["chosen_instance"] in record["scores"]
        assert record["score_regret"] >= 0 and record["load_regret"] >= 0
        if case.scenario.cluster.routing.picker == "max":
            assert record["score_regret"] == 0
            assert record["scores"][record["chosen_instance"]] == record["candidates"][0]["score"]


def test_taking_the_choice_again_changes_nothing_and_another_one_is_exact(vectors: RequestTable):
    scenario = vector_scenario("always-busiest")
    result = simulate(scenario, vectors)
    (same,) = what_if(scenario, vectors, result, 4, instances=[0])
    assert (same.ttft_us, same.e2e_us, same.mean_ttft_us, same.mean_e2e_us, same.completed) == (0, 0, 0, 0, 0)
    others = what_if(scenario, vectors, result, 4)
    assert [(one.chosen, one.instead) for one in others] == [(0, 1), (0, 2)]
    forced = simulate(scenario, vectors, None, Observe(forced_row=4, forced_instance=1))
    assert others[0].e2e_us == forced.e2e_us[4] - result.e2e_us[4]
    assert others[0].mean_e2e_us == pytest.approx((forced.e2e_us - result.e2e_us).mean())
    assert realised_regret_us(others) == max(0, *(-one.e2e_us for one in others))


def test_there_is_no_other_choice_for_the_rejected(vectors: RequestTable):
    scenario = vector_scenario("round-robin", policy="reject-all")
    with pytest.raises(ValueError, match="request_3 was not routed"):
        what_if(scenario, vectors, simulate(scenario, vectors), 3)


def test_who_is_cut_off_by_the_horizon_has_no_difference(vectors: RequestTable):
    scenario = replace(vector_scenario("round-robin"), horizon_us=9_000)
    result = simulate(scenario, vectors)
    found = what_if(scenario, vectors, result, 4)
    assert all(one.e2e_us is None for one in found)
