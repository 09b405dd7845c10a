"""The oracle against the conformance vectors of engine.md 17 (one instance)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from blis.config import Compat
from tests.oracle import OracleRequest, OracleResult, Setup, simulate
from tests.oracle.engine import Engine
from tests.oracle.kv import KVCache
from tests.oracle.requests import BlockKeys

SETUP = Setup(alpha=(100, 1, 10), beta=(1000, 10, 5), kv_blocks=64, block_size_tokens=4)
KEPT = Compat(  # "STRICT" in V2 to V11
    last_gap_twice=True, decode_tokens_only=True, first_token_without_output=True, behind_horizon=True
)
DEFAULT = Compat()


def tokens(*ranges: tuple[int, int]) -> tuple[int, ...]:
    """Join half-open ranges of token numbers."""
    return tuple(token for start, end in ranges for token in range(start, end))


def request(
    arrival_us: int, input_tokens: int, output_tokens: int, name: int = 0, prompt: tuple[int, ...] = ()
) -> OracleRequest:
    """Make a request; without an explicit prompt its tokens belong to `name` alone."""
    start = 10_000 * (name + 1)
    output = tokens((start + 5000, start + 5000 + output_tokens))
    return OracleRequest(arrival_us, prompt or tokens((start, start + input_tokens)), output, request_id=f"r{name}")


class Watch:
    """Writes down every step."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []  # start, duration
        self.used_blocks: list[int] = []
        self._busy_us = 0

    def __call__(self, index: int, engine: Engine) -> None:
        self.steps.append((engine.counters["last_event_us"], engine.counters["busy_us"] - self._busy_us))
        self._busy_us = engine.counters["busy_us"]
        self.used_blocks.append(engine.used_blocks)


def delay_ttft_e2e(result: OracleResult) -> list[tuple[int, int, int]]:
    return list(zip(result.scheduling_delay_us, result.ttft_us, result.e2e_us, strict=True))


def ttft_e2e(result: OracleResult) -> list[tuple[int, int]]:
    return list(zip(result.ttft_us, result.e2e_us, strict=True))


V1 = [request(0, 10, 5)]


def test_v1_one_request() -> None:
    watch = Watch()
    result = simulate(SETUP, V1, KEPT, watch)
    assert watch.steps == [(110, 1100), (1210, 1005), (2215, 1005), (3220, 1005), (4225, 1005)]
    assert watch.used_blocks == [3, 3, 3, 4, 0]
    assert delay_ttft_e2e(result) == [(110, 1220, 6295)]
    assert result.itl_us == [[1015] * 5]
    assert (result.end_us, result.instances[0]["output_tokens"], result.instances[0]["miss_blocks"]) == (5230, 4, 4)


def test_v1_without_the_second_last_gap() -> None:
    result = simulate(SETUP, V1, DEFAULT)
    assert (result.itl_us, result.e2e_us) == ([[1015] * 4], [5280])
    assert result.instances[0]["output_tokens"] == 5


def test_v2_zero_one_and_two_outputs() -> None:
    result = simulate(SETUP, [request(10_000 * i, 10, i, i) for i in range(3)], KEPT)
    assert ttft_e2e(result) == [(1220, 2330), (1220, 2330), (1220, 3250)]
    assert [sum(gaps) for gaps in result.itl_us] == [1110, 1110, 2030]
    assert (result.end_us, result.instances[0]["output_tokens"]) == (22215, 1)


V3 = [request(0, 20, 3, 0), request(1, 6, 2, 1)]


def test_v3_a_small_budget_splits_a_prompt() -> None:
    watch = Watch()
    result = simulate(replace(SETUP, max_scheduled_tokens=8), V3, KEPT, watch)
    assert watch.steps == [(107, 1060), (1167, 1075), (2242, 1080), (3322, 1050), (4372, 1005), (5377, 1005)]
    assert delay_ttft_e2e(result) == [(1167, 4382, 7427), (106, 1176, 3346)]
    assert (result.itl_us[1], result.end_us) == ([1085, 1085], 6382)


def test_v3_a_prefill_threshold_splits_a_prompt() -> None:
    watch = Watch()
    setup = replace(SETUP, max_scheduled_tokens=12, long_prefill_threshold=8)
    result = simulate(setup, V3, KEPT, watch)
    assert watch.steps[1] == (1167, 1085)
    assert delay_ttft_e2e(result) == [(1167, 4382, 7427), (106, 1176, 3366)]


V4 = [request(0, 4, 1, 0), request(300, 4, 2, 1)]


