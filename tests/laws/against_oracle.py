"""Hold the fast engine against the oracle: after every step and at the end, everything must be equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from blis.engine.outcome import collect
from blis.engine.records import NONE, OWNED
from blis.engine.run import resume
from blis.engine.run import simulate as simulate_whole
from blis.engine.state import encode
from blis.engine.world import World
from blis.gaps import expand_gaps
from blis.results import ResultTable
from blis.schema import INSTANCE_COUNTERS, QUEUED
from tests.laws.random_cases import Case
from tests.oracle import Setup, expand, simulate
from tests.oracle.engine import Engine

COLUMNS = (
    "status", "instance", "queued_us", "scheduled_us", "first_token_us", "completed_us", "ttft_us", "e2e_us",
    "scheduling_delay_us", "cached_tokens", "generated_tokens", "preemptions", "first_step", "last_step",
)  # fmt: skip
Snapshot = dict[str, Any]


def compare(case: Case) -> None:
    """Assert that oracle and engine agree on a case to the microsecond and the block.

    The engine is paused after every step, so that it takes them one by one, and then runs the case again
    as a whole, where it leaps over equal steps.
    """
    labels = _BlockLabels(case)
    steps: dict[tuple[int, int], Snapshot] = {}

    def note(instance: int, engine: Engine) -> None:
        steps[instance, engine.counters["steps"]] = _oracle_snapshot(engine, labels)

    expected = simulate(Setup.from_scenario(case.scenario), expand(case.table), case.compat, note)
    state = encode(case.scenario, case.table, case.compat)
    done = [0] * len(state.arrays.instances)
    running = True
    while running:
        running = resume(state, steps=1)
        for i, instance in enumerate(state.arrays.instances):
            if instance.steps > done[i]:
                done[i] = int(instance.steps)
                _assert_equal_state(
                    _engine_snapshot(state.arrays, i, labels), steps[i, done[i]], f"instance {i} after step {done[i]}"
                )
    found = collect(state.arrays, case.scenario, case.compat)
    assert_same_results(simulate_whole(case.scenario, case.table, case.compat), found)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    for i, counters in enumerate(expected.instances):
        for name in INSTANCE_COUNTERS.names or ():
            assert found.instances[name][i] == counters[name], f"instance {i}: {name}"
    assert found.end_us == expected.end_us
    for row, gaps in enumerate(expected.itl_us):
        if expected.completed_us[row] >= 0:
            assert expand_gaps(found, row) == gaps, f"gaps of row {row}"


def assert_same_results(a: ResultTable, b: ResultTable) -> None:
    """Assert that two runs of the engine came to the same, bit by bit."""
    for name in (*COLUMNS, "steps", "gaps", "instances"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert a.end_us == b.end_us


def _assert_equal_state(found: Snapshot, expected: Snapshot, place: str) -> None:
    """All equal, but arrivals may have joined the queue between the step and the pause."""
    found["queue"] = found["queue"][: len(expected["queue"])]
    for name, value in expected.items():
        assert found[name] == value, f"{place}: {name}"


class _BlockLabels:
    """Names for blocks that both sides know: (shared node, block), or (row, block) for a request's own."""

    def __init__(self, case: Case) -> None:
        self.block_tokens = case.scenario.instance.kv.block_size_tokens
        self.table = case.table
        self.first_block = {}
        tree = case.table.tree
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
                    self._by_key[engine.block_key(row, block)] = self._label(row, block)
        if key is None:
            return None
        kind, owner, block = self._by_key[key]
        if kind == "own" and owner not in {job.row for job in engine.queue if job.status == QUEUED and job.preemptions}:
            return None
        return kind, owner, block

    def _label(self, row: int, block: int) -> tuple[str, int, int]:
        begin, end = self.table.path_offset[row], self.table.path_offset[row + 1]
        position = np.searchsorted(self.table.path_end_token[begin:end], (block + 1) * self.block_tokens, side="left")
        shared = int(self.table.tree.shared[self.table.path_node[begin + position]])
        return ("node", shared, block) if shared >= 0 else ("own", row, block)


def _oracle_snapshot(engine: Engine, labels: _BlockLabels) -> Snapshot:
    return {
        "used": engine.used_blocks,
        "batch": engine.batch_rows(),
        "queue": engine.queue_rows(),
        "free": [labels.of_key(key, engine) for key in engine.free_list()],
        "hits": engine.kv.hits,
        "misses": engine.kv.misses,
        "busy_us": engine.counters["busy_us"],
    }


def _engine_snapshot(arrays: World, i: int, labels: _BlockLabels) -> Snapshot:
    instance = arrays.instances[i]
    return {
        "used": int(instance.used_blocks),
        "batch": _links(arrays, int(instance.batch_head), "batch_next"),
        "queue": _links(arrays, int(instance.queue_head), "queue_next"),
        "free": _free_list(arrays, i, labels),
        "hits": int(instance.hit_blocks),
        "misses": int(instance.miss_blocks),
        "busy_us": int(instance.busy_us),
    }


def _links(arrays: World, row: int, link: str) -> list[int]:
    rows = []
    while row != NONE:
        rows.append(row)
        row = int(arrays.requests[row][link])
    return rows


def _free_list(arrays: World, i: int, labels: _BlockLabels) -> list[tuple[str, int, int] | None]:
    blocks: list[tuple[str, int, int] | None] = []
    position = int(arrays.instances[i].free_head)
    while position != NONE:
        run = arrays.runs[position]
        for block in range(int(run.hi) - 1, int(run.lo) - 1, -1):
            if run.owner >= 0:
                blocks.append(("node", int(run.owner), labels.first_block[int(run.owner)] + block))
            elif run.owner <= OWNED and arrays.requests[OWNED - run.owner].status == QUEUED:
                blocks.append(("own", OWNED - int(run.owner), block))
            else:
                blocks.append(None)
        position = int(run.next)
    return blocks
