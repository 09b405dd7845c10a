"""From the final state of a run to its ResultTable."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from blis.config import Compat, Scenario
from blis.engine.build.arrays import room
from blis.engine.build.clients import answered
from blis.engine.build.hedging import served
from blis.engine.build.readers import kept_fields
from blis.engine.columns import COMPLETED_US, COUNTS, HANDOVERS, TIMES
from blis.engine.records import NEVER_US, NONE
from blis.engine.world import Array, World
from blis.jit import entry
from blis.tables.attempts import with_attempts
from blis.tables.handovers import Handovers
from blis.tables.records import FLEET_LOOK, FLEET_TURN, INSTANCE_COUNTERS, LONG_GAP, NOT_ARRIVED, SAMPLE, STEP_LOG
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

_NONE = np.array([NONE]).tobytes()  # read-only


def collect(arrays: World, logs: list[Array], scenario: Scenario, table: RequestTable, compat: Compat) -> ResultTable:
    """The results of a finished run; its columns are the run's own arrays, not copies. logs: are taken apart."""
    attempts = _collect(arrays, logs, scenario, with_attempts(table, scenario.rows_a_request), compat)
    if scenario.cluster.hedging.any:
        return served(attempts, arrays.serving.view(np.ndarray), int(arrays.cluster.wasted_tokens))
    if not scenario.clients.any:
        return attempts
    return answered(attempts, arrays.rows.arrival_us if arrays.config.closed else table.arrival_us, len(table))


def _collect(arrays: World, logs: list[Array], scenario: Scenario, table: RequestTable, compat: Compat) -> ResultTable:
    """What became of the rows that ran."""
    n, cluster = len(table), arrays.cluster
    times = dict(zip(TIMES, arrays.times[:, :n], strict=True))
    counts = dict(zip(COUNTS, arrays.counts[:, :n], strict=True))
    end_us = end_of(arrays, scenario, compat, int(arrays.times[COMPLETED_US].max(initial=0)))
    known_us = max(end_us, int(arrays.ask.start_us))
    return ResultTable(
        **times,
        **counts,
        arrival_us=_arrival_us(arrays, table, counts["status"]),
        steps=_steps(logs, arrays.instances),
        gaps=arrays.gaps[: cluster.gap_rows].view(LONG_GAP, np.ndarray).copy(),
        instances=counters_of(arrays.instances.view(np.ndarray), compat),
        start_us=0 if compat.duration_last_event else int(arrays.ask.start_us),
        end_us=end_us,
        token_overhead_us=arrays.engines.overhead_us.view(np.ndarray).copy(),
        last_gap_twice=compat.last_gap_twice,
        retry_after_us=retry_after_of(arrays),
        samples=_samples(arrays),
        kept_steps=arrays.kept_steps[: cluster.kept_steps].view(np.ndarray) if len(arrays.kept_steps) else None,
        tenants=arrays.tenants.view(np.ndarray) if len(arrays.tenants) else None,
        retries=arrays.retries if len(arrays.retries) else None,
        accepted=arrays.accepted[:n] if len(arrays.accepted) else None,
        gave_up_us=np.where(arrays.gave_up_us < NEVER_US, arrays.gave_up_us, NONE) if len(arrays.gave_up_us) else None,
        adapter_us=arrays.adapter_us if arrays.config.adapters else None,
        decisions=_decisions(arrays),
        fleet=_until(known_us, arrays.fleet_turns[: cluster.fleet_turns], FLEET_TURN) if len(arrays.fleet) else None,
        looks=_until(known_us, arrays.fleet_looks[: cluster.fleet_looks], FLEET_LOOK) if len(arrays.fleet) else None,
        handovers=_handovers(arrays, n) if arrays.config.apart else None,
    )


def _until(end_us: int, rows: Array, dtype: np.dtype[Any]) -> Array:
    """What was noted until the run ended: the autoscaler may look once more, as it cannot know."""
    return rows[rows.time_us <= end_us].view(dtype, np.ndarray)


