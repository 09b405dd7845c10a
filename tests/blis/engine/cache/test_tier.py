"""The second KV tier: worked out by hand, and what holds of it in any run."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import KV, Cluster, Compat, Instance, LatencyModel, Pool, Routing, Scenario
from blis.engine.build.state import encode
from blis.engine.records import NONE
from blis.engine.run import resume, simulate
from blis.engine.world import World
from blis.errors import InputError
from blis.tables.results import ResultTable
from blis.workload.assemble import table_from_tokens
from tests.laws.against_oracle import COLUMNS
from tests.laws.random_cases import Case, random_case

MODEL = LatencyModel(alpha=(0, 0, 0), beta=(1000, 10, 5))
TIERED = KV(4, 4, cpu_blocks=8, transfer_bandwidth=0.5, transfer_base_latency_us=40)
A, B = list(range(12)), list(range(100, 116))


def run(kv: KV, arrivals_us: list[int], prompts: list[list[int]], outputs: list[int] | None = None) -> ResultTable:
    """Requests on one instance; their outputs are tokens of their own."""
    lengths = outputs or [1] * len(prompts)
    tokens = [[1_000_000 * (row + 1) + token for token in range(length)] for row, length in enumerate(lengths)]
    return simulate(Scenario(Instance(MODEL, kv)), table_from_tokens(arrivals_us, prompts, tokens))


def counters(result: ResultTable, *names: str) -> list[int]:
    return [int(result.instances[name][0]) for name in names]


def test_a_prompt_comes_back_in_one_transfer():
    result = run(TIERED, [0, 10_000, 20_000], [A, B, A])
    # two blocks are reloaded, the third is computed: 40 µs for the transfer and 2 / 0.5 for its blocks
    assert result.ttft_us.tolist() == [1120, 1160, 1000 + 40 + 40 + 4]
    assert result.cached_tokens.tolist() == [0, 0, 8]
    assert counters(result, "cpu_hit_blocks", "hit_blocks", "miss_blocks") == [2, 0, 3 + 4 + 1]
    assert counters(result, "offloaded_blocks", "thrashed_blocks", "prefill_tokens") == [6, 0, 32]


def test_what_is_on_the_gpu_is_not_transferred():
    # of four blocks two leave for 8 tokens of another prompt, and one of these comes back: the last one is computed
    result = run(TIERED, [0, 10_000, 20_000], [A + B[:4], B[8:], A + B[:4]])
    assert result.ttft_us[2] == 1000 + 40 + 40 + 2
    assert counters(result, "hit_blocks", "cpu_hit_blocks") == [2, 1]


def test_a_transfer_lasts_its_base_and_whole_microseconds():
    result = run(replace(TIERED, transfer_bandwidth=0.3), [0, 10_000, 20_000], [A, B, A])
    assert result.ttft_us[2] == 1000 + 40 + 40 + 7


def test_a_tier_that_is_too_small_keeps_the_beginning_of_the_latest():
    result = run(replace(TIERED, cpu_blocks=1), [0, 10_000, 20_000], [A, B, A])
    assert counters(result, "cpu_hit_blocks", "prefill_tokens") == [1, 12 + 16 + 8]


@pytest.mark.parametrize(("gap_us", "thrashed"), [(999, 2), (1000, 0)])
def test_a_reload_less_than_a_millisecond_after_the_offload_thrashes(gap_us: int, thrashed: int):
    quick = LatencyModel(alpha=(0, 0, 0), beta=(10, 0, 0))
    table = table_from_tokens([0, 10_000, 10_000 + gap_us], [A, B, A], [[1], [2], [3]])
    result = simulate(Scenario(Instance(quick, TIERED)), table)
    assert counters(result, "cpu_hit_blocks", "thrashed_blocks") == [2, thrashed]


def test_a_reload_leaves_what_comes_after_it():
    # The last block of A is computed again. It is no reload, although it lies in the part that the last request, which
    # knows the first block only, makes a node of its own.
    quick = LatencyModel(alpha=(0, 0, 0), beta=(10, 0, 0))
    table = table_from_tokens([0, 10_000, 10_500, 50_000], [A, B, A, [*A[:4], 77]], [[1], [2], [3], [4]])
    result = simulate(Scenario(Instance(quick, TIERED)), table)
    assert counters(result, "cpu_hit_blocks", "thrashed_blocks") == [2, 2]


def test_blocks_of_a_prompt_that_leave_one_after_the_other_are_as_old_as_they_are():
    # 8 tokens take an empty block and the last of A's three at 10 000, 8 more take the other two at 10 990: at 11 500
    # these two come back, too soon
    quick = LatencyModel(alpha=(0, 0, 0), beta=(10, 0, 0))
    table = table_from_tokens([0, 10_000, 10_990, 11_500], [A, B[:8], B[8:], A], [[1], [2], [3], [4]])
    result = simulate(Scenario(Instance(quick, TIERED)), table)
    assert counters(result, "cpu_hit_blocks", "thrashed_blocks") == [2, 2]


def test_blocks_that_leave_in_a_run_of_equal_steps_leave_each_at_its_time():
    quick = LatencyModel(alpha=(0, 0, 0), beta=(10, 0, 0))
    scenario = Scenario(Instance(quick, replace(TIERED, blocks=101)))
    growing = list(range(1000, 1400))  # its last three blocks push the first prompt out, 30 to 110 µs before it returns
    table = table_from_tokens([0, 100, 4095], [A, [999, 998, 997, 996], A], [[1], growing, [2]])
    result = simulate(scenario, table)
    assert result.completed_us.tolist() == [10, 4100, 4100 + 10 + 44]
    assert counters(result, "preemptions", "cpu_hit_blocks", "thrashed_blocks") == [0, 2, 2]


@pytest.mark.parametrize("change", [{"transfer_bandwidth": 1e-9}, {"transfer_base_latency_us": 10**13}])
def test_transfers_that_no_clock_can_count_are_refused(change: dict[str, float]):
    with pytest.raises(InputError, match=next(iter(change))):
        replace(TIERED, **change)


def test_an_evicted_request_finds_its_own_blocks_again():
    """Two grow beyond the cache; the second loses its blocks to the first and brings them back afterwards."""
    single = KV(12, 4)
    arrivals, prompts, outputs = [0, 1], [list(range(20)), list(range(100, 120))], [21, 17]
    alone = run(single, arrivals, prompts, outputs)
    tiered = run(replace(single, cpu_blocks=20), arrivals, prompts, outputs)
    assert alone.preemptions.tolist() == tiered.preemptions.tolist() == [0, 1]
    assert tiered.instances["cpu_hit_blocks"][0] > 0
    assert tiered.instances["prefill_tokens"][0] < alone.instances["prefill_tokens"][0]
    assert tiered.completed_us[1] < alone.completed_us[1]


def test_only_instances_that_have_a_tier_use_it():
    pools = (Pool(1, kv=TIERED), Pool(1, kv=replace(TIERED, cpu_blocks=0)))
    cluster = Cluster(2, routing=Routing(policy="round-robin"))
    scenario = Scenario(Instance(MODEL, KV(4, 4)), cluster, pools)
    table = table_from_tokens(
        [5_000 * row for row in range(6)], [A, A, B, B, A, A], [[9_000 + row] for row in range(6)]
    )
    result = simulate(scenario, table)
    assert result.instances["offloaded_blocks"].tolist() == [6, 0]
    assert result.cached_tokens.tolist() == [0, 0, 0, 0, 8, 0]


def without_tiers(scenario: Scenario) -> Scenario:
    """The same with GPUs alone."""
    pools = tuple(replace(pool, kv=pool.kv and replace(pool.kv, cpu_blocks=0)) for pool in scenario.pools)
    kv = replace(scenario.instance.kv, cpu_blocks=0)
    return replace(scenario, instance=replace(scenario.instance, kv=kv), pools=pools)


def test_a_tier_that_nobody_hits_changes_no_time():
    used = 0
    for seed in range(150):
        case = random_case(Random(seed), max_requests=30)
        tiered = simulate(case.scenario, case.table)
        if tiered.instances["cpu_hit_blocks"].any():
            continue
        used += bool(tiered.instances["offloaded_blocks"].any())
        alone = simulate(without_tiers(case.scenario), case.table)
        for name in (*COLUMNS, "steps", "gaps"):
            np.testing.assert_array_equal(getattr(tiered, name), getattr(alone, name), err_msg=f"{name}, seed {seed}")
        for name in set(tiered.instances.dtype.names) - {"offloaded_blocks"}:
            np.testing.assert_array_equal(tiered.instances[name], alone.instances[name], err_msg=name)
    assert used > 10


def test_a_content_is_in_one_tier_and_what_both_hold_of_a_sequence_is_its_beginning():
    stored = 0
    for seed in range(40):
        case = random_case(Random(seed), max_requests=20)
        state = encode(case.scenario, case.table, Compat())
        while resume(state, steps=1):
            stored += _check_tiers(state.arrays, case)
    assert stored > 100


def _check_tiers(arrays: World, case: Case) -> int:
    """Of each node the GPU has [0, resident) and the tier below [resident, reach); returns how much it has in all."""
    stored = 0
    shared = arrays.nodes.shape[1]
    reach = np.zeros(arrays.nodes.shape, np.int64)
    for i, tier in enumerate(arrays.tiers[0]):
        reach[i] = arrays.nodes.resident[i, :]
        for node in range(shared if tier.blocks else 0):
            reach[i, node] = _follow(arrays, i * shared + node, reach[i, node])
        stored += int((reach[i] - arrays.nodes.resident[i]).sum())
        assert stored <= arrays.tiers[0].used_blocks.sum()
    for row in arrays.rows if case.table.tree.n_shared else ():
        path = arrays.path[row.path_begin : row.path_end]
        whole = reach[:, path.node] >= path.end_block - path.first_block
        assert not (~whole[:, :-1] & (reach[:, path.node[1:]] > 0)).any()
    return stored


def _follow(arrays: World, owner: int, begin: int) -> int:
    """The end of an owner's blocks, which must follow one another from `begin`."""
    below = arrays.below[0, owner]
    position = int(below.shallow_run)
    while position != NONE:
        run = arrays.runs[position]
        assert run.owner == owner and run.lo == begin < run.hi
        begin, position = int(run.hi), int(run.down)
    assert below.reach in (0, begin)
    return begin