def test_v4_a_request_that_arrives_during_the_last_step() -> None:
    strict = simulate(SETUP, V4, KEPT)
    assert (delay_ttft_e2e(strict), strict.end_us) == ([(104, 1154, 2204), (844, 1894, 3924)], 3189)
    original = simulate(SETUP, V4, replace(KEPT, idle_when_batch_empties=True))
    assert (delay_ttft_e2e(original), original.end_us) == ([(104, 1154, 2204), (104, 1154, 3184)], 2449)


V5 = [request(0, 4, 4, name) for name in range(3)]
V5B = [request(0, 4, 6, 0), request(0, 4, 6, 1), request(2500, 4, 4, 2)]


def test_v5_equal_arrivals_share_one_step() -> None:
    watch = Watch()
    result = simulate(SETUP, V5, KEPT, watch)
    assert (watch.steps[0], watch.steps[-1][0], result.end_us) == ((104, 1120), 3254, 4269)
    assert ttft_e2e(result) == [(1234, 5334)] * 3


def test_v5b_one_chain_of_steps() -> None:
    result = simulate(SETUP, V5B, KEPT)
    assert (ttft_e2e(result), result.end_us) == ([(1194, 7369), (1194, 7369), (1764, 5844)], 7289)
    assert result.scheduling_delay_us[2] == 704


V6 = [
    OracleRequest(0, tokens((0, 6)), tokens((900, 906))),
    OracleRequest(20_000, tokens((0, 6), (900, 906), (500, 503)), tokens((700, 702))),
    OracleRequest(40_000, tokens((0, 6), (900, 902)), tokens((800, 802))),
]


def test_v6_blocks_filled_by_decoding_are_cached() -> None:
    result = simulate(SETUP, V6, KEPT)
    assert ttft_e2e(result) == [(1176, 7266), (1155, 3185), (1158, 3188)]
    assert (result.scheduling_delay_us[1], result.cached_tokens) == (115, [0, 12, 4])
    counters = result.instances[0]
    assert (counters["hit_blocks"], counters["miss_blocks"], result.end_us) == (4, 7, 42153)
    assert (counters["lookup_blocks"], counters["lookup_hit_blocks"]) == (1 + 3 + 2, 0 + 3 + 1)


def test_v6_original_computes_nothing_for_a_fully_cached_prompt() -> None:
    result = simulate(SETUP, V6, replace(KEPT, free_full_hit=True))
    assert ttft_e2e(result)[2] == (1118, 3148)
    counters = result.instances[0]
    assert (counters["hit_blocks"], counters["miss_blocks"], result.end_us) == (3, 6, 42113)


V7 = [
    OracleRequest(0, tokens((0, 8)), tokens((100, 103))),
    OracleRequest(10_500, tokens((0, 8)), tokens((200, 206))),
]


def test_v7_identical_prompts() -> None:
    strict = simulate(SETUP, V7, KEPT)
    assert (ttft_e2e(strict), strict.instances[0]["hit_blocks"]) == ([(1198, 4243), (1158, 7248)], 1)
    watch = Watch()
    original = simulate(SETUP, V7, replace(KEPT, free_full_hit=True), watch)
    assert (ttft_e2e(original), original.instances[0]["hit_blocks"]) == ([(1198, 4243), (1118, 7208)], 0)
    assert watch.used_blocks[3:5] == [0, 1]


V8 = [request(0, 10, 5, 0), request(500, 10, 5, 1), request(3000, 10, 3, 2), request(3900, 10, 3, 3)]


def test_v8_a_horizon_cuts_the_run() -> None:
    setup = replace(SETUP, max_running=1, horizon_us=4000)
    watch = Watch()
    result = simulate(setup, V8, replace(KEPT, duration_last_event=True), watch)
    assert [start for start, _ in watch.steps] == [110, 1210, 2215, 3220]
    assert result.status_names() == ["running", "queued", "queued", "in_transit"]
    assert (result.ttft_us[0], result.end_us) == (1220, 3900)
    assert (result.instances[0]["output_tokens"], result.instances[0]["used_blocks"]) == (3, 4)
    assert simulate(setup, V8).end_us == 4000


def test_an_arrival_beyond_the_horizon_never_arrives() -> None:
    result = simulate(replace(SETUP, horizon_us=4000), [request(0, 4, 1, 0), request(4001, 4, 1, 1)])
    assert result.status_names() == ["completed", "not_arrived"]


V9 = [
    OracleRequest(0, tokens((0, 6)), tokens((100, 104))),
    OracleRequest(1, tokens((50, 56)), tokens((200, 204))),
]


