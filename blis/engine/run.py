"""A whole simulation: requests in, results out. `simulate` is the engine's only door."""

from __future__ import annotations

from blis.config import Compat, Scenario
from blis.engine.boundary import report, reset
from blis.engine.build.outcome import collect
from blis.engine.build.state import State, encode
from blis.engine.gateway.decide import decide, next_event
from blis.engine.gateway.records import END
from blis.engine.gateway.signals import refresh
from blis.engine.observe import Observe
from blis.engine.records import DONE, FRESH, PAUSED
from blis.engine.reference import refer
from blis.engine.world import World
from blis.jit import entry
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

#: Events between two looks of the caller: a fraction of a second, so that an interrupt is heard.
TURNS = 200_000


@entry(World)
def run(arrays):
    """Run until the end or until `cluster.halt` says why not; calling again goes on from there.

    Control-plane events at t come before instance events at t; instances advance only when somebody looks.
    """
    w = refer(arrays)
    if w.cluster.halt == FRESH:
        reset(w)
    w.cluster.halt = DONE
    while w.cluster.halt == DONE:
        if w.cluster.turns_left == 0:
            w.cluster.halt = PAUSED
            break
        w.cluster.turns_left -= 1
        now_us, event = next_event(w)
        refresh(w, now_us, event)
        if event == END or w.cluster.halt != DONE:
            break
        decide(w, now_us, event)
    if w.cluster.halt == DONE:
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
    arrays, logs = state.results()
    del state  # before results are copied: with millions of requests it matters
    return collect(arrays, logs, scenario, table, compat)


def source_digest() -> str:
    """12 hex digits over all sources of the kernels, a user's among them: the version of the engine."""
    return run.digest


def resume(state: State, steps: int = -1) -> bool:
    """Run on for at most `steps` engine steps (< 0: no limit); False when the simulation is over."""
    cluster = state.arrays.cluster
    cluster.steps_left = steps
    while True:
        cluster.turns_left = TURNS
        run(state.arrays)
        if cluster.halt == DONE:
            return False
        if cluster.steps_left == 0:
            return True
        if cluster.halt != PAUSED:
            state.grow(int(cluster.halt))
