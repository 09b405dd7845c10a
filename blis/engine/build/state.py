"""From a Scenario and a RequestTable to the arrays of a run: the one place where policies become numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from blis.config import Compat, Instance, LatencyModel, Scenario
from blis.engine.build.apart import ROLES, check_apart, encode_apart, with_prefills
from blis.engine.build.arrays import blank, listed, room
from blis.engine.build.clients import check_clients, encode_clients
from blis.engine.build.drafts import check_drafts, drafting, encode_drafts
from blis.engine.build.duration import check_duration
from blis.engine.build.encode_control import encode_control
from blis.engine.build.fleet import begin_fleet, encode_fleet
from blis.engine.build.hedging import check_hedging, encode_hedging
from blis.engine.build.lives import check_lives, encode_lives, first_failures_us
from blis.engine.build.loops import check_loops, loops, own_rows
from blis.engine.build.lora import check_lora, encode_lora
from blis.engine.build.order import order, queue_order, service, unsettled
from blis.engine.columns import COUNTS, TIMES
from blis.engine.gateway.records import ASK
from blis.engine.observe import NOTHING, Observe
from blis.engine.records import (
    BELOW,
    CLUSTER,
    CONFIG,
    ENGINE,
    GROW_GAPS,
    GROW_LOG,
    GROW_LOOKS,
    GROW_RUNS,
    GROW_SAMPLES,
    GROW_STEPS,
    GROW_TRANSIT,
    GROW_TURNS,
    HEAP,
    INSTANCE,
    LOGGED,
    NEVER_US,
    NODE,
    NONE,
    PATH,
    REQUEST,
    ROW,
    RUN,
    TIER,
)
from blis.engine.world import Array, World
from blis.latency.registry import LATENCY
from blis.latency.step import Step
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Registry
from blis.policies.schedulers import SCHEDULERS
from blis.tables.attempts import with_attempts
from blis.tables.limits import within_limits
from blis.tables.records import LONG_GAP
from blis.tables.requests import RequestTable

#: More blocks than a sequence has.
ALL_BLOCKS = 2**31

#: Rows of a part of the step log: while all are put together, no more is held twice. 32 MiB, the least that malloc is
#: sure to give back to the system at once.
LOG_PART = 2**21

#: Which array is too small.
_GROWS = {
    GROW_RUNS: "runs",
    GROW_LOG: "log",
    GROW_GAPS: "gaps",
    GROW_TRANSIT: "transit",
    GROW_SAMPLES: "samples",
    GROW_STEPS: "kept_steps",
    GROW_TURNS: "fleet_turns",
    GROW_LOOKS: "fleet_looks",
}


@dataclass
class State:
    """A run between calls of the kernel."""

    arrays: World
    logs: list[Array] = field(default_factory=list)  # what filled World.log before

    def results(self) -> tuple[World, list[Array]]:
        """The arrays without those that only the run itself needs, and the step log in parts."""
        nothing = np.empty(0)
        unused = ["requests", "index_rows", "nodes", "runs", "below", "prefix_index", "past", "traits", "columns"]
        if not self.arrays.config.closed:  # else arrivals stand there
            unused.append("rows")
        log = self.arrays.log[: self.arrays.cluster.log_rows]
        return self.arrays._replace(**dict.fromkeys((*unused, "log"), nothing)), [*self.logs, log]

    def grow(self, halt: int) -> None:
        """Double the array a kernel found too small; of the step log another part begins."""
        name = _GROWS[halt]
        old = getattr(self.arrays, name)
        if name == "log":
            self._begin_log()
            return
        new = np.concatenate([old, np.zeros_like(old)], axis=old.ndim - 1)
        self.arrays = self.arrays._replace(**{name: new.view(type(old))})

    def take_log(self) -> list[Array]:
        """What has been logged since the last time, in parts; of each instance the latest row stays, to go on."""
        arrays = self.arrays
        log, log_row = arrays.log.view(np.ndarray), arrays.instances.view(np.ndarray)["log_row"]
        taken = [*self.logs, log[: int(arrays.cluster.log_rows)].copy()]
        latest = np.flatnonzero(log_row != NONE)
        log[: len(latest)] = log[log_row[latest]]
        log["count"][: len(latest)] = 0
        log_row[latest] = np.arange(len(latest))
        arrays.cluster.log_rows = len(latest)
        self.logs.clear()
        return taken

    def _begin_log(self) -> None:
        """Begin another part of the step log, with the latest rows of all instances: they may go on."""
        old, instances = self.arrays.log, self.arrays.instances
        has_row = instances.log_row != NONE
        latest = instances.log_row[has_row]
        new = room(LOGGED, len(old) + len(latest))
        new[: len(latest)] = old[latest]
        instances.log_row[has_row] = np.arange(len(latest))
        self.arrays.cluster.log_rows = len(latest)
        old.count[latest] = 0
        self.logs.append(old)
        self.arrays = self.arrays._replace(log=new)


def encode(scenario: Scenario, table: RequestTable, compat: Compat, observe: Observe | None = None) -> State:
    """The state of a run at its start."""
    table = within_limits(table, *scenario.instance.engine.limits)
    check_loops(table, compat)
    check_lives(scenario, compat)
    check_apart(scenario, compat)
    check_drafts(scenario, compat)
    check_clients(scenario, compat)
    check_hedging(scenario, compat)
    check_lora(scenario, table, compat)
    first_asks, table = table, with_attempts(table, scenario.rows_a_request)
    block_tokens = scenario.replicas[0].instance.kv.block_size_tokens
    rows, path, longest = _paths(table, block_tokens, ALL_BLOCKS)
    index_rows, index_path, _ = _paths(table, *_index_blocks(scenario))
    places = order(scenario, table, compat)
    if scenario.apart:
        rows, places = with_prefills(rows, "output_tokens"), with_prefills(places)
    observe = observe or NOTHING
    control_config, control_arrays = encode_control(scenario, table, compat, observe)
    lives_config, lives_arrays = encode_lives(scenario, first_asks)
    clients_config, clients_arrays = encode_clients(scenario.clients, table, len(first_asks))
    apart_config, apart_arrays = encode_apart(scenario, len(table))
    hedging_config, hedging_arrays = encode_hedging(scenario, len(first_asks))
    lora_config, lora_arrays = encode_lora(scenario, table)
    given = control_config | lives_config | clients_config | apart_config | hedging_config | lora_config
    config = _config(scenario, table, longest, compat, given)
    engines, latencies = engines_of(scenario, table, compat)
    instances = len(engines)
    members = min(int(np.minimum(engines.max_running, engines.budget_tokens).max()), max(len(rows), 1))
    nodes = max(table.tree.n_shared, 1)
    tiers, below = _tiers(scenario, instances * nodes + len(table))
    arrays = World(
        cluster=blank(CLUSTER, 1)[0],
        ask=_ask(table, instances),
        config=config,
        engines=engines,
        latencies=latencies,
        rows=rows if not table.closed else own_rows(rows),
        path=path,
        index_rows=index_rows,
        index_path=index_path,
        order=places,
        **loops(table, len(first_asks)),
        columns=unsettled(scenario, table),
        priority=_values(PRIORITIES, scenario.instance.priority, scenario.instance.priority_parameters),
        scheduler=_values(SCHEDULERS, scenario.instance.scheduler, scenario.instance.scheduler_parameters),
        requests=room(REQUEST, len(rows)),
        instances=blank(INSTANCE, instances),
        agenda=np.empty(2 << (instances - 1 + scenario.apart).bit_length(), np.int64),
        nodes=room(NODE, (instances, nodes)),
        runs=room(RUN, 2 * instances * nodes + 2 * members * (int(config.max_path) + 4) + 64),
        tiers=tiers,
        below=below,
        ring=np.empty((instances, block_tokens), np.int64),
        **encode_drafts(scenario, len(rows)),
        finish=room(HEAP, (instances, members)),
        transit=room(HEAP, (instances, max(len(rows), 1024) if scenario.apart else 1024)),
        service=service(scenario, table),
        log=room(LOGGED, min(16 * len(table) + 1024, LOG_PART)),  # most take less; rows that nobody writes cost nothing
        gaps=room(LONG_GAP, 4 * members + len(table) + 64),
        times=np.empty((len(TIMES), len(rows)), np.int64),
        counts=np.empty((len(COUNTS), len(rows)), np.int32),
        **apart_arrays,
        **lora_arrays,
        **lives_arrays,
        **hedging_arrays,
        **encode_fleet(scenario),
        **clients_arrays,
        **control_arrays,
    )
    arrays.instances.fails_us = arrays.instances.outage_us = first_failures_us(scenario, first_asks)
    begin_fleet(scenario, first_asks, arrays)
    arrays.cluster.saved = scenario.cluster.retries.saved
    arrays.cluster.asks_saved = scenario.clients.saved
    arrays.cluster.hedges_saved = scenario.cluster.hedging.saved
    return State(arrays)


def _values(templates: Registry, name: str, given: Mapping[str, float]) -> Array:
    """Parameters of a template in its declared order; never empty, as kernels want an array."""
    return np.array([*templates.values(name, given), 0.0])


def _ask(table: RequestTable, instances: int) -> Any:
    """What the control plane knows of nobody yet."""
    ask = blank(ASK, 1)[0]
    ask.start_us = table.first_arrival_us
    ask.places = instances
    return ask


def _index_blocks(scenario: Scenario) -> tuple[int, int]:
    """Tokens of a block of the router's prefix index, and how many blocks of a prompt it looks at."""
    routing = scenario.cluster.routing
    block_tokens = routing.prefix_index_block_tokens or scenario.replicas[0].instance.kv.block_size_tokens
    most_tokens = routing.prefix_index_max_tokens
    return block_tokens, most_tokens // block_tokens if most_tokens else ALL_BLOCKS