def test_v9_preemption_by_recomputation() -> None:
    watch = Watch()
    result = simulate(replace(SETUP, kv_blocks=4), V9, KEPT, watch)
    assert (result.e2e_us[0], result.preemptions) == (5301, [0, 1])
    assert (4246, 1040) in watch.steps
    assert (result.ttft_us[1], result.itl_us[1]) == (2240, [1020, 2055, 1015, 1015])
    assert (result.completed_us[1], result.scheduling_delay_us[1]) == (6291, 1165)
    last_delay = simulate(replace(SETUP, kv_blocks=4), V9, replace(KEPT, last_scheduling_delay=True))
    assert last_delay.scheduling_delay_us == [106, 4246 - 1]
    assert (result.generated_tokens, result.instances[0]["used_blocks"]) == ([4, 4], 0)


def test_v10_a_prompt_that_can_never_fit_is_dropped() -> None:
    result = simulate(replace(SETUP, kv_blocks=4), [request(0, 17, 1, 0), request(1, 6, 4, 1)], KEPT)
    assert result.status_names() == ["dropped", "completed"]
    assert (result.queued_us[1], ttft_e2e(result)[1], result.end_us) == (107, (1176, 5236), 4182)
    assert (result.instances[0]["input_tokens"], result.instances[0]["dropped"]) == (6, 1)


V11 = [request(0, 8, 3, 0), request(100, 12, 2, 1), request(100, 4, 2, 2), request(200, 6, 2, 3)]


@pytest.mark.parametrize(
    ("scheduler", "priority", "expected"),
    [
        ("fcfs", "constant", {2: (3098, 4148, 6178), 1: (5143, 6273, 8303), 3: (7168, 8238, 10268)}),
        ("sjf", "constant", {2: (3098, 4148, 6178), 3: (5043, 6113, 8143), 1: (7208, 8338, 10368)}),
        ("priority-fcfs", "slo-based", {1: (3098, 4228, 6258), 2: (5223, 6273, 8303), 3: (7168, 8238, 10268)}),
        ("priority-fcfs", "inverted-slo", {3: (2998, 4068, 6098), 1: (5163, 6293, 8323), 2: (7288, 8338, 10368)}),
    ],
)
def test_v11_queue_order(scheduler: str, priority: str, expected: dict[int, tuple[int, int, int]]) -> None:
    setup = replace(SETUP, max_running=1, scheduler=scheduler, priority=priority)
    result = simulate(setup, V11, KEPT)
    assert ttft_e2e(result)[0] == (1198, 4243)
    assert {row: delay_ttft_e2e(result)[row] for row in expected} == expected


