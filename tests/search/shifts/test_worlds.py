"""Worlds: every shift is named in conf/ and changes one thing; what a problem does not allow is left out, and why."""

import numpy as np
import pytest

from blis.errors import InputError
from search.application import compose_settings
from search.shifts.worlds import SHIFTS, check_shifts, worlds
from tests.search.shifts.problems import of_population, of_trace

#: What is the same in both worlds.
OF_THE_CLUSTER = {"signals 0 s old", "signals 1 s old", "signals 5 s old", "one instance less"} | {
    name for name in SHIFTS if name.startswith("step times")
}


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    return of_population(tmp_path_factory.mktemp("problem"))


def test_conf_names_every_shift_once():
    assert compose_settings([]).shifts == tuple(SHIFTS)
    assert len(SHIFTS) == 18


def test_the_default_problem_allows_all_of_them(problem):
    found = worlds(problem, SHIFTS)
    assert (list(found.problems), found.left_out) == (list(SHIFTS), {})


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_changes_the_cluster_or_the_requests_never_both(problem, name):
    world, key = worlds(problem, [name]).problems[name], problem.search_seeds[0]
    here, there = problem.mapping(), world.mapping()
    changed = {part for part in here if here[part] != there[part]}
    if name in OF_THE_CLUSTER:
        assert changed and "workload" not in changed
        assert world.table(key) is problem.table(key)
        assert world.scenario_on(world.against, key) != problem.scenario_on(problem.against, key)
    else:
        assert changed == {"workload"}
        assert world.scenario_on(world.against, key) == problem.scenario_on(problem.against, key)
        assert any(
            not np.array_equal(getattr(world.table(key), column), getattr(problem.table(key), column))
            for column in ("arrival_us", "input_tokens", "output_tokens", "slo_class")
        )


def test_policies_keep_their_names_in_other_worlds(problem):
    for world in worlds(problem, SHIFTS).problems.values():
        assert world.against.id == problem.against.id


def test_of_a_trace_there_are_rates_and_other_clusters(tmp_path):
    found = worlds(of_trace(tmp_path), SHIFTS)
    assert set(found.problems) == {"rate x0.8", "rate x1.2"} | OF_THE_CLUSTER
    assert set(found.left_out.values()) == {"this needs a workload that can be drawn at will; a trace is one sample"}


def test_a_shift_that_changes_nothing_is_left_out(tmp_path):
    live = {f"cluster.cluster.routing.signals.{name}.age_us": 0 for name in ("queue_depth", "batch_size", "kv")}
    problem = of_population(tmp_path, *(f"{key}={value}" for key, value in live.items()))
    assert worlds(problem, ["signals 0 s old"]).left_out == {"signals 0 s old": "it changes nothing here"}


def test_worlds_have_no_worlds_of_their_own(tmp_path):
    robust = of_population(tmp_path, "fitness.robust=worst")
    assert list(robust.worlds) == list(SHIFTS)
    assert all(not world.worlds for world in robust.worlds.values())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["rate x1.1"], "unknown shifts 'rate x1.1'.* 'rate x1.2'"),
        (["rate x1.2", "one instance less", "rate x1.2"], "shifts: 'rate x1.2' is given twice"),
    ],
)
def test_names_that_are_none_or_given_twice_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        check_shifts(names)
