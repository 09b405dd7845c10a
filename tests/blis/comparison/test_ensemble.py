"""What the uncertainty of a latency model does to the figures of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.api import generate, simulate
from blis.comparison.ensemble import FIGURES, ensemble_ranges
from blis.config import Compat
from blis.latency.fitted import Fitted
from blis.scenario import member_scenario
from tests.blis.calibration.recordings import scenario, workload


@pytest.fixture
def requests():
    return generate(workload(40))


def uncertain(members: int):
    plain = scenario()
    model = replace(plain.instance.latency_model, ensemble=members, fitted=Fitted("x", 99, {"e2e_mape": 10.0}))
    return replace(plain, instance=replace(plain.instance, latency_model=model))


def test_without_an_ensemble_there_are_no_ranges(requests):
    assert ensemble_ranges(scenario(), requests, Compat()) == {}


def test_ranges_are_those_of_the_members_one_by_one(requests):
    ranges = ensemble_ranges(uncertain(3), requests, Compat())
    alone = [simulate(member_scenario(uncertain(3), number), requests).metrics.to_dict() for number in range(3)]
    assert list(ranges) == list(FIGURES)
    for name, (low, middle, high) in ranges.items():
        assert [low, middle, high] == sorted(figures[name] for figures in alone)
        assert low < high