def _paths(table: RequestTable, block_tokens: int, max_blocks: int) -> tuple[Array, Array, int]:
    """ROW and PATH arrays of a table for one block size, and the longest path; made once and kept with the table.

    max_blocks: blocks of a sequence that there are at all.
    """
    key = f"engine/paths/{block_tokens}/{max_blocks}"
    if key not in table.cache:
        tree = table.tree
        first = np.minimum(tree.start_token // block_tokens, max_blocks)
        end = np.minimum(tree.end_token // block_tokens, max_blocks)
        on_path = ((tree.shared >= 0) & (end > first))[table.path_node]
        node = table.path_node[on_path]
        path = blank(PATH, max(len(node), 1))
        path.node[: len(node)] = tree.shared[node]
        path.first_block[: len(node)] = first[node]
        path.end_block[: len(node)] = end[node]
        offsets = np.concatenate([[0], np.cumsum(on_path)])[table.path_offset]
        rows = blank(ROW, len(table))
        rows.arrival_us = table.arrival_us
        rows.input_tokens = table.input_tokens
        rows.output_tokens = table.output_tokens
        rows.uniform = table.uniform
        rows.path_begin = offsets[:-1]
        rows.path_end = offsets[1:]
        table.cache[key] = (rows, path, int((rows.path_end - rows.path_begin).max(initial=0)))
    return table.cache[key]  # type: ignore[return-value]


def _config(
    scenario: Scenario, table: RequestTable, max_path: int, compat: Compat, control: dict[str, float]
) -> np.record:
    values: dict[str, float] = {
        "requests": len(table),
        "instances": scenario.cluster.places,
        "horizon_us": min(scenario.horizon_us or NEVER_US, NEVER_US - 1),  # what never happens is beyond it
        "closed": table.closed,
        "scheduler": SCHEDULERS.code(scenario.instance.scheduler),
        "priority": PRIORITIES.code(scenario.instance.priority),
        **control,
        "block_tokens": scenario.replicas[0].instance.kv.block_size_tokens,
        **dict(zip(("index_block_tokens", "index_max_blocks"), _index_blocks(scenario), strict=True)),
        "max_path": max_path,
        "model_tokens": scenario.instance.engine.max_model_len or NEVER_US,
        "queue_order": queue_order(scenario.instance),
        "evicts_by_priority": scenario.instance.preemption == "priority",
        "idle_when_batch_empties": compat.idle_when_batch_empties,
        "last_gap_twice": compat.last_gap_twice,
        "first_token_without_output": compat.first_token_without_output,
        "behind_horizon": compat.behind_horizon,
        "last_scheduling_delay": compat.last_scheduling_delay,
        "fit_prompt_only": compat.fit_prompt_only,
        "free_full_hit": compat.free_full_hit,
        "free_context": compat.free_context,
    }
    return listed(CONFIG, [tuple(values[name] for name in CONFIG.names or ())])[0]


def _tiers(scenario: Scenario, owners: int) -> tuple[Array, Array]:
    """The tier below each instance's GPU, and what it holds of whom: nothing yet."""
    tiers = blank(TIER, (1, scenario.cluster.places))
    for i, replica in enumerate(scenario.replicas):
        for level, tier in enumerate(replica.instance.kv.lower_tiers):
            tiers[level, i] = (tier.blocks, tier.base_latency_us, tier.bandwidth_blocks_us, 0, (NONE, NONE))
    below = blank(BELOW, (1, owners if tiers.blocks.any() else 1))
    below.shallow_run = NONE
    return tiers, below


def engines_of(scenario: Scenario, table: RequestTable, compat: Compat) -> tuple[Array, Array]:
    """ENGINE of each instance, and the parameters of its latency model; made once and kept with the scenario.

    Raises InputError for a latency model that makes nothing of the longest step, or too much, and for runs that could
    outlast the clock.
    """
    key = "engine/engines", compat
    if key not in scenario.cache:
        scenario.cache[key] = _encode_engines(scenario, compat)
    engines, parameters, different = scenario.cache[key]
    for instance, latency, values in different:
        step_us = LATENCY.check_longest(latency, values, _longest_step(instance, table))
        step_us += drafting(instance)["drafting_us"]
        check_duration(scenario, instance, table, step_us)
    return engines, parameters


def _encode_engines(
    scenario: Scenario, compat: Compat
) -> tuple[Array, Array, list[tuple[Instance, LatencyModel, list[float]]]]:
    """The same, and each instance with its latency model; equal replicas are one object, looked at once."""
    different = {id(replica): replica.instance for replica in scenario.replicas}
    roles = {id(replica): replica.role for replica in scenario.replicas}
    engines, latencies, models = {}, {}, {}
    for key, instance in different.items():
        models[key] = instance.latency_model.under(compat)
        latencies[key] = LATENCY.parameters(models[key], compat)
        leaps = LATENCY.constant_while_decoding(models[key].kind, latencies[key])
        engines[key] = _engine(instance, models[key], leaps, roles[key])
    order = [id(replica) for replica in scenario.replicas]
    parameters = np.zeros((len(order), max(map(len, latencies.values()))))
    for row, key in zip(parameters, order, strict=True):
        row[: len(latencies[key])] = latencies[key]
    checked = [(different[key], models[key], latencies[key]) for key in different]
    return listed(ENGINE, [engines[key] for key in order]), parameters, checked


def _longest_step(instance: Instance, table: RequestTable) -> Step:
    """A step with more work than any that can come: the largest batch, all of it prefilling and decoding."""
    longest = _longest(table)
    members = min(instance.batch.most_running, len(table))
    tokens = min(instance.batch.max_scheduled_tokens, members * longest)
    context = members * longest
    drafts = members * instance.batch.speculative_tokens
    return Step(members, tokens, tokens * longest, context, members, context, drafts)


def _longest(table: RequestTable) -> int:
    """The most tokens that a request comes to; found once and kept with the table."""
    if "engine/longest" not in table.cache:
        table.cache["engine/longest"] = int((table.input_tokens + table.output_tokens).max(initial=0))
    return table.cache["engine/longest"]  # type: ignore[return-value]


def _engine(instance: Instance, latency: LatencyModel, leaps: bool, role: str) -> tuple[float, ...]:
    batch, switches, lora = instance.batch, instance.engine, instance.lora
    values: dict[str, float] = {
        "blocks": instance.kv.blocks,
        "max_running": batch.most_running,
        "budget_tokens": batch.max_scheduled_tokens,
        "chunk_tokens": batch.long_prefill_threshold or batch.max_scheduled_tokens,
        "reserves_prompt": switches.reserve_full_prompt,
        "unkeyed_first": switches.unkeyed_first,
        "whole_lone_prefill": switches.whole_lone_prefill,
        "schedules_ahead": switches.async_scheduling,
        "queueing_us": latency.alpha[0],
        "queueing_us_token": latency.alpha[1],
        "overhead_us": int(latency.alpha[2]),
        "roles": ROLES[role],
        "max_loras": lora.max_loras,
        "most_adapters": lora.memory,
        "adapter_load_us": lora.load_us,
        "adapter_fetch_us": lora.fetch_us,
        "adapter_factor": lora.step_factor,
        "latency": LATENCY.code(latency.kind),
        "constant_while_decoding": leaps,
        **drafting(instance),
    }
    return tuple(values[name] for name in ENGINE.names or ())