def _handovers(arrays: World, n: int) -> Handovers:
    """What became of the prefills of requests, whose columns stand behind theirs."""
    times = dict(zip(TIMES, arrays.times[:, n:], strict=True))
    counts = dict(zip(COUNTS, arrays.counts[:, n:], strict=True))
    names = {field.name for field in fields(Handovers)}
    moved = dict(zip(HANDOVERS, arrays.handovers, strict=True))
    return Handovers(**{name: column for name, column in (times | counts | moved).items() if name in names})


def _arrival_us(arrays: World, table: RequestTable, status: Array) -> Array:
    """[n] when each arrived; NONE of those that follow one who never got an answer, or got it too late."""
    if not table.closed:
        return table.arrival_us
    return np.where(
        (status == NOT_ARRIVED) & (table.arrival_us < 0), NONE, arrays.rows.arrival_us.view(np.ndarray)[: len(table)]
    )


def retry_after_of(arrays: World) -> Array:
    """NONE everywhere if the admission policy never says."""
    if len(arrays.retry_after_us):
        return arrays.retry_after_us
    return np.ndarray(int(arrays.config.requests), np.int64, buffer=_NONE, strides=(0,))  # one number, however long


def _samples(arrays: World) -> Array | None:
    """[instants, instances], or nothing if none were asked for."""
    if not len(arrays.samples):
        return None
    rows = arrays.samples[: arrays.cluster.sample_rows].view(SAMPLE, np.ndarray)
    return rows.reshape(-1, len(arrays.instances)).copy()


def _decisions(arrays: World) -> Array | None:
    """[n, instances] with the fields that were gathered, or nothing."""
    if not arrays.decisions.size:
        return None
    return arrays.decisions.view(np.ndarray)[kept_fields(arrays.config)]


def _steps(logs: list[Array], instances: Array) -> Array:
    """The step log by instance, each one's steps in order. Its parts go as they are put in."""
    found = room(STEP_LOG, int(instances.log_rows.sum()))
    places, steps = np.cumsum(instances.log_rows) - instances.log_rows, np.zeros(len(instances), np.int64)
    while logs:
        group(logs.pop(0), places, steps, found)
    return found.view(STEP_LOG, np.ndarray)


@entry()
def group(log, places, steps, found):
    """Put the rows of a part of the log where those of their instances stand.

    places: [instances] where the next row of each goes. steps: [instances] that have been put there. found: STEP_LOG.
    """
    for row in range(len(log)):
        logged = log[row]
        if logged.count == 0:
            continue  # it went on in the next part
        i = logged.instance
        new = found[places[i]]
        new.instance = i
        new.first_step = steps[i] + 1
        new.count = logged.count
        new.gap_us = logged.gap_us
        places[i] += 1
        steps[i] += logged.count


def counters_of(instances: Array, compat: Compat) -> Array:
    """What is reported of the instances' records."""
    counters = np.zeros(len(instances), INSTANCE_COUNTERS)
    for name in set(INSTANCE_COUNTERS.names or ()) & set(instances.dtype.names or ()):
        counters[name] = instances[name]
    counters["queued"] = instances["queue_depth"] + instances["importing_size"]
    counters["running"] = instances["batch_size"]
    counters["output_tokens"] = instances["next_tokens"]
    if not compat.decode_tokens_only:
        counters["output_tokens"] += instances["first_tokens"]
    return counters


def end_of(arrays: World, scenario: Scenario, compat: Compat, completed_us: int) -> int:
    """When the run ended, engine.md 14, row "duration": the last event, or also the last completion or the horizon."""
    instances = arrays.instances
    last_us = int(instances.last_event_us.max())
    if compat.duration_last_event:
        return last_us
    last_us = max(last_us, completed_us)
    if scenario.horizon_us is None:
        return last_us
    queued_us = np.where(instances.pending > 0, arrays.transit.key[:, 0], NEVER_US)
    next_us = min(int(instances.step_us.min()), int(queued_us.min()))
    waits = arrays.cluster.waiting + arrays.cluster.transfers > 0  # at a gateway before instances that are all down
    reached = bool(arrays.cluster.cut) or waits or next_us < NEVER_US or last_us > scenario.horizon_us
    return scenario.horizon_us if reached else last_us
