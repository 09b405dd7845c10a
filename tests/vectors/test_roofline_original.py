"""The oracle's roofline against the vectors of engine.md 17 (V13, G5, G6), and by hand where it goes beyond them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import Compat, Hardware, ModelShape, Roofline
from tests.oracle import OracleRequest, Setup, simulate
from tests.oracle.roofline_original import Entry, StepTime
from tests.vectors.test_step_by_step import KEPT, arith, delay_ttft_e2e

H100 = Hardware(989.5, 3.35, 0.72, 500.0, 20.0, 0.65, 0.12, 20.0)
A100 = replace(H100, tflops_peak=312.0, bw_peak_tbs=2.039)
LLAMA_8B = ModelShape(32, 4096, 32, 8, 14336)
QWEN_7B = ModelShape(28, 3584, 28, 4, 18944)
CODELLAMA_34B = ModelShape(48, 8192, 64, 8, 22016)
ORIGINAL = Compat(free_context=True, weights_twice=True)
DEFAULT = Compat()

#: Prefill entries and decode entries of the columns of V13.
BATCHES: list[tuple[list[Entry], list[Entry]]] = [
    ([], []),
    ([Entry(0, 512)], []),
    ([Entry(0, 2048)], []),
    ([Entry(2048, 2048)], []),
    ([], [Entry(512, 1)]),
    ([], [Entry(1000, 1)] * 32),
    ([], [Entry(2000, 1)] * 256),
    ([Entry(0, 512)], [Entry(1000, 1)] * 31),
]


@pytest.mark.parametrize(
    ("model", "hardware", "tp", "expected"),
    [
        (LLAMA_8B, H100, 1, [1140, 12367, 47410, 51046, 6955, 8671, 34792, 19843]),
        (LLAMA_8B, H100, 2, [2420, 8033, 25555, 27373, 5328, 6186, 19246, 11772]),
        (LLAMA_8B, A100, 1, [1140, 36745, 147883, 159415, 10694, 13524, 103840, 49029]),
        (QWEN_7B, H100, 1, [1060, 11537, 44011, 46795, 6483, 7235, 30948, 17688]),
        (CODELLAMA_34B, H100, 4, [3380, 16688, 57635, 60362, 10277, 10922, 40905, 24209]),
    ],
)
def test_v13_single_steps(model: ModelShape, hardware: Hardware, tp: int, expected: list[int]) -> None:
    times = [StepTime(Roofline(model, hardware), tp, ORIGINAL)(*batch) for batch in BATCHES]
    assert times == expected
    one_pass = StepTime(Roofline(model, hardware), tp, DEFAULT)
    assert [one_pass(*batch) for batch in BATCHES[:-1]] == expected[:-1]  # only the last one mixes the phases
    assert one_pass(*BATCHES[-1]) < expected[-1]


def test_v13_flops_and_bytes() -> None:
    step = StepTime(Roofline(LLAMA_8B, H100), 1, DEFAULT)
    prefill, decode = Entry(0, 512), Entry(1000, 1)
    assert (step.gemm_flops_twice(prefill), step.vector_flops_twice(prefill)) == (2 * 7215410839552, 2 * 803995648)
    assert (step.gemm_flops_twice(decode), step.vector_flops_twice(decode)) == (2 * 14482931712, 2 * 5382144)
    assert (2 * step.weights(1), 2 * (step.weights(1) + step.moved(decode))) == (13958643712, 14090108928)


def test_sizes_that_are_left_out() -> None:
    short, full = ModelShape(4, 512, 8), ModelShape(4, 512, 8, 8, 2048, head_dim=64)
    for batch in BATCHES:
        assert StepTime(Roofline(short, H100), 1, DEFAULT)(*batch) == StepTime(Roofline(full, H100), 1, DEFAULT)(*batch)


def test_heads_that_are_wider_than_the_hidden_size() -> None:
    step = StepTime(Roofline(ModelShape(1, 10, 4, 2, 30, head_dim=5), H100), 1, DEFAULT)
    d, q, k, f = 10, 20, 10, 30
    assert step.weights(9) == d * (q + 2 * k) + q * d + 3 * d * f
    assert step.gemm_flops_twice(Entry(7, 1)) == 2 * (2 * (d * q + 2 * d * k) + 2 * q * d + 4 * q * 7 + 2 * 3 * d * f)


def test_a_mixture_of_experts_computes_with_few_and_reads_as_many_as_the_tokens_ask_for() -> None:
    experts = ModelShape(1, 10, 2, 2, 99, experts=8, experts_per_token=2, expert_intermediate_size=30)
    step = StepTime(Roofline(experts, H100), 1, DEFAULT)
    dense = StepTime(Roofline(ModelShape(1, 10, 2, 2, 60), H100), 1, DEFAULT)
    assert step.gemm_flops_twice(Entry(3, 5)) == dense.gemm_flops_twice(Entry(3, 5))
    attention = 10 * (10 + 20) + 10 * 10
    assert [step.weights(t) - attention for t in (1, 3, 4, 100)] == [30 * f for f in (60, 180, 240, 240)]


@pytest.mark.parametrize(
    ("model", "hardware", "tp", "requests", "sums", "end_us", "steps", "hits_misses_peak"),
    [
        (
            LLAMA_8B,
            H100,
            1,
            arith(150, 21000, 400, 70, 5),
            (2527266, 55838131, 498865),
            3559231,
            363,
            (174, 2471, 331),
        ),
        (
            QWEN_7B,
            A100,
            2,
            arith(150, 26000, 400, 70, 5),
            (2619731, 51707436, 478419),
            4278731,
            467,
            (174, 2471, 254),
        ),
    ],
    ids=["G5", "G6"],
)
def test_arithmetic_workloads(
    model: ModelShape,
    hardware: Hardware,
    tp: int,
    requests: list[OracleRequest],
    sums: tuple[int, int, int],
    end_us: int,
    steps: int,
    hits_misses_peak: tuple[int, int, int],
) -> None:
    setup = Setup(alpha=(0, 0, 0), roofline=Roofline(model, hardware), tp=tp, kv_blocks=50_000)
    result = simulate(setup, requests, replace(KEPT, free_context=True, weights_twice=True))
    counters = result.instances[0]
    assert (sum(result.ttft_us), sum(result.e2e_us), sum(result.scheduling_delay_us)) == sums
    assert (result.end_us, counters["steps"], counters["output_tokens"]) == (end_us, steps, 5155)
    assert (counters["hit_blocks"], counters["miss_blocks"], counters["peak_blocks"]) == hits_misses_peak


def test_attention_over_a_cached_prefix_costs_unless_original() -> None:
    prompt = tuple(range(8000))
    requests = [OracleRequest(0, prompt, (1,)), OracleRequest(10**6, prompt, (2,))]
    setup = Setup(alpha=(0, 0, 0), roofline=Roofline(LLAMA_8B, H100), max_scheduled_tokens=10_000)
    default, original = (delay_ttft_e2e(simulate(setup, requests, compat)) for compat in (DEFAULT, ORIGINAL))
    assert default[0] == original[0]
    step = StepTime(Roofline(LLAMA_8B, H100), 1, DEFAULT)
    assert default[1] == (0, *[step([Entry(7984, 16)], [])] * 2)
    assert original[1] == (0, *[step([Entry(0, 16)], [])] * 2)
    assert default[1] > original[1]


@pytest.mark.parametrize("compat", [DEFAULT, ORIGINAL], ids=["default", "original"])
def test_more_tokens_more_context_or_more_members_never_take_less_time(compat: Compat) -> None:
    step = StepTime(Roofline(LLAMA_8B, H100), 1, compat)
    for prefill, decode in BATCHES:
        time = step(prefill, decode)
        assert step([], []) <= time
        assert time <= step([*prefill, Entry(100, 50)], decode)
        assert time <= step(prefill, [*decode, Entry(100, 1)])
        assert time <= step([replace(each, new=each.new + 99) for each in prefill], decode)
        assert time <= step(prefill, [replace(each, context=each.context + 99) for each in decode])
