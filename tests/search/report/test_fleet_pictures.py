"""Instances that come and go are drawn, with what came to them; where they stay nothing is."""

import re
from dataclasses import replace

import pytest

from blis.config import Autoscaling
from blis.engine.run import simulate
from search.report.finished import FOUND
from search.report.fleet_pictures import fleet_pictures
from tests.blis.engine.plain_times import deployment, requests

#: One instance at first, and a second one while more than one request waits.
SCALED = Autoscaling(
    minimum=1,
    maximum=2,
    queue_depth=1.0,
    sync_us=100,
    up_period_us=100,
    down_window_us=100,
    down_period_us=100,
    drain_us=0,
)


def runs(**cluster):
    table = requests([0, 0, 0, 0, 5000], 5)
    one = deployment(1, **cluster)
    narrow = replace(one, instance=replace(one.instance, batch=replace(one.instance.batch, max_running=1)))
    return {name: [(table, simulate(narrow, table))] for name in (FOUND, "today")}


def test_a_line_a_policy_and_what_comes():
    found = fleet_pictures(runs(autoscaling=SCALED), "today")
    assert [one.caption for one in found] == ["Instances", "Requests a second"]
    for name in ("policy", "primary"):
        assert f"var(--{name})" in found[0].svg
    assert "var(--muted)" in found[1].svg


def test_a_line_begins_with_who_is_there_at_the_start():
    _, svg = (one.svg for one in reversed(fleet_pictures(runs(autoscaling=SCALED), "today")))
    line = re.search(r'<path d="([^"]*)"[^>]*var\(--policy\)', svg)
    heights = [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", line[1])]
    assert heights[0] == heights[-1]  # one, then two, then one


@pytest.mark.parametrize("given", [{}, {"instances": 2}])
def test_where_nobody_comes_or_goes_there_is_nothing_to_see(given):
    table = requests([0, 10], 3)
    made = {name: [(table, simulate(deployment(**given), table))] for name in (FOUND, "today")}
    assert fleet_pictures(made, "today") == []


def test_without_any_run_there_is_nothing_to_see():
    assert fleet_pictures({}, "today") == []
