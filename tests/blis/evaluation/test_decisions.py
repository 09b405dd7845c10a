import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blis.config import Admission, Cluster, Instance, LatencyModel, Routing, Scenario
from blis.errors import InputError
from blis.evaluation.decisions import DecisionTrace, decision_summary, decision_trace, write_decisions
from blis.tables.records import POLICY, REASONS
from tests.blis.handmade import make_result, make_table

SCENARIO = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))))
FIELDS = ("turn", "eligible", "queue_depth", "batch_size", "pending", "free_blocks", "home")
VIEW = np.dtype([(name, "i8") for name in FIELDS] + [("kv_utilization", "f8"), ("score", "f8")])


def make_trace(scores, loads, chosen, *, policy="weighted", eligible=1, original=False, reason=0, k=2) -> DecisionTrace:
    """A trace of requests that arrive and are routed at 0, 10, 20 …; chosen -1: rejected."""
    chosen = np.array(chosen, np.int32)
    views = np.zeros((len(chosen), len(scores[0])), VIEW)
    views["score"], views["queue_depth"], views["eligible"] = scores, loads, eligible
    views["turn"] = np.cumsum(chosen >= 0)[:, None] - 1
    now_us = 10 * np.arange(len(chosen))
    return DecisionTrace(
        policy=policy,
        original=original,
        request_ids=tuple(f"request_{row}" for row in range(len(chosen))),
        admission_us=now_us,
        reason=np.broadcast_to(np.int32(reason), len(chosen)),
        routed_us=np.where(chosen >= 0, now_us, -1),
        chosen=chosen,
        views=views,
        candidates=k,
    )


def test_regret_by_score_and_by_load():
    trace = make_trace([[0.5, 0.9, 0.7], [0.5, 0.9, 0.7]], [[3, 8, 1], [3, 8, 1]], [1, 0])
    assert trace.score_regret.tolist() == pytest.approx([0, 0.4])
    assert trace.load_regret.tolist() == [7, 2]
    found = decision_summary(trace)
    assert (found.mean_regret, found.max_regret, found.regret_unit) == (4.5, 7, "requests")
    assert (found.mean_score_regret, found.max_score_regret) == pytest.approx((0.2, 0.4))


def test_who_was_filtered_out_is_no_candidate():
    trace = make_trace([[0.5, 0.9, 0.7]], [[3, 0, 1]], [2], eligible=[[1, 0, 1]], k=9)
    assert (trace.score_regret[0], trace.load_regret[0]) == (0, 0)
    record = list(trace.records())[1]
    assert record["scores"] == {"instance_0": 0.5, "instance_2": 0.7}
    assert [one["instance_id"] for one in record["candidates"]] == ["instance_2", "instance_0"]


def test_the_best_candidates_come_first_equal_ones_by_number():
    scores = [[0.1] * 12]
    scores[0][10] = 0.2
    (_, record) = make_trace(scores, [[0] * 12], [10], k=4).records()
    assert [one["instance_id"] for one in record["candidates"]] == [f"instance_{j}" for j in (10, 0, 1, 2)]
    assert set(record["candidates"][0]) == {
        *("instance_id", "score", "queue_depth", "batch_size", "pending", "kv_utilization", "free_kv_blocks")
    }


def test_records_come_in_the_order_of_decisions():
    trace = make_trace([[1, 0]] * 3, [[0, 0]] * 3, [0, 0, 0], k=0)
    trace = replace(trace, routed_us=np.array([20, 20, 30]), admission_us=np.array([0, 10, 20]))
    found = [(record["kind"][0], record["request_id"][-1]) for record in trace.records()]
    assert found == [("a", "0"), ("a", "1"), ("a", "2"), ("r", "0"), ("r", "1"), ("r", "2")]
    assert all("candidates" not in record for record in trace.records())


def test_the_rejected_have_no_routing_record():
    trace = make_trace([[1, 0]] * 2, [[0, 0]] * 2, [-1, -1], reason=POLICY)
    records = list(trace.records())
    assert [(record["kind"], record["admitted"], record["reason"]) for record in records] == [
        ("admission", False, REASONS[POLICY])
    ] * 2
    found = decision_summary(trace)
    assert (found.total, found.admitted, found.rejected, found.targets) == (2, 0, 2, {})
    assert (found.mean_regret, found.max_regret) == (0, 0)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("round-robin", "round-robin[0]"),
        ("least-loaded", "least-loaded (load=8)"),
        ("weighted", "weighted-scoring (score=0.900)"),
        ("prefix-affinity", "prefix-affinity (cache-miss, fallback to least-loaded)"),
        ("lmetric", "lmetric (score=0.9)"),
    ],
)
def test_reasons(policy: str, reason: str):
    (_, record) = make_trace([[0.5, 0.9]], [[3, 8]], [1], policy=policy).records()
    assert record["reason"] == reason


def test_regret_as_the_original_has_it():
    scores, loads = [[0.5, 0.9]], [[3, 8]]
    assert decision_summary(make_trace(scores, loads, [0], original=True)).mean_regret == pytest.approx(0.4)
    assert decision_summary(make_trace(scores, loads, [1], original=True)).mean_regret == 0
    busiest = decision_summary(make_trace(scores, loads, [1], policy="always-busiest", original=True))
    assert (busiest.mean_regret, busiest.regret_unit) == (5, "requests")


def test_the_summary_in_words():
    trace = make_trace([[0] * 12] * 3, [[0] * 12] * 3, [10, 2, 10])
    text = decision_summary(trace).text().splitlines()
    assert text[:4] == ["=== Trace Summary ===", "Total Decisions: 3", "  Admitted: 3", "  Rejected: 0"]
    assert text[4:8] == ["Unique Targets: 2", "Target Distribution:", "  instance_2: 1", "  instance_10: 2"]
    assert text[8:] == [
        "Mean Regret: 0.000000 (requests)",
        "Max Regret: 0.000000 (requests)",
        "Mean Score Regret: 0.000000 (weighted score, 0 to 1)",
        "Max Score Regret: 0.000000 (weighted score, 0 to 1)",
    ]


def test_a_line_of_strict_json_a_decision(tmp_path: Path):
    trace = make_trace([[0.5, 0.9]] * 2, [[3, 8]] * 2, [1, 0])
    write_decisions(tmp_path / "trace.jsonl", trace)
    data = (tmp_path / "trace.jsonl").read_bytes()
    lines = data.decode().splitlines()
    assert [json.loads(line) for line in lines] == list(trace.records())
    assert data.endswith(b"}\n") and b"\r" not in data


def test_a_run_without_decisions_is_refused():
    table = make_table(2)
    with pytest.raises(InputError, match="kept no decisions"):
        decision_trace(SCENARIO, table, make_result(table, 5))


def test_decisions_after_the_horizon_were_never_made():
    table = make_table(3)
    cluster = Cluster(admission=Admission(latency_us=500), routing=Routing())
    scenario = replace(SCENARIO, cluster=cluster, horizon_us=1500)
    result = replace(make_result(table, 5), decisions=np.zeros((3, 1), VIEW))
    assert decision_trace(scenario, table, result).admission_us.tolist() == [500, 1500, -1]
