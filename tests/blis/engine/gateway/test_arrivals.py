"""Who comes next, where some come by themselves and others when they are answered; a step takes 100 µs."""

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Admission, Engine, Signal, Signals
from blis.config import Routing as RoutingConfig
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def mixed(arrival_us, predecessor, think_us, outputs=1):
    table = requests(np.maximum.accumulate(arrival_us).tolist(), outputs)
    columns = {"predecessor": np.array(predecessor, np.int32), "think_us": np.array(think_us, np.int64)}
    return replace(table, arrival_us=np.array(arrival_us), cache={}, **columns)


@pytest.mark.parametrize("ahead", [False, True])
def test_of_two_that_come_at_one_instant_the_lower_row_is_decided_on_first(ahead):
    """Round-robin tells the order: row 1 is released for the instant at which row 2 comes by itself."""
    table = mixed([0, -1, 150], [-1, 0, -1], [0, 50, 0])
    engine = {"engine": Engine(async_scheduling=ahead)}
    result = simulate(deployment(3, engine=engine, routing=RoutingConfig("round-robin")), table)
    assert result.arrival_us.tolist() == [0, 150, 150]
    assert result.instance.tolist() == [0, 1, 2]


def test_who_comes_by_himself_is_not_decided_on_before_one_who_is_released_earlier():
    table = mixed([0, -1, 150], [-1, 0, -1], [0, 49, 0])
    result = simulate(deployment(3, routing=RoutingConfig("round-robin")), table)
    assert result.instance.tolist() == [0, 1, 2]
    later = simulate(deployment(3, routing=RoutingConfig("round-robin")), mixed([0, -1, 150], [-1, 0, -1], [0, 51, 0]))
    assert later.instance.tolist() == [0, 2, 1]


def test_an_answer_on_one_instance_is_heard_before_another_instance_goes_past_it():
    """The long answer of row 0 must not run ahead of row 2, which row 1's short one lets come to the same instance."""
    table = mixed([0, 0, -1], [-1, -1, 1], [0, 0, 1], outputs=[20, 1, 1])
    scenario = deployment(2, routing=RoutingConfig("round-robin"))
    result = simulate(scenario, table)
    assert result.instance.tolist() == [0, 1, 0]
    assert result.arrival_us[2] == 101
    assert result.scheduled_us[2] == 200


@pytest.mark.parametrize("latency_us", [0, 30, 500])
def test_latencies_of_the_control_plane_come_on_top(latency_us):
    table = mixed([0, -1, -1], [-1, 0, 1], [0, 5, 5])
    result = simulate(deployment(admission=Admission(latency_us=latency_us)), table)
    assert result.arrival_us.tolist() == [0, latency_us + 105, 2 * latency_us + 210]
    assert (result.routed_us - result.arrival_us).tolist() == [latency_us] * 3


def test_old_signals_are_read_on_their_grid_though_nobody_knew_that_somebody_would_come():
    """Row 2 comes at 1,101 and sees the queues as they were at 1,000: row 0 still runs on instance 0."""
    ages = Signals(queue_depth=Signal(age_us=1000), batch_size=Signal(age_us=1000))
    routing = RoutingConfig("least-loaded", signals=ages, tie_break="first")
    table = mixed([0, 0, -1], [-1, -1, 1], [0, 0, 900], outputs=[11, 2, 1])
    result = simulate(deployment(2, routing=routing), table)
    assert result.arrival_us[2] == 1100
    assert result.instance[2] == 1
