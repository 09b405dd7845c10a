"""The oracle's second KV tier, worked out by hand (docs/policies.md section 6)."""

from __future__ import annotations

from blis.config import Compat
from tests.oracle import OracleRequest, OracleResult, Setup, simulate
from tests.oracle.engine import Engine
from tests.oracle.kv import KVCache


def fill(kv: KVCache, row: int, blocks: int, name: int) -> None:
    """Store full blocks with the keys from name on."""
    assert kv.allocate(row, 0, blocks * kv.block_size_tokens, lambda block: name + block)


def state(kv: KVCache) -> tuple[object, ...]:
    counters = (kv.hits, kv.misses, kv.cpu.hits, kv.cpu.offloaded, kv.cpu.thrashed)
    return kv.free_list(), kv.cpu_list(), dict(kv.held), counters


class TestTier:
    """Four blocks of two tokens above a tier of two."""

    def setup_method(self) -> None:
        """Row 0 leaves three blocks, which two others push out."""
        self.kv = KVCache(4, 2, cpu_blocks=2)
        fill(self.kv, 0, 3, 10)
        self.kv.release(0)
        assert self.kv.free_list() == [None, 12, 11, 10]
        self.kv.now = 100
        fill(self.kv, 1, 2, 20)
        assert self.kv.cpu_list() == [12]
        self.kv.now = 2000
        fill(self.kv, 2, 2, 30)

    def test_evicted_blocks_enter_deepest_first_and_the_oldest_leave(self) -> None:
        assert self.kv.cpu_list() == [11, 10]
        assert self.kv.cpu.offloaded == 3

    def test_blocks_without_a_key_are_not_written_back(self) -> None:
        self.kv.release(2)
        assert self.kv.allocate(3, 0, 1, lambda block: 40 + block)  # took 31's block
        assert self.kv.cpu_list() == [10, 31]
        self.kv.release(3)
        self.kv.release(1)
        assert self.kv.free_list() == [30, None, 21, 20]
        fill(self.kv, 4, 2, 50)
        assert self.kv.cpu_list() == [31, 30]

    def test_a_match_goes_on_behind_the_gpu_and_changes_nothing(self) -> None:
        before = state(self.kv)
        assert (self.kv.cpu.match([10, 11, 12]), self.kv.cpu.match([99, 10])) == (2, 0)
        assert state(self.kv) == before

    def test_reloaded_blocks_leave_before_others_come(self) -> None:
        self.kv.release(2)
        self.kv.release(1)
        assert self.kv.free_list() == [31, 30, 21, 20]
        assert self.kv.allocate(3, 4, 5, lambda block: 10 + block, (), [10, 11])
        assert self.kv.cpu_list() == [30, 21]  # 31 came first and left again
        assert self.kv.held[3] == [self.kv.cached[10], self.kv.cached[11], self.kv.held[3][2]]
        assert (self.kv.hits, self.kv.misses, self.kv.cpu.hits) == (0, 3 + 2 + 2 + 1, 2)
        assert self.kv.used == 3

    def test_reloads_need_blocks_and_a_refused_one_changes_nothing(self) -> None:
        self.kv.release(2)
        before = state(self.kv)
        assert not self.kv.allocate(3, 4, 5, lambda block: 10 + block, (), [10, 11])
        assert state(self.kv) == before

    def test_a_content_that_is_computed_again_leaves_the_lower_tier(self) -> None:
        self.kv.release(2)
        self.kv.release(1)
        fill(self.kv, 3, 1, 10)
        assert self.kv.cpu_list() == [31]  # 11 made room for it, 10 is on the GPU
        assert 10 in self.kv.cached

    def test_a_reload_within_a_millisecond_is_a_thrash(self) -> None:
        for later, thrashed in ((999, 2), (1000, 0)):
            self.setup_method()
            self.kv.release(2)
            self.kv.release(1)
            self.kv.now = 2000 + later
            assert self.kv.allocate(3, 4, 5, lambda block: 10 + block, (), [10, 11])
            assert self.kv.cpu.thrashed == thrashed


PROMPT, OTHER = tuple(range(12)), tuple(range(100, 116))
REQUESTS = [OracleRequest(0, PROMPT, (900,)), OracleRequest(10_000, OTHER, (901,)), OracleRequest(20_000, PROMPT, ())]
SETUP = Setup(
    alpha=(0, 0, 0),
    beta=(1000, 10, 5),
    kv_blocks=4,
    block_size_tokens=4,
    cpu_blocks=8,
    transfer_bandwidth=0.5,
    transfer_base_latency_us=40,
)


def run(compat: Compat) -> tuple[OracleResult, list[int], list[int]]:
    """Return the result, what the second tier holds at the end, and the keys in question."""
    engines: list[Engine] = []
    result = simulate(SETUP, REQUESTS, compat, lambda _, engine: engines.append(engine))
    return result, engines[-1].cpu_list(), [engines[-1].block_key(1, block) for block in range(4)]


def test_a_prompt_comes_back_from_the_cpu_in_one_transfer() -> None:
    result, cpu, others = run(Compat())
    # two blocks reloaded, the third computed: 40 for the transfer, 2 / 0.5 for its blocks
    assert (result.ttft_us, result.e2e_us[2]) == ([1120, 1160, -1], 1000 + 40 + 40 + 4)
    assert result.cached_tokens == [0, 0, 8]
    counters = result.instances[0]
    assert (counters["cpu_hit_blocks"], counters["hit_blocks"], counters["miss_blocks"]) == (2, 0, 3 + 4 + 1)
    assert (counters["offloaded_blocks"], counters["thrashed_blocks"], counters["prefill_tokens"]) == (6, 0, 32)
    assert [counters[f"lookup_{name}blocks"] for name in ("", "hit_", "cpu_hit_")] == [10, 2, 2]
    assert cpu == [others[3], others[2], others[1]]  # the prompt's third block was computed again


def test_a_fully_cached_prompt_reloads_nothing_in_the_original() -> None:
    result, cpu, _ = run(Compat(free_full_hit=True))
    assert (result.e2e_us[2], result.cached_tokens[2]) == (1000, 12)
    assert (result.instances[0]["cpu_hit_blocks"], len(cpu)) == (0, 3)
