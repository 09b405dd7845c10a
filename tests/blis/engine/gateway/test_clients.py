"""Clients that give up and ask again in whole runs, step by step by hand: every step takes 100 µs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Admission, Batch, Clients, Failures, FlowControl, Outage, Retries, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests
from tests.blis.engine.test_follow_ups import conversation

ALONE = {"batch": Batch(max_running=1)}


def run(table, clients, instances=1, engine=ALONE, **cluster):
    scenario = replace(deployment(instances, engine=engine, **cluster), clients=clients)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def test_who_has_no_first_token_in_time_gives_up_and_leaves_the_queue():
    result = run(requests([0, 0, 0], 3), Clients(first_token_timeout_us=350))
    assert result.status_names() == ["completed", "abandoned", "abandoned"]
    assert result.gave_up_us.tolist() == [-1, 350, 350]
    assert result.instances["abandoned"].tolist() == [2]
    # 1 was in the batch from 300 on, and got the token of the step that ran; its client never saw it
    assert result.attempts.generated_tokens.tolist() == [3, 1, 0]
    assert result.ttft_us.tolist() == [100, -1, -1]


def test_what_comes_at_the_last_instant_is_too_late():
    assert run(requests([0]), Clients(first_token_timeout_us=100)).status_names() == ["abandoned"]
    assert run(requests([0]), Clients(first_token_timeout_us=101)).status_names() == ["completed"]
    assert run(requests([0], 3), Clients(timeout_us=300)).status_names() == ["abandoned"]
    assert run(requests([0], 3), Clients(timeout_us=301)).status_names() == ["completed"]


def test_who_gives_up_an_answer_keeps_the_first_token_that_came():
    result = run(requests([0], 9), Clients(timeout_us=250))
    assert (result.ttft_us.tolist(), result.e2e_us.tolist()) == ([100], [-1])
    assert result.generated_tokens.tolist() == [3]


def test_servers_that_do_not_notice_go_on():
    result = run(requests([0, 0], 3), Clients(first_token_timeout_us=350, cancel=False))
    assert result.status_names() == ["completed", "abandoned"]
    assert result.attempts.status_names() == ["completed", "completed"]
    assert result.instances["completed"].tolist() == [2]


def test_clients_ask_again_after_pauses_that_double():
    # the server is busy until 1000; attempts at 10, 710 and 1810, given up at 310 and 1010
    clients = Clients(first_token_timeout_us=300, attempts=3, backoff_us=400)
    result = run(requests([0, 10], [10, 1]), clients)
    assert result.asked.tolist() == [1, 3]
    assert result.attempts.arrival_us.tolist() == [0, 10, -1, 710, -1, 1810]
    assert (result.ttft_us.tolist(), result.e2e_us.tolist()) == ([100, 1900], [1000, 1900])
    assert result.arrival_us.tolist() == [0, 10]


def test_an_attempt_finds_what_the_one_before_has_cached():
    clients = Clients(timeout_us=250, attempts=2, backoff_us=100)
    result = run(requests([0], 9), clients)
    assert result.attempts.cached_tokens.tolist() == [0, 4]


@pytest.mark.parametrize(("attempts", "status"), [(1, "lost"), (2, "completed")])
def test_who_hears_that_his_request_is_lost_asks_again(attempts, status):
    failures = Failures((Outage((0,), 50, 100),), heartbeat_us=0, offline_after_us=0)
    result = run(requests([0], 3), Clients(attempts=attempts, backoff_us=500), failures=failures)
    assert result.status_names() == [status]
    assert result.e2e_us.tolist() == [850 if attempts == 2 else -1]


def test_who_is_rejected_comes_back_when_he_is_told_to():
    bucket = Admission("token-bucket", parameters={"capacity_tokens": 8, "refill_tokens_per_s": 8e3})  # 8 in 1 ms
    result = run(requests([0, 0]), Clients(attempts=2, backoff_us=10), admission=bucket)
    assert result.attempts.retry_after_us.tolist() == [-1, 1001, -1, -1]
    assert result.attempts.arrival_us.tolist() == [0, 0, -1, 1001]
    assert result.status_names() == ["completed", "completed"]


@pytest.mark.parametrize(("budget", "saved", "again"), [(None, 0, 3), (0, 0, 0), (0, 2, 2), (0.5, 0.5, 2), (1, 9, 3)])
def test_attempts_are_paid_from_the_budget_of_all_clients(budget, saved, again):
    clients = Clients(first_token_timeout_us=50, attempts=2, backoff_us=10, budget=budget, saved=saved)
    assert run(requests([0, 0, 0], 3), clients).asked.sum() == 3 + again


def test_who_gives_up_is_taken_off_on_the_way_to_routing():
    result = run(requests([0]), Clients(timeout_us=50), routing=Routing(latency_us=70))
    assert (result.status_names(), result.instance.tolist()) == (["abandoned"], [-1])


def test_who_gives_up_is_taken_off_the_gateway_queue():
    flow = FlowControl(enabled=True, max_concurrency=1, interval_us=10)
    result = run(requests([0, 0, 0], [3, 1, 1]), Clients(first_token_timeout_us=150), flow_control=flow)
    assert result.status_names() == ["completed", "abandoned", "abandoned"]
    assert result.instances["routed"].tolist() == [1]


def test_who_gives_up_is_not_sent_again():
    failures = Failures((Outage((0,), 50, 10),), heartbeat_us=0, offline_after_us=0)
    retries = Retries(limit=1, backoff_us=500)
    result = run(requests([0]), Clients(timeout_us=300), failures=failures, retries=retries)
    assert (result.status_names(), result.instances["routed"].tolist()) == (["abandoned"], [1])


def test_others_are_looked_at_when_somebody_gives_up():
    """At 250 the one at work is given up; the gateway sends the next one at its next look."""
    flow = FlowControl(enabled=True, max_concurrency=1, interval_us=10)
    result = run(requests([0, 249], [9, 1]), Clients(timeout_us=250), flow_control=flow)
    assert result.routed_us.tolist() == [0, 250]


@pytest.mark.parametrize(("timeout_us", "comes"), [(300, [0, -1]), (301, [0, 310])])
def test_whoever_follows_comes_only_if_the_client_has_waited_for_the_answer(timeout_us, comes):
    table = conversation([0, -1], [3, 1], [-1, 0], [0, 10])
    assert run(table, Clients(timeout_us=timeout_us)).arrival_us.tolist() == comes


def test_whoever_follows_comes_after_the_attempt_that_was_answered():
    # 0 waits behind 1 (until 500), gives up at 300 and is answered from 700 to 800
    table = conversation([0, -1, 0], [1, 1, 5], [-1, 0, -1], [0, 10, 0])
    busy = replace(table, arrival_us=np.array([1, -1, 1]), cache={})
    clients = Clients(first_token_timeout_us=300, attempts=2, backoff_us=400)
    result = run(busy, clients, engine={"batch": Batch(max_running=1), "scheduler": "sjf"})
    assert result.arrival_us[1] > 0
    assert result.arrival_us[1] == result.arrival_us[0] + result.e2e_us[0] + 10


def test_a_client_that_would_ask_behind_the_horizon_is_in_transit():
    result = run(requests([0], 9), Clients(timeout_us=200, attempts=2, backoff_us=5000), horizon_us=1000)
    assert (result.status_names(), result.asked.tolist()) == (["in_transit"], [1])
