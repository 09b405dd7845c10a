"""The engine against the conformance vectors of engine.md 17 and the arithmetic workloads, as the oracle takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from blis.config import KV, Batch, Compat, Instance, LatencyModel, Scenario
from blis.engine.run import simulate
from blis.tables.results import ResultTable
from blis.workload.assemble import table_from_tokens
from tests.oracle import OracleRequest, Setup
from tests.oracle import simulate as simulate_plainly
from tests.vectors.test_step_by_step import DEFAULT, G1, G2, G3, G4, KEPT, SETUP, V1, V4, V5, V5B, V6, V7, V9, V11

NAMED = replace(KEPT, ids_as_text=True)


def run(setup: Setup, requests: Sequence[OracleRequest], compat: Compat) -> ResultTable:
    """The engine on what the oracle was given."""
    table = table_from_tokens(
        [request.arrival_us for request in requests],
        [request.prompt for request in requests],
        [request.output for request in requests],
    )
    instance = Instance(
        LatencyModel(alpha=setup.alpha, beta=setup.beta),
        KV(setup.kv_blocks, setup.block_size_tokens),
        Batch(setup.max_running, setup.max_scheduled_tokens, setup.long_prefill_threshold),
        scheduler=setup.scheduler,
        priority=setup.priority,
    )
    named = replace(table, request_ids=tuple(request.request_id for request in requests), cache={})
    return simulate(Scenario(instance), named, compat)


@pytest.mark.parametrize(
    ("scheduler", "priority", "expected"),
    [
        ("fcfs", "constant", {2: (3098, 4148, 6178), 1: (5143, 6273, 8303), 3: (7168, 8238, 10268)}),
        ("sjf", "constant", {2: (3098, 4148, 6178), 3: (5043, 6113, 8143), 1: (7208, 8338, 10368)}),
        ("priority-fcfs", "slo-based", {1: (3098, 4228, 6258), 2: (5223, 6273, 8303), 3: (7168, 8238, 10268)}),
        ("priority-fcfs", "inverted-slo", {3: (2998, 4068, 6098), 1: (5163, 6293, 8323), 2: (7288, 8338, 10368)}),
    ],
)
def test_v11_queue_order(scheduler: str, priority: str, expected: dict[int, tuple[int, int, int]]):
    result = run(replace(SETUP, max_running=1, scheduler=scheduler, priority=priority), V11, KEPT)
    for row, (delay_us, ttft_us, e2e_us) in (expected | {0: (108, 1198, 4243)}).items():
        assert result.scheduling_delay_us[row] == delay_us
        assert (result.ttft_us[row], result.e2e_us[row]) == (ttft_us, e2e_us)


@pytest.mark.parametrize(
    ("requests", "kv_blocks", "expected_e2e_us"),
    [
        (V1, 64, [5280]),
        (V4, 64, [1154, 2909]),
        (V5, 64, [4309] * 3),
        (V5B, 64, [6344, 6344, 4829]),
        (V6, 64, [6251, 2210, 2173]),
        (V7, 64, [3228, 6233]),
        (V9, 4, [4286, 6330]),
    ],
)
def test_default_mode_ends_with_the_last_token(
    requests: Sequence[OracleRequest], kv_blocks: int, expected_e2e_us: list[int]
):
    assert run(replace(SETUP, kv_blocks=kv_blocks), requests, DEFAULT).e2e_us.tolist() == expected_e2e_us


@pytest.mark.parametrize(
    ("workload", "sums", "end_us", "steps", "hits_misses_peak"),
    [
        (G1, (3690276, 76159228, 1162451), 4564116, 543, (234, 3294, 284)),
        (G2, (173644782, 223922988, 171643187), 5410880, 695, (174, 2471, 222)),
        (G3, (15590106, 66124638, 3300194), 4792075, 520, (222, 4494, 469)),
        (G4, (3995973, 22907823, 1953344), 1584485, 146, (168, 2153, 240)),
    ],
    ids=["G1", "G2", "G3", "G4"],
)
@pytest.mark.parametrize("compat", [KEPT, NAMED], ids=["by row", "by name"])
def test_arithmetic_workloads(
    workload: tuple[Setup, list[OracleRequest]],
    sums: tuple[int, int, int],
    end_us: int,
    steps: int,
    hits_misses_peak: tuple[int, int, int],
    compat: Compat,
):
    result, counters = run(*workload, compat), run(*workload, compat).instances[0]
    assert (result.ttft_us.sum(), result.e2e_us.sum(), result.scheduling_delay_us.sum()) == sums
    assert (result.end_us, counters["steps"]) == (end_us, steps)
    assert tuple(counters[name] for name in ("hit_blocks", "miss_blocks", "peak_blocks")) == hits_misses_peak
    plain = simulate_plainly(*workload, compat)
    for name in ("ttft_us", "e2e_us", "scheduling_delay_us", "cached_tokens", "first_step", "last_step"):
        np.testing.assert_array_equal(getattr(result, name), getattr(plain, name), err_msg=name)
