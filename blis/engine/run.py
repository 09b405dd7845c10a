"""A whole simulation: requests in, results out. `simulate` is the engine's only door."""

from __future__ import annotations

from blis.config import Compat, Scenario
from blis.engine.boundary import report, reset
from blis.engine.build.outcome import collect
from blis.engine.build.state import State, encode
from blis.engine.gateway.decide import decide, next_event
from blis.engine.gateway.records import END
from blis.engine.gateway.signals import advance_all, next_reading, read
from blis.engine.observe import Observe
from blis.engine.records import DONE, FRESH, PAUSED
from blis.engine.reference import refer
from blis.engine.world import World
from blis.jit import entry
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


@entry(World)
def run(arrays):
    """Run until the end or until `cluster.halt` says why not; calling again goes on from there.

    Control-plane events at t come before instance events at t; instances advance only when somebody looks,
    and here alone: every call of a kernel is a copy of it.
    """
    w = refer(
        World(
            arrays.cluster[0],
            arrays.config[0],
            arrays.engines,
            arrays.rows,
            arrays.path,
            arrays.order,
            arrays.requests,
            arrays.instances,
            arrays.nodes,
            arrays.runs,
            arrays.tiers,
            arrays.below,
            arrays.ring,
            arrays.finish,
            arrays.transit,
            arrays.waiting,
            arrays.service,
            arrays.log,
            arrays.gaps,
            arrays.prefix_index,
            arrays.past,
            arrays.homes,
            arrays.session_homes,
            arrays.traits,
            arrays.places,
            arrays.tenants,
            arrays.bands,
            arrays.flows,
            arrays.samples,
            arrays.decisions,
            arrays.retry_after_us,
            arrays.signals,
            arrays.views,
            arrays.ask[0],
            arrays.params,
            arrays.memory,
            arrays.filters,
            arrays.template,
            arrays.codes,
            arrays.weights,
            arrays.times,
            arrays.counts,
        )
    )
    if w.cluster.halt == FRESH:
        reset(w)
    w.cluster.halt = DONE
    while True:
        now_us, event = next_event(w)
        while True:
            due_us, due = next_reading(w, now_us, event)
            if due == 0:
                break
            advance_all(w, due_us)
            if w.cluster.halt == DONE:
                read(w, due, due_us, event)
            if w.cluster.halt != DONE:
                return
        if event == END:
            break
        decide(w, now_us, event)
        if w.cluster.halt != DONE:
            return
    report(w)


def simulate(
    scenario: Scenario, table: RequestTable, compat: Compat | None = None, observe: Observe | None = None
) -> ResultTable:
    """Run a scenario on a request table; `observe` says what to keep for a closer look.

    A pure function: equal arguments give equal results. Releases the GIL, so threads run in parallel.
    """
    compat = compat or Compat()
    state = encode(scenario, table, compat, observe)
    while resume(state):
        pass
    results = state.results()
    del state  # before results are copied: with millions of requests it matters
    return collect(results, scenario, compat)


def source_digest() -> str:
    """12 hex digits over all sources of the kernels, a user's among them: the version of the engine."""
    return run.digest


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
