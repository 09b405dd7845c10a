"""Hold the fast engine against the oracle: after every step and at the end, everything must be equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from blis.engine.build.lives import planned
from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.columns import QUEUED_US
from blis.engine.records import FCFS, LOCAL, NEVER_US, NONE, OWNED, REMOTE, SPENT
from blis.engine.run import resume
from blis.engine.run import simulate as simulate_whole
from blis.engine.world import World
from blis.evaluation.itl import expand_gaps
from blis.evaluation.laws import check_laws
from blis.tables.attempts import with_attempts
from blis.tables.limits import within_limits
from blis.tables.records import INSTANCE_COUNTERS, QUEUED, STATES
from blis.tables.results import ResultTable
from tests.laws.random_cases import Case
from tests.oracle import OracleResult, Setup, expand, simulate
from tests.oracle.engine import Engine
from tests.oracle.observe import InstanceView

COLUMNS = (
    "arrival_us", "status", "instance", "queued_us", "scheduled_us", "first_token_us", "completed_us", "ttft_us",
    "e2e_us", "scheduling_delay_us", "cached_tokens", "generated_tokens", "preemptions", "first_step", "last_step",
    "routed_us", "retry_after_us", "reason",
)  # fmt: skip
Snapshot = dict[str, Any]
Decision = tuple[int, int, list[InstanceView]]  # row, time, what routing saw of every instance


def compare(case: Case) -> None:
    """Assert that oracle and engine agree on a case to the microsecond and the block, and keep the laws.

    The engine is paused after every step, so that it takes them one by one, and then runs the case again
    as a whole, where it leaps over equal steps.
    """
    labels = BlockLabels(case)
    steps: dict[tuple[int, int], Snapshot] = {}

    def note(instance: int, engine: Engine) -> None:
        steps[instance, engine.counters["steps"]] = _oracle_snapshot(engine, labels)

    decisions: list[Decision] = []
    expected = simulate(
        _setup(case),
        expand(with_attempts(case.table, case.scenario.rows_a_request)),
        case.compat,
        note,
        lambda row, now, views: decisions.append((row, now, views)),
        case.observe.sample_us,
        {case.observe.forced_row: case.observe.forced_instance},
    )
    state = encode(case.scenario, case.table, case.compat, case.observe)
    done = [0] * len(state.arrays.instances)
    running = True
    while running:
        running = resume(state, steps=1)
        for i, instance in enumerate(state.arrays.instances):
            if instance.steps > done[i]:
                done[i] = int(instance.steps)
                expected_state = steps[i, done[i]]
                life = expected_state.pop("fails_us"), expected_state.pop("warm_us"), expected_state.pop("abandoned")
                if instance.down or (instance.fails_us, instance.warm_us, instance.abandoned) != life:
                    continue  # it has failed since, or goes, or clients have given up
                _assert_equal_state(
                    _engine_snapshot(state.arrays, i, labels), expected_state, f"instance {i} after step {done[i]}"
                )
    found = collect(*state.results(), case.scenario, case.table, case.compat)
    assert_same_results(simulate_whole(case.scenario, case.table, case.compat, case.observe), found)
    broken = check_laws(case.scenario, case.table, found, case.compat)
    forced = case.observe.forced_row != NONE  # who is forced somewhere is sent there, whoever is there
    anywhere = ("believed to be offline", "breaker was open", "only computes prompts")
    assert [law for law in broken if not (forced and any(words in law for words in anywhere))] == []
    if case.scenario.clients.any:
        assert_same_outcomes(found, expected)
        found = found.attempts or found
    if case.scenario.cluster.hedging.any:
        assert_same_hedges(found, expected)
        found = found.attempts or found
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    if found.gave_up_us is not None:
        assert found.gave_up_us.tolist() == expected.gave_up_us
    for i, counters in enumerate(expected.instances):
        for name in INSTANCE_COUNTERS.names or ():
            assert found.instances[name][i] == counters[name], f"instance {i}: {name}"
    if found.accepted is not None:
        assert found.accepted.tolist() == expected.accepted
    if found.retries is not None:
        assert found.retries.tolist() == expected.retries
    if found.adapter_us is not None:
        assert (found.attempts or found).adapter_us.tolist() == expected.adapter_us
    assert found.end_us == expected.end_us
    assert_same_fleet(found, expected)
    for name, column in expected.handovers.items() if found.handovers is not None else ():
        np.testing.assert_array_equal(getattr(found.handovers, name), column, err_msg=f"handovers: {name}")
    for row, gaps in enumerate(expected.itl_us):
        if expected.completed_us[row] >= 0:
            assert expand_gaps(found, row) == gaps, f"gaps of row {row}"
    assert_same_samples(found, expected)
    assert_same_decisions(found, decisions)


def _setup(case: Case) -> Setup:
    """What the oracle simulates, with the random failures as they are drawn."""
    setup = Setup.from_scenario(case.scenario)
    return replace(setup, failures=replace(setup.failures, scheduled=tuple(planned(case.scenario, case.table))))


def assert_same_fleet(found: ResultTable, expected: OracleResult) -> None:
    """Assert that the same instances came and went, for the same reasons, if any may."""
    if found.fleet is None or found.looks is None:
        return
    turns = [
        (time, j, STATES.index(state))
        for time, j, state in expected.fleet
        if time <= max(expected.end_us, found.start_us)
    ]
    assert found.fleet.tolist() == turns
    looks, seen = [look for look in expected.looks if look[0] <= max(expected.end_us, found.start_us)], len(found.looks)
    assert found.looks.tolist() == looks[:seen]
    assert all(look[3] == 0 for look in looks[seen:])  # where nothing can change any more, nobody looks


def assert_same_outcomes(found: ResultTable, expected: OracleResult) -> None:
    """Assert that both say the same of what clients got of their attempts."""
    assert found.attempts is not None
    for row, outcome in enumerate(expected.outcomes):
        latest = outcome.pop("row")
        for name, value in outcome.items():
            assert getattr(found, name)[row] == value, f"row {row}: {name}"
        for name in ("queued_us", "scheduled_us", "routed_us", "cached_tokens", "generated_tokens"):
            assert getattr(found, name)[row] == getattr(found.attempts, name)[latest], f"row {row}: {name}"


def assert_same_hedges(found: ResultTable, expected: OracleResult) -> None:
    """Assert that both say the same of who served each request, and of what it cost."""
    assert found.attempts is not None and found.hedged is not None
    assert found.hedged.tolist() == expected.hedged
    assert found.wasted_tokens == expected.wasted_tokens
    for name in (*COLUMNS, "generated_tokens"):
        if name != "arrival_us":
            expected_values = [getattr(found.attempts, name)[row] for row in expected.serving]
            assert getattr(found, name).tolist() == expected_values, name


def assert_same_samples(found: ResultTable, expected: OracleResult) -> None:
    """Assert that both saw the same at the same instants."""
    samples = [] if found.samples is None else found.samples
    assert [int(rows["time_us"][0]) for rows in samples] == [sample.time_us for sample in expected.samples]
    for rows, sample in zip(samples, expected.samples, strict=True):
        for name in ("queue_depth", "batch_size", "used_blocks", "pending"):
            assert rows[name].tolist() == getattr(sample, name), f"{name} at {sample.time_us}"
        assert set(rows["rejected"].tolist()) == {sample.rejected}, f"rejected at {sample.time_us}"
        assert set(rows["waiting"].tolist()) == {sample.at_gateway}, f"at the gateway at {sample.time_us}"


def assert_same_decisions(found: ResultTable, expected: list[Decision]) -> None:
    """Assert that routing saw the same and thought the same of it, if the engine kept that."""
    if found.decisions is None:
        return
    kept = found.decisions.dtype.names or ()
    assert int(np.sum(found.decisions["turn"][:, 0] >= 0)) == len({row for row, _, _ in expected})
    latest = {row: (turn, now, views) for turn, (row, now, views) in enumerate(expected)}  # of those sent again
    for row, (turn, now, views) in latest.items():
        for j, view in enumerate(views):
            seen, place = found.decisions[row, j], f"row {row} at {now}, instance {j}"
            assert seen["turn"] == turn, place
            assert bool(seen["eligible"]) == (view.score is not None), place
            for name in kept:
                if name in _VIEWED:
                    assert seen[name] == getattr(view, _VIEWED[name]), f"{place}: {name}"
            if view.score is not None:
                assert seen["score"] == view.score, f"{place}: score"


#: Fields of a kept decision, and what the oracle calls them.
_VIEWED = {
    "queue_depth": "queue_depth",
    "batch_size": "batch_size",
    "pending": "pending",
    "kv_utilization": "kv",
    "in_flight": "in_flight",
    "in_flight_tokens": "in_flight_tokens",
    "matched_blocks": "matched_blocks",
    "cached_blocks": "cache",
    "adapter_active": "adapter_active",
    "adapter_waits": "adapter_waits",
    "adapters": "adapters",
}


def assert_same_results(a: ResultTable, b: ResultTable) -> None:
    """Assert that two runs of the engine came to the same, bit by bit."""
    for name in (*COLUMNS, "steps", "gaps", "instances"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert a.end_us == b.end_us


def _assert_equal_state(found: Snapshot, expected: Snapshot, place: str) -> None:
    """All equal, but arrivals may have joined the queue between the step and the pause.

    Where the queue is ordered at every step its order between steps means nothing.
    """
    start_us, entered_us = expected.pop("start_us"), found.pop("entered_us")
    if entered_us:
        found["queue"] = sorted(row for row in found["queue"] if entered_us[row] <= start_us)
        expected["queue"].sort()
    else:
        found["queue"] = found["queue"][: len(expected["queue"])]
    for name, value in expected.items():
        assert found[name] == value, f"{place}: {name}"


class BlockLabels:
    """Names for blocks that both sides know: (shared node, block), or (row, block) for a request's own."""

    def __init__(self, case: Case) -> None:
        self.block_tokens = case.scenario.instance.kv.block_size_tokens
        table = within_limits(case.table, case.scenario.instance.engine.truncate_prompt_tokens, 0)
        self.table = with_attempts(table, case.scenario.rows_a_request)
        self.first_block = {}
        tree = self.table.tree
        for node, shared in enumerate(tree.shared):
            if shared >= 0:
                self.first_block[int(shared)] = int(tree.start_token[node]) // self.block_tokens
        self._by_key: dict[int, tuple[str, int, int]] = {}

    def of_key(self, key: int | None, engine: Engine) -> tuple[str, int, int] | None:
        """The label of an oracle block; None for content nobody can ask for any more."""
        if not self._by_key:
            for row in range(len(self.table)):
                tokens = int(self.table.input_tokens[row] + self.table.output_tokens[row])
                for block in range(tokens // self.block_tokens):
                    self._by_key[engine.block_key(row, block)] = self.of_row(row, block)
        if key is None:
            return None
        kind, owner, block = self._by_key[key]
        if kind == "own" and owner not in {job.row for job in engine.queue if job.status == QUEUED and job.preemptions}:
            return None
        return kind, owner, block

    def of_row(self, row: int, block: int) -> tuple[str, int, int]:
        """The label of a request's block."""
        begin, end = self.table.path_offset[row], self.table.path_offset[row + 1]
        position = np.searchsorted(self.table.path_end_token[begin:end], (block + 1) * self.block_tokens, side="left")
        shared = int(self.table.tree.shared[self.table.path_node[begin + position]])
        return ("node", shared, block) if shared >= 0 else ("own", row, block)


def _oracle_snapshot(engine: Engine, labels: BlockLabels) -> Snapshot:
    return {
        "fails_us": min(engine.fails_us, NEVER_US),
        "warm_us": engine.warm_us,
        "abandoned": engine.counters["abandoned"],
        "start_us": engine.counters["last_event_us"],
        "used": engine.used_blocks,
        "batch": engine.batch_rows(),
        "queue": engine.queue_rows(),
        "importing": [job.place for job in engine.importing],
        "exporting": [job.place for job in engine.exporting],
        "free": [labels.of_key(key, engine) for key in engine.free_list()],
        "cpu": [labels.of_key(key, engine) for key in engine.cpu_list()],
        "cpu_hits": engine.kv.cpu.hits,
        "offloaded": engine.kv.cpu.offloaded,
        "thrashed": engine.kv.cpu.thrashed,
        "hits": engine.kv.hits,
        "misses": engine.kv.misses,
        "busy_us": engine.counters["busy_us"],
    }


def _engine_snapshot(arrays: World, i: int, labels: BlockLabels) -> Snapshot:
    instance = arrays.instances[i]
    entered_us = _in_trees(arrays, i)
    return {
        "used": int(instance.used_blocks),
        "batch": _requests(arrays, int(instance.batch.head)),
        "queue": list(entered_us) or _requests(arrays, int(instance.queue.head)),
        "entered_us": entered_us,
        "importing": _requests(arrays, int(instance.importing.head)),
        "exporting": _requests(arrays, int(instance.exporting.head)),
        "free": free_list(arrays, i, labels),
        "cpu": _cpu_list(arrays, i, labels),
        "cpu_hits": int(instance.cpu_hit_blocks),
        "offloaded": int(instance.offloaded_blocks),
        "thrashed": int(instance.thrashed_blocks),
        "hits": int(instance.hit_blocks),
        "misses": int(instance.miss_blocks),
        "busy_us": int(instance.busy_us),
    }


def _in_trees(arrays: World, i: int) -> dict[int, int]:
    """Who waits in a queue that has an order, and since when."""
    if arrays.config.queue_order == FCFS:
        return {}
    waits = (arrays.requests.status == QUEUED) & ((arrays.requests.kv == LOCAL) | (arrays.requests.kv == REMOTE))
    rows = np.flatnonzero(waits & (arrays.requests.instance == i))
    return {int(row): int(arrays.times[QUEUED_US, row]) for row in rows}


def _requests(arrays: World, row: int) -> list[int]:
    rows = []
    while row != NONE:
        rows.append(row)
        row = int(arrays.requests[row].next)
    return rows


def free_list(arrays: World, i: int, labels: BlockLabels) -> list[tuple[str, int, int] | None]:
    """The contents of the free blocks of an instance, the next to be taken first; None where nobody can ask for it."""
    blocks: list[tuple[str, int, int] | None] = []
    position = int(arrays.instances[i].free.head)
    while position != NONE:
        run = arrays.runs[position]
        for block in range(int(run.hi) - 1, int(run.lo) - 1, -1):
            if run.owner >= 0:
                blocks.append(("node", int(run.owner), labels.first_block[int(run.owner)] + block))
            elif run.owner <= OWNED and arrays.requests[OWNED - run.owner].status == QUEUED:
                blocks.append(("own", (OWNED - int(run.owner)) % int(arrays.config.requests), block))
            else:
                blocks.append(None)
        position = int(run.next)
    return blocks


def _cpu_list(arrays: World, i: int, labels: BlockLabels) -> list[tuple[str, int, int] | None]:
    """The contents of the tier below the GPU, the oldest first; checks its own accounts on the way."""
    blocks: list[tuple[str, int, int] | None] = []
    tier = arrays.tiers[0, i]
    if tier.blocks == 0:
        return blocks
    shared = arrays.nodes.shape[1]
    position = int(tier.lru.head)
    while position != NONE:
        run = arrays.runs[position]
        owner = int(run.owner)
        for block in range(int(run.hi) - 1, int(run.lo) - 1, -1):
            if owner == SPENT:
                blocks.append(None)
            elif owner < arrays.nodes.size:
                assert owner // shared == i
                blocks.append(("node", owner % shared, labels.first_block[owner % shared] + block))
            else:
                row = owner - arrays.nodes.size
                blocks.append(("own", row, block) if arrays.requests[row].status == QUEUED else None)
        position = int(run.next)
    assert len(blocks) == tier.used_blocks <= tier.blocks
    return blocks
