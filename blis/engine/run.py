"""A whole simulation: requests in, results out. `simulate` is the engine's only door."""

from __future__ import annotations

from blis.config import Compat, Scenario
from blis.engine.boundary import report, reset
from blis.engine.gateway import admit, advance_all, next_decision, observe, route
from blis.engine.outcome import collect
from blis.engine.records import DONE, FRESH, NEVER_US, PAUSED
from blis.engine.state import State, encode
from blis.engine.world import World
from blis.jit import entry
from blis.requests import RequestTable
from blis.results import ResultTable


@entry
def run(arrays):
    """Run until the end or until `cluster.halt` says why not; calling again goes on from there.

    Control-plane events at t come before instance events at t; instances advance only when somebody looks.
    """
    w = World(
        arrays.cluster[0],
        arrays.config[0],
        arrays.rows,
        arrays.path,
        arrays.requests,
        arrays.instances,
        arrays.nodes,
        arrays.runs,
        arrays.ring,
        arrays.finish,
        arrays.transit,
        arrays.log,
        arrays.gaps,
        arrays.prefix_index,
        arrays.views,
        arrays.params,
        arrays.memory,
        arrays.codes,
        arrays.weights,
        arrays.times,
        arrays.counts,
    )
    if w.cluster.halt == FRESH:
        reset(w)
    w.cluster.halt = DONE
    while True:
        now_us, admission = next_decision(w)
        if now_us > w.config.horizon_us:
            w.cluster.cut |= now_us < NEVER_US
            break
        observe(w, now_us)
        if w.cluster.halt != DONE:
            return
        if admission:
            admit(w, now_us)
        else:
            route(w, now_us)
        if w.cluster.halt != DONE:
            return
    advance_all(w, NEVER_US)
    if w.cluster.halt == DONE:
        report(w)


def simulate(scenario: Scenario, table: RequestTable, compat: Compat | None = None) -> ResultTable:
    """Run a scenario on a request table.

    A pure function: equal arguments give equal results. Releases the GIL, so threads run in parallel.
    """
    compat = compat or Compat()
    state = encode(scenario, table, compat)
    while resume(state):
        pass
    results = state.results()
    del state  # before results are copied: with millions of requests it matters
    return collect(results, scenario, compat)


def resume(state: State, steps: int = -1) -> bool:
    """Run on for at most `steps` engine steps (< 0: no limit); False when the simulation is over."""
    cluster = state.arrays.cluster[0]
    cluster.steps_left = steps
    while True:
        run(state.arrays)
        if cluster.halt == DONE:
            return False
        if cluster.halt == PAUSED:
            return True
        state.grow(int(cluster.halt))
