"""How many instances there were, and for how long."""

from dataclasses import replace

import numpy as np
import pytest

from blis.engine.run import simulate
from blis.evaluation.fleet import (
    absences,
    fleet_metrics,
    instance_us,
    instance_us_of_requests,
    instances_over_time,
)
from blis.tables.records import DRAINING, FLEET_TURN, GONE, LOADING, READY
from tests.blis.engine.plain_times import deployment, requests

TURNS = np.array(
    [(100, 0, READY), (100, 1, READY), (150, 2, LOADING), (170, 2, READY), (180, 1, DRAINING), (190, 1, GONE)],
    FLEET_TURN,
)


@pytest.fixture
def result():
    found = simulate(deployment(3), requests([100, 140, 160, 180]))
    return replace(found, fleet=TURNS, start_us=100, end_us=300)


def test_an_instance_is_paid_from_its_start_until_it_is_gone(result):
    times, counts = instances_over_time(result)
    assert dict(zip(times.tolist(), counts.tolist(), strict=True)) == {100: 2, 150: 3, 170: 3, 180: 3, 190: 2}
    assert instance_us(result) == 50 * 2 + 40 * 3 + 110 * 2
    found = fleet_metrics(result)
    assert (found["instance_seconds"], found["mean_instances"]) == (440e-6, 2.2)
    assert (found["instances_started"], found["instances_gone"]) == (1, 1)
    assert found["fleet"][2] == {"time_s": 150e-6, "instance": 2, "state": "loading"}


def test_without_an_autoscaler_all_are_paid_all_the_time(result):
    plain = replace(result, fleet=None)
    assert instance_us(plain) == 600 and fleet_metrics(plain) == {}
    assert instance_us_of_requests(plain).tolist() == [120, 60, 60, 0]


def test_what_is_paid_until_the_next_arrival_adds_up_to_the_last(result):
    assert instance_us_of_requests(result).tolist() == [80, 20 + 30, 60, 0]


def test_when_instances_were_away(result):
    never = np.iinfo(np.int64).max
    assert absences(result, (READY, DRAINING)) == [(2, 100, 170), (1, 190, never)]
    assert absences(result, (READY,)) == [(2, 100, 170), (1, 180, never)]
    assert absences(replace(result, fleet=None), (READY,)) == []
