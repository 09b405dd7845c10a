"""Signals: what a router reads is as old as the shift says, however it was read before."""

from dataclasses import fields, replace

from blis.config import Signal, Signals
from search.shifts.signals import SHIFTS
from tests.search.shifts.problems import of_population, with_cluster


def test_all_signals_are_as_old(tmp_path):
    problem = of_population(tmp_path)
    for name, age_us in (("signals 0 s old", 0), ("signals 1 s old", 1_000_000), ("signals 5 s old", 5_000_000)):
        world = SHIFTS[name](problem)
        routing = world.scenario_on(world.against, 1).cluster.routing
        assert {getattr(routing.signals, field.name) for field in fields(Signals)} == {Signal(age_us)}
        assert routing.scorers == problem.against.scenario.cluster.routing.scorers


def test_a_snapshot_becomes_one_of_them(tmp_path):
    problem = of_population(tmp_path)
    routing = replace(problem.scenario.cluster.routing, signals=Signals(), snapshot_refresh_us=7)
    problem = with_cluster(problem, routing=routing)
    world = SHIFTS["signals 1 s old"](problem)
    found = world.scenario_on(world.against, 1).cluster.routing
    assert (found.snapshot_refresh_us, found.signals.kv.age_us) == (0, 1_000_000)
