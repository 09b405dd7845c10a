"""From a Scenario and a RequestTable to the arrays of a run: the one place where policies become numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blis.config import Compat, Routing, Scenario
from blis.engine.boundary import COUNTS, TIMES
from blis.engine.records import (
    CLUSTER,
    CONFIG,
    GROW_GAPS,
    GROW_LOG,
    GROW_RUNS,
    GROW_TRANSIT,
    HEAP,
    INDEX,
    INSTANCE,
    NEVER_US,
    NODE,
    PATH,
    REQUEST,
    ROW,
    RUN,
    VIEW,
)
from blis.engine.world import Array, World
from blis.policies.admission import ADMISSION, LEVEL_TOKENS
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS
from blis.requests import RequestTable
from blis.schema import LONG_GAP, STEP_LOG


@dataclass
class State:
    """A run between calls of the kernel."""

    arrays: World

    def results(self) -> World:
        """The arrays without those that only the run itself needs."""
        nothing = np.empty(0)
        return self.arrays._replace(requests=nothing, rows=nothing, nodes=nothing, runs=nothing, prefix_index=nothing)

    def grow(self, halt: int) -> None:
        """Double the array a kernel found too small."""
        name = {GROW_RUNS: "runs", GROW_LOG: "log", GROW_GAPS: "gaps", GROW_TRANSIT: "transit"}[halt]
        old = getattr(self.arrays, name)
        new = np.concatenate([old, np.zeros_like(old)], axis=old.ndim - 1)
        self.arrays = self.arrays._replace(**{name: new.view(np.recarray)})


def encode(scenario: Scenario, table: RequestTable, compat: Compat) -> State:
    """The state of a run at its start."""
    rows, path = _paths(table, scenario.instance.kv.block_size_tokens)
    config = _config(scenario, table, int((rows.path_end - rows.path_begin).max(initial=0)), compat)
    instances = scenario.cluster.instances
    members = int(min(config[0].max_running, config[0].budget_tokens, max(len(table), 1)))
    nodes = max(table.tree.n_shared, 1)
    params, memory = _admission(scenario)
    codes, weights = _scorers(scenario.cluster.routing)
    arrays = World(
        cluster=_blank(CLUSTER, 1),
        config=config,
        rows=rows,
        path=path,
        requests=_room(REQUEST, len(table)),
        instances=_blank(INSTANCE, instances),
        nodes=_room(NODE, (instances, nodes)),
        runs=_room(RUN, 2 * instances * nodes + 2 * members * (int(config[0].max_path) + 4) + 64),
        ring=np.empty((instances, scenario.instance.kv.block_size_tokens), np.int64),
        finish=_room(HEAP, (instances, members)),
        transit=_room(HEAP, (instances, 1024)),
        log=_room(STEP_LOG, 4 * len(table) + 1024),
        gaps=_room(LONG_GAP, 4 * members + len(table) + 64),
        prefix_index=_room(INDEX, (instances, 2 * nodes + 2)),
        views=_blank(VIEW, instances),
        params=params,
        memory=memory,
        codes=codes,
        weights=weights,
        times=np.empty((len(TIMES), len(table)), np.int64),
        counts=np.empty((len(COUNTS), len(table)), np.int32),
    )
    return State(arrays)


def _blank(dtype: np.dtype[Any], shape: int) -> Array:
    """Records that are all zero."""
    return np.zeros(shape, dtype).view(np.recarray)


def _room(dtype: np.dtype[Any], shape: int | tuple[int, ...]) -> Array:
    """Records that the kernel sets before it reads them."""
    return np.empty(shape, dtype).view(np.recarray)


def _paths(table: RequestTable, block_tokens: int) -> tuple[Array, Array]:
    """ROW and PATH arrays of a table for one block size; made once and kept with the table."""
    key = f"engine/paths/{block_tokens}"
    if key not in table.cache:
        tree = table.tree
        first = tree.start_token // block_tokens
        end = tree.end_token // block_tokens
        on_path = ((tree.shared >= 0) & (end > first))[table.path_node]
        node = table.path_node[on_path]
        path = np.zeros(max(len(node), 1), PATH).view(np.recarray)
        path.node[: len(node)] = tree.shared[node]
        path.first_block[: len(node)] = first[node]
        path.end_block[: len(node)] = end[node]
        offsets = np.concatenate([[0], np.cumsum(on_path)])[table.path_offset]
        rows = np.zeros(len(table), ROW).view(np.recarray)
        rows.arrival_us = table.arrival_us
        rows.input_tokens = table.input_tokens
        rows.output_tokens = table.output_tokens
        rows.uniform = table.uniform
        rows.path_begin = offsets[:-1]
        rows.path_end = offsets[1:]
        table.cache[key] = (rows, path)
    return table.cache[key]  # type: ignore[return-value]


def _config(scenario: Scenario, table: RequestTable, max_path: int, compat: Compat) -> Array:
    cluster, instance = scenario.cluster, scenario.instance
    routing, batch = cluster.routing, instance.batch
    reads = set(ROUTING.reads[routing.policy])
    if routing.policy == "weighted":
        reads.update(*(SCORERS.reads[scorer.name] for scorer in routing.scorers))
    latency = instance.latency_model
    values: dict[str, float] = {
        "requests": len(table),
        "instances": cluster.instances,
        "horizon_us": NEVER_US - 1 if scenario.horizon_us is None else scenario.horizon_us,
        "admission_latency_us": cluster.admission.latency_us,
        "routing_latency_us": routing.latency_us,
        "admission": ADMISSION.code(cluster.admission.policy),
        "routing": ROUTING.code(routing.policy),
        "random_ties": routing.tie_break == "random",
        "scorers": len(routing.scorers),
        "reads_prefix": "prefix" in reads,
        "reads_pending": "pending" in reads,
        "reads_queue": "queue_depth" in reads,
        "reads_batch": "batch_size" in reads,
        "reads_kv": "kv" in reads,
        "queue_age_us": max(routing.signals.queue_depth.age_us, 1),
        "batch_age_us": max(routing.signals.batch_size.age_us, 1),
        "kv_age_us": max(routing.signals.kv.age_us, routing.snapshot_refresh_us, 1),
        "kv_lazy": routing.snapshot_refresh_us > 0,
        "index_blocks": routing.prefix_index_blocks,
        "index_nodes": max(table.tree.n_shared, 1) + 1,
        "index_root_first": compat.index_root_first,
        "blocks": instance.kv.blocks,
        "block_tokens": instance.kv.block_size_tokens,
        "max_running": batch.max_running,
        "budget_tokens": batch.max_scheduled_tokens,
        "chunk_tokens": batch.long_prefill_threshold or batch.max_scheduled_tokens,
        "max_path": max_path,
        "queueing_us": latency.alpha[0],
        "queueing_us_token": latency.alpha[1],
        "step_us": latency.beta[0],
        "prefill_us_token": latency.beta[1],
        "decode_us_token": latency.beta[2],
        "overhead_us": int(latency.alpha[2]),
        "idle_when_batch_empties": compat.idle_when_batch_empties,
        "last_gap_twice": compat.last_gap_twice,
        "overhead_per_token": compat.overhead_per_token,
        "last_scheduling_delay": compat.last_scheduling_delay,
        "fit_prompt_only": compat.fit_prompt_only,
        "free_full_hit": compat.free_full_hit,
    }
    return np.array([tuple(values[name] for name in CONFIG.names or ())], CONFIG).view(np.recarray)


def _admission(scenario: Scenario) -> tuple[Array, Array]:
    """Parameters of the admission template in its declared order, and its state at the start."""
    admission = scenario.cluster.admission
    params = [getattr(admission.token_bucket, name) for name in ADMISSION.bounds[admission.policy]]
    memory = np.zeros(2)
    memory[LEVEL_TOKENS] = admission.token_bucket.capacity_tokens
    return np.array([*params, 0.0]), memory


def _scorers(routing: Routing) -> tuple[Array, Array]:
    """Codes and normalised weights in the configured order."""
    scorers = routing.scorers if routing.policy == "weighted" else ()
    total = sum(scorer.weight for scorer in scorers)
    codes = np.array([SCORERS.code(scorer.name) for scorer in scorers], np.int64)
    return codes, np.array([scorer.weight / total for scorer in scorers], np.float64)
