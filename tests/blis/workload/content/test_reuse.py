import pytest

from blis.config import KV, Batch, Cluster, Instance, LatencyModel, Scenario
from blis.engine.run import simulate
from blis.errors import InputError
from blis.workload.assemble import table_from_tokens
from blis.workload.content.reuse import ideal_hit_rate, ideal_hits, seen_tokens
from blis.workload.read.mooncake import load_mooncake
from tests.blis.workload.trace_files import (
    MOONCAKE_CONVERSATION,
    MOONCAKE_SYNTHETIC,
    needs_samples,
    random_mooncake_rows,
    write_mooncake,
)

BLOCK_SIZES = (16, 48, 512, 1000)


def simulated_hits(table, block_tokens, chunk_tokens=0):
    """(found, looked up) on one instance that never has to evict."""
    latency = LatencyModel(alpha=(100, 0, 0), beta=(5000, 20, 30))
    kv = KV(blocks=2**31 - 1, block_size_tokens=block_tokens)
    instance = Instance(latency, kv, Batch(long_prefill_threshold=chunk_tokens))
    counters = simulate(Scenario(instance, Cluster(instances=1)), table).instances[0]
    return int(counters["lookup_hit_blocks"]), int(counters["lookup_blocks"])


def counted_hits(prompts, outputs, size):
    """The same by looking for every leading block among those of all earlier requests."""
    known, found = set(), 0
    for prompt, output in zip(prompts, outputs, strict=True):
        block = 1
        while block * size < len(prompt) and tuple(prompt[: block * size]) in known:
            block += 1
        found += block - 1
        stored = [*prompt, *output[:-1]]
        known.update(tuple(stored[: end * size]) for end in range(1, len(stored) // size + 1))
    return found, sum(len(prompt) // size for prompt in prompts)


def test_leading_blocks_that_were_there_before_are_hits():
    prompts = [[1, 2, 3, 4, 5], [1, 2, 3, 9], [9, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9]]
    outputs = [[6, 7, 8], [], [1], [5], [1]]
    table = table_from_tokens([0, 1, 2, 3, 4], prompts, outputs)
    # The last generated token of a request is not stored, so the last prompt finds 7 tokens, not 8.
    assert seen_tokens(table).tolist() == [0, 3, 0, 4, 7]
    for size in (1, 2, 3, 4):
        assert ideal_hits(table, size) == counted_hits(prompts, outputs, size)


def test_a_prompt_seen_whole_still_computes_one_token():
    table = table_from_tokens([0, 1], [[1, 2, 3, 4]] * 2, [[5], [5]])
    assert ideal_hits(table, 2) == (1, 4)
    assert ideal_hits(table, 4) == (0, 2)
    assert ideal_hit_rate(table, 3) == 0.5


def test_without_full_blocks_the_rate_is_zero():
    assert ideal_hit_rate(table_from_tokens([0, 1], [[1], [1]], [[], []]), 16) == 0


def test_a_block_has_a_token():
    with pytest.raises(InputError, match="block_tokens"):
        ideal_hits(table_from_tokens([0], [[1]], [[]]), 0)


@pytest.mark.parametrize("gap_ms", [3, 3000])  # requests that overlap in time, and that do not
@pytest.mark.parametrize("size", BLOCK_SIZES)
def test_one_instance_that_keeps_everything_finds_exactly_these(tmp_path, size, gap_ms):
    table = load_mooncake(write_mooncake(tmp_path / "t.jsonl", random_mooncake_rows(size, 200, gap_ms)), "ms")
    found, looked_up = ideal_hits(table, size)
    assert 0 < found < looked_up
    assert simulated_hits(table, size) == (found, looked_up)


def test_prompts_that_are_computed_side_by_side_find_less(tmp_path):
    table = load_mooncake(write_mooncake(tmp_path / "t.jsonl", [(0, 5000, 1, list(range(10)))] * 2))
    assert simulated_hits(table, 16, chunk_tokens=512)[0] < ideal_hits(table, 16)[0]


@needs_samples
@pytest.mark.parametrize("path", [MOONCAKE_CONVERSATION, MOONCAKE_SYNTHETIC])
def test_the_simulator_finds_what_the_samples_allow(path):
    table = load_mooncake(path)
    for size in BLOCK_SIZES:
        assert simulated_hits(table, size) == ideal_hits(table, size)
