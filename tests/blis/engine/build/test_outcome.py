"""From the end of a run to its table: how long it was, and what instances counted. A step takes 100 µs."""

from __future__ import annotations

import pytest

from blis.config import Compat, Routing
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


@pytest.mark.parametrize(
    ("arrivals_us", "horizon_us", "end_us"),
    [
        ([0], None, 300),  # the end of the last step
        ([0], 1000, 300),
        ([0], 300, 300),
        ([0], 250, 250),  # a step is to come
        ([0], 200, 200),
        ([0, 700], 500, 500),  # an arrival is to come
        ([0, 700], None, 1000),
    ],
)
def test_a_run_ends_with_its_last_event_or_at_the_horizon_that_cuts_it(arrivals_us, horizon_us, end_us):
    assert simulate(deployment(horizon_us=horizon_us), requests(arrivals_us, 3)).end_us == end_us


def test_a_run_whose_next_step_lies_beyond_the_horizon_ends_at_the_horizon():
    assert simulate(deployment(horizon_us=250), requests([0], 9)).end_us == 250


def test_first_tokens_count_unless_original():
    table = requests([0, 0, 500], [3, 0, 1])
    assert simulate(deployment(), table).instances["output_tokens"][0] == 4
    assert simulate(deployment(), table, Compat(decode_tokens_only=True)).instances["output_tokens"][0] == 2


def test_who_is_where_at_the_end():
    result = simulate(deployment(horizon_us=150), requests([0, 110], 9))
    counters = result.instances[0]
    assert [int(counters[name]) for name in ("routed", "completed", "queued", "running")] == [2, 0, 1, 1]
    assert counters["used_blocks"] == 3


def test_the_log_goes_by_instance_and_step():
    table = requests([3 * row for row in range(40)], [1 + row % 7 for row in range(40)])
    steps = simulate(deployment(3, routing=Routing("round-robin")), table).steps
    rows = list(zip(steps["instance"].tolist(), steps["first_step"].tolist(), strict=True))
    assert rows == sorted(rows)
    assert {instance for instance, _ in rows} == {0, 1, 2}


def test_nothing_is_told_of_what_nobody_asked_for():
    result = simulate(deployment(), requests([0, 1]))
    assert result.samples is None and result.decisions is None
    assert result.retry_after_us.tolist() == [-1, -1]
    watched = simulate(deployment(2), requests([0, 1], 2), observe=Observe(sample_us=50, decisions=True))
    assert watched.samples.shape == (5, 2) and watched.decisions.shape == (2, 2)
