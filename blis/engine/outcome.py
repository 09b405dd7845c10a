"""From the final state of a run to its ResultTable (engine.md 12.2 and the notes to Q4-Q6, Q9)."""

from __future__ import annotations

import numpy as np

from blis.config import Compat, Scenario
from blis.engine.records import DECODE, NEVER_US, NONE
from blis.engine.world import Array, World
from blis.requests import RequestTable
from blis.results import ResultTable
from blis.schema import COMPLETED, IN_TRANSIT, INSTANCE_COUNTERS, LONG_GAP, NOT_ARRIVED, STEP_LOG


def collect(arrays: World, scenario: Scenario, table: RequestTable, compat: Compat) -> ResultTable:
    """The results of a finished run. Latencies follow the mode: see `_latencies`."""
    cluster, requests = arrays.cluster[0], arrays.requests
    generated, last_step = _progress(arrays)
    status = _status(arrays, scenario, table)
    ttft_us, e2e_us = _latencies(arrays, scenario, table, compat)
    scheduled_us = requests.scheduled_us.copy()
    log = arrays.log[: cluster.log_rows].view(STEP_LOG, np.ndarray)
    return ResultTable(
        status=status,
        instance=requests.instance.copy(),
        queued_us=requests.queued_us.copy(),
        scheduled_us=scheduled_us,
        first_token_us=requests.first_token_us.copy(),
        completed_us=requests.completed_us.copy(),
        ttft_us=ttft_us,
        e2e_us=e2e_us,
        scheduling_delay_us=np.where(scheduled_us == NONE, NONE, scheduled_us - table.arrival_us),
        cached_tokens=requests.cached_tokens.copy(),
        generated_tokens=np.minimum(generated, table.output_tokens),
        preemptions=requests.preemptions.copy(),
        first_step=requests.first_step.copy(),
        last_step=last_step,
        steps=log[np.argsort(log["instance"].astype(np.int32), kind="stable")],
        gaps=arrays.gaps[: cluster.gap_rows].view(LONG_GAP, np.ndarray).copy(),
        instances=_counters(arrays, compat),
        end_us=_duration_us(arrays, scenario, compat),
        token_overhead_us=_overhead_us(scenario) if compat.overhead_per_token else 0,
        last_gap_twice=compat.last_gap_twice,
    )


def _overhead_us(scenario: Scenario) -> int:
    return int(scenario.instance.latency_model.alpha[2])


def _progress(arrays: World) -> tuple[Array, Array]:
    """Tokens generated and step of the latest one. A decoding member got one in every step since its prefill."""
    requests = arrays.requests
    decoding = requests.phase == DECODE
    steps = arrays.instances.steps[np.maximum(requests.instance, 0)]
    generated = requests.generated.copy()
    generated[decoding] += (steps - requests.base_step)[decoding]
    last_step = requests.last_step.copy()
    last_step[decoding] = steps[decoding]
    return generated, last_step


def _status(arrays: World, scenario: Scenario, table: RequestTable) -> Array:
    """Rows never decided on have arrived, or not, when the run ends."""
    status = arrays.requests.status.copy()
    horizon_us = NEVER_US if scenario.horizon_us is None else scenario.horizon_us
    status[(status == NOT_ARRIVED) & (table.arrival_us <= horizon_us)] = IN_TRANSIT
    return status


def _latencies(arrays: World, scenario: Scenario, table: RequestTable, compat: Compat) -> tuple[Array, Array]:
    """TTFT and E2E in µs, -1 where unknown.

    Default: both contain the per-token overhead alpha 2 once. With compat's Q6 each gap carries it, with
    Q4 the last step counts twice: E2E = end - arrival + last step + (max(N, 1) + 1) alpha 2.
    """
    requests, overhead_us = arrays.requests, _overhead_us(scenario)
    first = requests.first_token_us
    ttft_us = first - table.arrival_us + overhead_us
    ttft_us[first == NONE] = NONE
    e2e_us = requests.completed_us - table.arrival_us + overhead_us
    if compat.overhead_per_token:
        e2e_us += (np.maximum(table.output_tokens, 1) - 1) * overhead_us
    if compat.last_gap_twice:
        e2e_us += requests.finish_us + (overhead_us if compat.overhead_per_token else 0)
    e2e_us[requests.status != COMPLETED] = NONE
    return ttft_us, e2e_us


def _counters(arrays: World, compat: Compat) -> Array:
    instances = arrays.instances
    counters = np.zeros(len(instances), INSTANCE_COUNTERS)
    for name in INSTANCE_COUNTERS.names or ():
        if name in (instances.dtype.names or ()):
            counters[name] = instances[name]
    counters["queued"] = instances.queue_depth
    counters["running"] = instances.batch_size
    counters["output_tokens"] = instances.next_tokens + (0 if compat.decode_tokens_only else instances.first_tokens)
    return counters


def _duration_us(arrays: World, scenario: Scenario, compat: Compat) -> int:
    """The duration of the run, engine.md 14: the last event, or also the last completion or the horizon."""
    instances = arrays.instances
    last_us = int(instances.last_event_us.max())
    if compat.duration_last_event:
        return last_us
    last_us = max(last_us, int(arrays.requests.completed_us.max(initial=0)))
    if scenario.horizon_us is None:
        return last_us
    queued_us = np.where(instances.pending > 0, arrays.transit.key[:, 0], NEVER_US)
    next_us = min(int(instances.step_us.min()), int(queued_us.min()))
    reached = bool(arrays.cluster[0].cut) or next_us < NEVER_US or last_us > scenario.horizon_us
    return scenario.horizon_us if reached else last_us