@pytest.mark.parametrize(
    ("requests", "kv_blocks", "expected_e2e_us"),
    [
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
) -> None:
    result = simulate(replace(SETUP, kv_blocks=kv_blocks), requests, DEFAULT)
    assert result.e2e_us == expected_e2e_us
    assert [ttft + sum(gaps) for ttft, gaps in zip(result.ttft_us, result.itl_us, strict=True)] == expected_e2e_us


def test_v6_default_mode_leaves_the_last_token_out_of_the_cache() -> None:
    result = simulate(SETUP, V6, DEFAULT)
    assert (result.cached_tokens[1], result.ttft_us[1]) == (8, 1195)


class TestV12:
    """V12: the KV cache alone, 6 blocks of 2 tokens."""

    def setup_method(self) -> None:
        """Run A = prompt 1 to 5, outputs 6 and 7, and release it."""
        sequences = [(1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 9), (7, 7, 8, 8), (1, 2, 3, 4, 5, 6, 7, 8, 9, 9)]
        sequences += [(1, 2, 3, 4, 5, 6, 8), (1, 2, 3, 4)]
        self.keys = BlockKeys([OracleRequest(0, sequence) for sequence in sequences], 2)
        self.lengths = [len(sequence) for sequence in sequences]
        self.kv = KVCache(6, 2)
        assert self.store(0, 0, 5)
        assert (self.kv.held[0], list(self.kv.free)) == ([0, 1, 2], [3, 4, 5])
        assert self.store(0, 5, 6)
        assert self.store(0, 6, 7)
        assert self.kv.held[0] == [0, 1, 2, 3]
        self.kv.release(0)

    def store(self, row: int, start: int, end: int, attach: Sequence[int] = ()) -> bool:
        return self.kv.allocate(row, start, end, lambda block: self.keys.key(row, block), attach)

    def lookup(self, row: int) -> list[int]:
        return self.kv.lookup(self.keys.keys(row, (self.lengths[row] - 1) // 2))

    def test_release_puts_the_last_block_first(self) -> None:
        assert list(self.kv.free) == [4, 5, 3, 2, 1, 0]
        assert self.kv.free_list() == [None, None, None] + [self.keys.key(0, block) for block in (2, 1, 0)]

    def test_lookups_find_leading_full_blocks(self) -> None:
        assert (self.lookup(1), self.lookup(4), self.lookup(5)) == ([0, 1], [0, 1, 2], [0])

    def test_allocations_take_from_the_head_and_a_failed_one_changes_nothing(self) -> None:
        assert self.store(1, 4, 5, self.lookup(1))
        assert (self.kv.held[1], list(self.kv.free)) == ([0, 1, 4], [5, 3, 2])
        assert (self.kv.hits, self.kv.misses) == (2, 5)
        assert self.store(2, 0, 4)
        assert (self.kv.held[2], list(self.kv.free)) == ([5, 3], [2])
        cached = self.lookup(3)
        assert cached == [0, 1, 2]
        assert not self.store(3, 6, 10, cached)
        assert (list(self.kv.free), self.kv.hits, self.kv.misses, 3 in self.kv.held) == ([2], 2, 7, False)
        self.kv.release(1)
        assert list(self.kv.free) == [2, 4, 1, 0]


def arith(n: int, gap: int, im: int, om: int, sh: int) -> list[OracleRequest]:
    """Build the arithmetic workload of 17.2."""
    requests = []
    for i in range(n):
        k = i % sh
        shared = tuple((1009 * k + 7 * j + 5) % 128000 for j in range(48)) if k < 2 else ()
        own = tuple((997 * i + 31 * j + 17) % 128000 for j in range(20 + 53 * i % im))
        output = tuple((613 * i + 11 * j + 3) % 128000 for j in range(1 + 29 * i % om))
        requests.append(OracleRequest(i * gap + 131 * i * i % 1777, shared + own, output, request_id=f"request_{i}"))
    return requests


C1 = Setup(
    alpha=(1601.350510688092, 3.512476196805965, 1805.5430360826988),
    beta=(6910.420479880494, 17.67057489844186, 2.8377471109943855),
    kv_blocks=132139,
)
G1 = (C1, arith(200, 21000, 400, 70, 5))
G2 = (replace(C1, max_running=8, scheduler="sjf"), arith(150, 17000, 400, 70, 5))
G3 = (
    replace(C1, kv_blocks=5000, max_scheduled_tokens=160, long_prefill_threshold=64, max_running=24),
    arith(150, 30000, 900, 60, 4),
)
G4 = (replace(C1, kv_blocks=240), arith(120, 12000, 500, 24, 4))


@pytest.mark.parametrize(
    ("workload", "sums", "end_us", "steps", "hits_misses_peak", "some"),
    [
        (
            G1,
            (3690276, 76159228, 1162451),
            4564116,
            543,
            (234, 3294, 284),
            {
                0: (1840, 11757, 21674),
                1: (2026, 12879, 319970),
                100: (5999, 16874, 343585),
                199: (7373, 19079, 298785),
            },
        ),
        (
            G2,
            (173644782, 223922988, 171643187),
            5410880,
            695,
            (174, 2471, 222),
            {75: (3641879, 3657594, 3724152), 149: (890377, 904713, 1419523)},
        ),
        (
            G3,
            (15590106, 66124638, 3300194),
            4792075,
            520,
            (222, 4494, 469),
            {1: (2026, 19789, 314725), 75: (8725, 72159, 250911), 149: (10749, 135939, 153415)},
        ),
        (
            G4,
            (3995973, 22907823, 1953344),
            1584485,
            146,
            (168, 2153, 240),
            {60: (15414, 31947, 193090), 119: (3544, 18074, 192713)},
        ),
    ],
    ids=["G1", "G2", "G3", "G4"],
)
def test_arithmetic_workloads(
    workload: tuple[Setup, list[OracleRequest]],
    sums: tuple[int, int, int],
    end_us: int,
    steps: int,
    hits_misses_peak: tuple[int, int, int],
    some: dict[int, tuple[int, int, int]],
) -> None:
    setup, requests = workload
    result = simulate(setup, requests, KEPT)
    counters = result.instances[0]
    assert (sum(result.ttft_us), sum(result.e2e_us), sum(result.scheduling_delay_us)) == sums
    assert (result.end_us, counters["steps"]) == (end_us, steps)
    assert (counters["hit_blocks"], counters["miss_blocks"], counters["peak_blocks"]) == hits_misses_peak
    assert {row: delay_ttft_e2e(result)[row] for row in some} == some


def test_g1_totals() -> None:
    counters = simulate(*G1, KEPT).instances[0]
    assert (counters["input_tokens"], counters["output_tokens"]) == (47740, 6880)
