"""Instances fail where prefill and decode are apart, in whole runs, by hand: every step takes 100 µs."""

from __future__ import annotations

from typing import Any

from blis.config import Batch, Failures, KVTransfer, Outage, Pool, Retries, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

PREFILL, DECODE = (Pool(role=role) for role in ("prefill", "decode"))
#: 4 tokens of a block in 40 µs, and 7 µs on top.
LINK = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1, latency_us=7)


def run(table, outage: Outage, *, decoders: int = 1, heartbeat_us: int = 0, **more: Any):
    failures = Failures((outage,), heartbeat_us=heartbeat_us, offline_after_us=2 * heartbeat_us)
    pools = [PREFILL, *[DECODE] * decoders]
    given = {"routing": Routing("round-robin"), **more}
    scenario = deployment(len(pools), pools=pools, kv_transfer=LINK, failures=failures, **given)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    assert result.instances["used_blocks"].sum() == 0
    return result


def test_a_prompt_that_is_being_computed_is_computed_where_it_is_used():
    """The prefill begins at 0, and its instance fails at 50."""
    result = run(requests([0], 3), Outage((0,), 50, 1000))
    assert (result.queued_us.tolist(), result.first_token_us.tolist()) == ([50], [150])
    assert result.completed_us.tolist() == [350]
    assert result.handovers.status.tolist() == [7]  # lost
    assert result.instances["lost"].tolist() == [1, 0]


def test_whoever_waits_for_kv_that_is_being_moved_computes_its_prompt():
    """It is moved from 100 to 187; the sender fails at 150."""
    result = run(requests([0], 3), Outage((0,), 150, 1000))
    assert (result.scheduled_us.tolist(), result.first_token_us.tolist()) == ([150], [250])
    assert (result.handovers.asked_us.tolist(), result.handovers.there_us.tolist()) == ([-1], [-1])
    assert result.instances["prefill_tokens"].tolist() == [8, 8]


def test_kv_that_nobody_has_asked_for_yet_is_gone():
    """One at a time: the second prompt is done at 200, the first request at 787; meanwhile its KV is lost."""
    result = run(requests([0, 10], [6, 2]), Outage((0,), 300, 1000), engine={"batch": Batch(max_running=1)})
    assert result.handovers.completed_us.tolist() == [100, 200]
    assert result.scheduled_us.tolist() == [187, 787]
    assert (result.first_token_us.tolist(), result.handovers.asked_us.tolist()) == ([287, 887], [100, -1])


def test_a_request_that_is_sent_again_has_its_prompt_computed_again():
    """In halves: the first prefill is taken off at 50 and its step goes on; the second one is in those after it."""
    again, halves = Retries(limit=1, backoff_us=10), {"batch": Batch(max_scheduled_tokens=4)}
    result = run(requests([0], 3), Outage((1,), 50, 1000), decoders=2, retries=again, engine=halves)
    assert (result.instance.tolist(), result.retries.tolist()) == ([2], [1])
    assert (result.handovers.queued_us.tolist(), result.handovers.completed_us.tolist()) == ([60], [300])
    assert result.first_token_us.tolist() == [487]
    assert result.instances["abandoned"].tolist() == [1, 0, 0]
    assert result.instances["lost"].tolist() == [0, 1, 0]
    assert result.prefills.status.tolist() == [8, 0]  # abandoned, completed
    assert len(result.handovers.status) == 1


def test_kv_that_is_moved_to_an_instance_that_fails_is_given_up():
    """A second prompt waits for room that the first one's KV holds until then."""
    narrow = {"kv": deployment(blocks=3).instance.kv}
    result = run(requests([0, 10], 1), Outage((1,), 150, 5), engine=narrow)
    assert result.status_names() == ["lost", "lost"]
    assert result.instances["abandoned"].tolist() == [1, 0]


def test_an_instance_that_is_down_when_it_is_asked_computes_nothing():
    """The router believes it there: the last heartbeat was at 0."""
    result = run(requests([30], 3), Outage((0,), 20, 1000), heartbeat_us=1000)
    assert (result.queued_us.tolist(), result.first_token_us.tolist()) == ([30], [130])
    assert result.handovers.status.tolist() == [7]
    assert result.instances["routed"].tolist() == [1, 1]
    assert result.instances["lost"].tolist() == [1, 0]


def test_whoever_is_refused_where_it_is_to_be_generated_asks_nobody_for_its_prompt():
    result = run(requests([30], 3), Outage((1,), 20, 1000), heartbeat_us=1000)
    assert result.status_names() == ["lost"]
    assert result.handovers.instance.tolist() == [-1]
    assert result.instances["routed"].tolist() == [0, 1]
