"""Step times of rooflines against the vectors of engine.md 17 and a plain float version of 10.3 and 10.4."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from blis.config import KV, Compat, Hardware, Instance, LatencyModel, ModelShape, Roofline, Scenario
from blis.engine.build.state import encode
from blis.engine.instance.latency import step_us
from blis.engine.run import simulate
from blis.errors import InputError
from blis.evaluation.laws import check_laws
from blis.latency import LATENCY
from blis.latency.catalog import find_model, gpu_catalog
from blis.latency.roofline_original import weight_bytes
from blis.workload.assemble import table_from_tokens
from tests.kernels import callable_kernel
from tests.vectors.test_step_by_step import arith

Entry = tuple[int, int]  # context, new tokens
Batch = tuple[Sequence[Entry], Sequence[int]]  # prefills, contexts of decodes

STEP = 77  # the number of the step at hand: of no consequence
TABLE = table_from_tokens([0], [[1]], [[1]])


def roofline(name: str, gpu: str, tp: int) -> LatencyModel:
    return LatencyModel(
        "roofline-original", beta=(), tp=tp, roofline=Roofline(find_model(name), gpu_catalog().find(gpu).hardware)
    )


def duration_us(latency: LatencyModel, batch: Batch, *, weights_twice: bool = False) -> int:
    """What the engine says of a batch."""
    prefills, decodes = batch
    w = encode(Scenario(Instance(latency)), TABLE, Compat(weights_twice=weights_twice)).arrays
    instance = w.instances[0]
    instance.steps = STEP - 1
    instance.step.prefills = len(prefills)
    instance.step.prefill_tokens = sum(t for _, t in prefills)
    instance.step.prefill_pairs = sum(t * c + t * (t - 1) // 2 for c, t in prefills)
    instance.step.prefill_context = sum(c for c, _ in prefills)
    instance.step.decodes = len(decodes)
    instance.decode_base = sum(decodes) - len(decodes) * STEP
    return int(callable_kernel(step_us)(w, 0))


def numbers_of(latency: LatencyModel) -> dict[str, float]:
    """The parameters of the kernel by name."""
    values = LATENCY.parameters(latency, Compat())
    return dict(zip(LATENCY[latency.kind].bounds, values, strict=True))


def plain_us(latency: LatencyModel, batch: Batch, *, weights_twice: bool = False) -> int:
    """10.3 and 10.4 as they are written: floats, entry by entry; dense models with heads of the usual size."""
    assert latency.roofline is not None
    model, hardware, tp = latency.roofline.model, latency.roofline.hardware, latency.tp
    layers, d, h, w = model.num_layers, model.hidden_size, model.num_heads, model.bytes_per_param
    head = d / h
    wide = model.num_kv_heads * head
    flops_s, bytes_s = hardware.tflops_peak * 1e12, hardware.bw_peak_tbs * 1e12 * hardware.bw_efficiency
    weights = layers * w * (d * (d + 2 * wide) + d**2 + 3 * d * model.intermediate_size)
    compute, moved = [0.0, 0.0], [0.0, 0.0]
    phases = (batch[0], [(c, 1) for c in batch[1]])
    for phase, (entries, mfu) in enumerate(zip(phases, (hardware.mfu_prefill, hardware.mfu_decode), strict=True)):
        matrix = vector = 0.0
        for c, t in entries:
            e = c if t <= 1 else c + (t - 1) / 2
            gemm = layers * (2 * t * (d**2 + 2 * d * wide) + 2 * t * d**2)
            gemm += layers * (4 * h * t * e * head) + layers * (2 * t * (3 * d * model.intermediate_size))
            matrix += gemm / tp
            vector += layers * (5 * h * t * e + 2 * t * d) / tp
            activations, read, written = layers * d * w * t, 2 * layers * wide * w * c, 2 * layers * wide * w * t
            moved[phase] += (((activations + read) + written + weights) - weights) / tp
        compute[phase] = matrix / (flops_s * mfu) + vector / (0.10 * flops_s)
    if weights_twice:
        busy_s = sum(
            max(compute[phase], (weights / tp + moved[phase]) / bytes_s) for phase in (0, 1) if len(phases[phase])
        )
    else:
        busy_s = max(sum(compute), (weights / tp + sum(moved)) / bytes_s) if any(map(len, phases)) else 0.0
    layer_s = layers * hardware.per_layer_overhead_us / 1e6
    comm_s = layers * 2 * hardware.all_reduce_latency_us / 1e6 if tp > 1 else 0.0
    return math.floor(busy_s * 1e6 + layer_s * 1e6 + comm_s * 1e6 + hardware.step_overhead_us + 0.5)


#: The columns of V13.
BATCHES: list[Batch] = [
    ([], []),
    ([(0, 512)], []),
    ([(0, 2048)], []),
    ([(2048, 2048)], []),
    ([], [512]),
    ([], [1000] * 32),
    ([], [2000] * 256),
    ([(0, 512)], [1000] * 31),
]

V13 = [
    (("llama-3.1-8b-instruct", "H100", 1), [1140, 12367, 47410, 51046, 6955, 8671, 34792, 19843]),
    (("llama-3.1-8b-instruct", "H100", 2), [2420, 8033, 25555, 27373, 5328, 6186, 19246, 11772]),
    (("llama-3.1-8b-instruct", "A100-SXM", 1), [1140, 36745, 147883, 159415, 10694, 13524, 103840, 49029]),
    (("qwen2.5-7b-instruct", "H100", 1), [1060, 11537, 44011, 46795, 6483, 7235, 30948, 17688]),
    (("codellama-34b-instruct-hf", "H100", 4), [3380, 16688, 57635, 60362, 10277, 10922, 40905, 24209]),
]


@pytest.mark.parametrize(("deployment", "expected"), V13)
def test_v13(deployment: tuple[str, str, int], expected: list[int]):
    latency = roofline(*deployment)
    assert [duration_us(latency, batch, weights_twice=True) for batch in BATCHES] == expected
    assert [plain_us(latency, batch, weights_twice=True) for batch in BATCHES] == expected
    one_pass = [duration_us(latency, batch) for batch in BATCHES]
    assert one_pass[:-1] == expected[:-1]  # only the last column mixes the phases
    assert one_pass[-1] < expected[-1]


def random_batch(rng: Random) -> Batch:
    prefills = [(rng.choice([0, rng.randint(0, 9000)]), rng.randint(1, 700)) for _ in range(rng.randint(0, 4))]
    decodes = [rng.randint(1, rng.choice([50, 9000])) for _ in range(rng.choice([0, 1, rng.randint(2, 250)]))]
    return prefills, decodes


@pytest.mark.parametrize("weights_twice", [False, True])
@pytest.mark.parametrize("deployment", [deployment for deployment, _ in V13])
def test_whole_sums_give_what_entry_by_entry_gives(deployment: tuple[str, str, int], weights_twice: bool):
    rng, latency = Random(5), roofline(*deployment)
    for _ in range(150):
        batch = random_batch(rng)
        expected = plain_us(latency, batch, weights_twice=weights_twice)
        assert duration_us(latency, batch, weights_twice=weights_twice) == expected, batch


def test_v13_flops_and_bytes_are_the_sums_of_their_parts():
    numbers = numbers_of(roofline("llama-3.1-8b-instruct", "H100", 1))
    tokens, pairs = 512, 512 * 511 // 2
    assert numbers["token_flops"] * tokens + numbers["pair_flops"] * pairs == 7215410839552
    assert numbers["token_vector_flops"] * tokens + numbers["pair_vector_flops"] * pairs == 803995648
    assert numbers["token_flops"] + numbers["pair_flops"] * 1000 == 14482931712
    assert numbers["token_vector_flops"] + numbers["pair_vector_flops"] * 1000 == 5382144
    assert numbers["weights"] * 2 == weight_bytes(find_model("llama-3.1-8b-instruct")) == 13958643712
    moved = numbers["token_values"] + numbers["context_values"] * 1000
    assert (numbers["weights"] + moved) * numbers["value_bytes"] == 14090108928


def test_the_mlp_is_in_flops_and_weights_only():
    latency = roofline("qwen3-14b", "H100", 4)
    assert latency.roofline is not None
    wider = replace(latency.roofline.model, intermediate_size=2 * latency.roofline.model.intermediate_size)
    before = numbers_of(latency)
    after = numbers_of(replace(latency, roofline=replace(latency.roofline, model=wider)))
    assert {name for name in before if before[name] != after[name]} == {"token_flops", "weights"}


# -- any model, on hardware on which nothing is negligible

SLOW = Hardware(2e-6, 1e-6, 0.5, 7.0, 3.0, 0.6, 0.2, 2.0)
DENSE = ModelShape(3, 64, 4, 2, 100, 2.0)


def small(model: ModelShape, tp: int = 1) -> LatencyModel:
    return LatencyModel("roofline-original", beta=(), tp=tp, roofline=Roofline(model, SLOW))


MIXTURE = replace(DENSE, experts=6, experts_per_token=2, expert_intermediate_size=50)


@pytest.mark.parametrize("weights_twice", [False, True])
@pytest.mark.parametrize("model", [DENSE, MIXTURE, replace(DENSE, head_dim=48, bytes_per_param=1.0)])
@pytest.mark.parametrize("tp", [1, 2, 4])
def test_more_work_takes_no_less_time(model: ModelShape, tp: int, weights_twice: bool):
    """L23: a step is not shorter with more new tokens, more context, or one member more."""
    rng, latency = Random(9), small(model, tp)
    empty_us = duration_us(latency, ([], []), weights_twice=weights_twice)
    for _ in range(40):
        prefills, decodes = random_batch(rng)
        before = duration_us(latency, (prefills, decodes), weights_twice=weights_twice)
        assert before >= empty_us
        more: list[Batch] = [([*prefills, (3, 5)], decodes), (prefills, [*decodes, 4])]
        if prefills:
            c, t = prefills[0]
            more += [([(c + 9, t), *prefills[1:]], decodes), ([(c, t + 9), *prefills[1:]], decodes)]
        if decodes:
            more.append((prefills, [decodes[0] + 1, *decodes[1:]]))
        for batch in more:
            assert duration_us(latency, batch, weights_twice=weights_twice) >= before


def test_one_expert_is_a_dense_model():
    one = replace(DENSE, experts=1, experts_per_token=1)
    for batch in (*BATCHES[1:], *(random_batch(Random(seed)) for seed in range(20))):
        for twice in (False, True):
            assert duration_us(small(one), batch, weights_twice=twice) == duration_us(
                small(DENSE), batch, weights_twice=twice
            )


def test_experts_compute_with_few_and_are_read_as_the_tokens_ask_for():
    memory_bound = replace(SLOW, tflops_peak=1.0)
    latency = LatencyModel("roofline-original", beta=(), tp=1, roofline=Roofline(MIXTURE, memory_bound))
    numbers = numbers_of(latency)

    def weights_read(tokens: int) -> float:
        """Weights that fit into the time of decodes without context, less what their own numbers take."""
        us = duration_us(latency, ([], [0] * tokens)) - duration_us(latency, ([], []))
        return us * numbers["bytes_s"] / 1e6 / numbers["value_bytes"] - numbers["token_values"] * tokens

    attention = 3 * (64 * (64 + 64) + 64 * 64)
    for tokens, experts in ((1, 2), (2, 4), (3, 6), (4, 6)):
        assert weights_read(tokens) == pytest.approx(attention + 3 * 3 * 64 * 50 * experts, abs=1)
    assert numbers["token_flops"] == numbers_of(small(DENSE))["token_flops"]
    assert weight_bytes(MIXTURE) == 2 * (attention + 3 * 3 * 64 * 50 * 6)


def test_wide_heads():
    numbers = numbers_of(small(ModelShape(1, 10, 4, 2, 30, head_dim=5)))
    d, q, k, f = 10, 20, 10, 30
    assert numbers["weights"] == d * (q + 2 * k) + q * d + 3 * d * f
    assert numbers["token_flops"] == 2 * numbers["weights"] and numbers["pair_flops"] == 4 * q
    assert (numbers["token_values"], numbers["context_values"]) == (d + 2 * k, 2 * k)


def test_sizes_that_are_left_out():
    short, full = ModelShape(4, 512, 8), ModelShape(4, 512, 8, 8, 2048, head_dim=64)
    assert numbers_of(small(short)) == numbers_of(small(full))


@pytest.mark.parametrize(
    "latency",
    [
        small(replace(DENSE, hidden_size=2**30)),
        LatencyModel("roofline-original", beta=(), tp=1, roofline=Roofline(DENSE, replace(SLOW, tflops_peak=1e-300))),
    ],
)
def test_what_cannot_be_counted_is_refused(latency: LatencyModel):
    with pytest.raises(InputError, match=r"latency_model: 'roofline-original' says .* µs of a step"):
        simulate(Scenario(Instance(latency)), table_from_tokens([0], [[1] * 100], [[1]]))


# -- whole runs

KEPT = Compat(
    last_gap_twice=True, decode_tokens_only=True, first_token_without_output=True, free_context=True, weights_twice=True
)


@pytest.mark.parametrize(
    ("deployment", "gap", "sums", "end_us", "steps", "peak"),
    [
        (("llama-3.1-8b-instruct", "H100", 1), 21000, (2527266, 55838131, 498865), 3559231, 363, 331),
        (("qwen2.5-7b-instruct", "A100-SXM", 2), 26000, (2619731, 51707436, 478419), 4278731, 467, 254),
    ],
    ids=["G5", "G6"],
)
def test_arithmetic_workloads(
    deployment: tuple[str, str, int], gap: int, sums: tuple[int, int, int], end_us: int, steps: int, peak: int
):
    requests = arith(150, gap, 400, 70, 5)
    table = table_from_tokens(*zip(*((each.arrival_us, each.prompt, each.output) for each in requests), strict=True))
    scenario = Scenario(Instance(roofline(*deployment), KV(50_000)))
    result = simulate(scenario, table, KEPT)
    counters = result.instances[0]
    assert (result.ttft_us.sum(), result.e2e_us.sum(), result.scheduling_delay_us.sum()) == sums
    assert (result.end_us, counters["steps"], counters["output_tokens"]) == (end_us, steps, 5155)
    assert (counters["hit_blocks"], counters["miss_blocks"], counters["peak_blocks"]) == (174, 2471, peak)
    assert check_laws(scenario, table, result, KEPT) == []


@pytest.mark.parametrize("free_context", [False, True])
def test_attention_to_a_cached_prefix_costs(free_context: bool):
    prompt = list(range(8000))
    latency = roofline("llama-3.1-8b-instruct", "H100", 1)
    table = table_from_tokens([0, 10**6], [prompt, prompt], [[1], [2]])
    result = simulate(Scenario(Instance(latency)), table, Compat(free_context=free_context))
    assert result.cached_tokens[1] == 7984
    assert result.ttft_us[1] == duration_us(latency, ([(0 if free_context else 7984, 16)], []))
