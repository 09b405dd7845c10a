"""Groups of requests: who is in them, and what became of them under either policy."""

from dataclasses import replace

import numpy as np
import pytest

from blis.engine.run import simulate
from blis.tables.records import NOT_ARRIVED
from search.explanation.groups import groups
from tests.blis.engine.plain_times import deployment, requests


@pytest.fixture(scope="module")
def runs():
    """Eight requests of two classes on one instance, under the policy all 100 µs later than under the primary."""
    table = requests([0, 100, 200, 300, 400, 500, 600, 700], 1, [range(10 * i, 10 * i + 4 + i) for i in range(8)])
    table = replace(table, slo_names=("gold", "bronze"), slo_class=np.array([0, 1] * 4, np.int16), cache={})
    primary = simulate(deployment(), table)
    found = replace(primary, e2e_us=primary.e2e_us + 100, ttft_us=primary.ttft_us + 100)
    return [(table, found, primary)]


def by_name(runs):
    return {(group.kind, group.name): group for group in groups(runs)}


def test_a_class_has_its_requests(runs):
    found = by_name(runs)
    gold = found["class", "gold"]
    assert (gold.requests, gold.completed, gold.primary_completed) == (4, 4, 4)
    assert gold.e2e_mean_ms == pytest.approx(gold.primary_e2e_mean_ms + 0.1)
    assert gold.ttft_mean_ms == pytest.approx(gold.primary_ttft_mean_ms + 0.1)
    assert gold.faster == 0.0


def test_lengths_and_times_are_split_in_four(runs):
    found = by_name(runs)
    assert [group.requests for (kind, _), group in found.items() if kind == "prompt tokens"] == [2, 2, 2, 2]
    assert [name for kind, name in found if kind == "prompt tokens"] == [
        "up to 5",
        "over 5 up to 7",
        "over 7 up to 9",
        "over 9",
    ]
    assert [group.requests for (kind, _), group in found.items() if kind == "time"] == [2, 2, 2, 2]


def test_what_everybody_is_in_is_no_group(runs):
    assert "tenant" not in {kind for kind, _ in by_name(runs)}
    assert ("prompt in the cache", "less") not in by_name(runs)


def test_who_is_not_completed_by_both_has_no_latency(runs):
    ((table, found, primary),) = runs
    status = found.status.copy()
    status[table.slo_class == 1] = NOT_ARRIVED
    lost = by_name([(table, replace(found, status=status), primary)])["class", "bronze"]
    assert (lost.completed, lost.primary_completed) == (0, 4)
    assert lost.e2e_mean_ms is lost.primary_e2e_mean_ms is lost.faster is None


def test_tables_count_together(runs):
    assert by_name(runs * 3)["class", "gold"].requests == 12
