"""Figures of a trace and its twin, side by side."""

import numpy as np
import pytest

from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.workload.profile.match import measures


def table(mean=100, rate=5, turns=None, seed=1):
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": {"type": "exponential", "params": {"mean": mean}},
        "output_distribution": {"type": "constant", "params": {"value": 7}},
        "prefix_group": "g",
        "prefix_length": 160,
        **({"reasoning": {"multi_turn": turns}, "closed_loop": False} if turns else {}),
    }
    return generate(
        load_spec({"version": "2", "aggregate_rate": rate, "num_requests": 2000, "clients": [client]}), seed
    )


def by_name(trace, twin):
    return {one.name: one for one in measures(trace, twin, 16)}


def test_a_table_is_like_itself():
    for one in measures(table(), table(), 16):
        assert one.trace == one.twin and one.ks in (None, 0)


def test_distances_are_those_of_the_distributions():
    found = by_name(table(100), table(200, seed=2))
    assert found["input tokens"].trace == pytest.approx(260, rel=0.05)
    assert found["input tokens"].twin == pytest.approx(360, rel=0.05)
    assert found["input tokens"].ks == pytest.approx(0.25, abs=0.04)  # sup |e^-x/100 - e^-x/200| = 1 / 4
    assert found["gap s"].ks < 0.05
    assert found["gap cv"].trace == pytest.approx(1, abs=0.1)
    assert found["input-output rank correlation"].trace == 0
    assert found["ideal hit rate"].trace > found["ideal hit rate"].twin > 0.3
    assert "rounds of a session" not in found


def test_sessions_are_compared_where_there_are_some():
    turns = {"max_rounds": 4, "think_time_us": 3_000_000, "context_growth": "none"}
    found = by_name(table(turns=turns), table())
    assert found["rounds of a session"].trace == pytest.approx(4, abs=0.2)
    assert found["rounds of a session"].twin == 1
    assert found["think time s"].trace == pytest.approx(3, abs=1e-3)
    assert found["think time s"].twin == 0 and found["think time s"].ks is None
    assert found["gap s"].trace == pytest.approx(1 / 5, rel=0.1)  # between conversations
    assert np.isfinite(found["gap s"].ks)
