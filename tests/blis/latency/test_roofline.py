"""What a step takes and why: each part of the roofline where it decides, and whole models where they are known."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from blis.config import Compat, Hardware, Instance, LatencyModel, ModelShape, Roofline, Scenario
from blis.engine.run import simulate
from blis.errors import InputError
from blis.latency import LATENCY
from blis.latency.bound import bound_us
from blis.latency.catalog import find_model, gpu_catalog, model_names
from blis.latency.sizes import weights
from blis.latency.step import Step
from blis.workload.assemble import table_from_tokens

#: Reads 1e9 bytes a second of all that it is asked for, and computes as if it took no time.
READER = Hardware(1e9, 1e-3, matmul_share=1.0, read_share=1.0, link_latency_us=0.0, link_gbs=1e9)
#: The other way round: 1e12 operations a second.
COMPUTER = replace(READER, tflops_peak=1.0, bw_peak_tbs=1e9)

DENSE = ModelShape(4, 512, 8, 2, 1024, vocab_size=3000)
MIXTURE = replace(DENSE, experts=16, experts_per_token=2, expert_intermediate_size=300)


def latency(model: ModelShape, hardware: Hardware, tp: int = 1, **more: Any) -> LatencyModel:
    return LatencyModel("roofline", beta=(), tp=tp, roofline=Roofline(model, hardware, **more))


def step_us(model: LatencyModel, step: Step) -> float:
    return LATENCY.step_us(model, step, Compat())


def beyond_us(model: LatencyModel, more: Step, less: Step) -> float:
    return step_us(model, more) - step_us(model, less)


def shipped(name: str, gpu: str, tp: int = 1) -> LatencyModel:
    return latency(find_model(name), gpu_catalog().find(gpu).hardware, tp)


def decodes(members: int, context: int = 0) -> Step:
    return Step(decodes=members, decode_context=members * context)


def prefill(tokens: int, context: int = 0) -> Step:
    return Step(1, tokens, tokens * context + tokens * (tokens - 1) // 2, context)


def weights_us(model: ModelShape, hardware: Hardware = READER) -> float:
    """What a decode without context takes because the weights have bytes."""
    instant = replace(hardware, bw_peak_tbs=1e9)
    return step_us(latency(model, hardware), decodes(1)) - step_us(latency(model, instant), decodes(1))


def test_a_decode_reads_all_weights_but_the_embedding():
    count = weights(DENSE)
    assert weights_us(DENSE) == pytest.approx(2 * (count.attention + count.mlp + count.head) / 1e3, rel=1e-3)


@pytest.mark.parametrize("width", [4.0, 1.0, 0.5, 0.53125])
def test_narrow_weights_are_read_faster(width: float):
    count = weights(DENSE)
    narrow = replace(DENSE, bytes_per_param=width, head_bytes_per_param=width)
    assert weights_us(narrow) == pytest.approx(width * (count.attention + count.mlp + count.head) / 1e3, rel=1e-3)


def test_a_decode_reads_its_context_at_three_quarters_of_the_peak():
    token = 4 * 2 * 2 * 64 * 2  # layers, key and value, heads, width, bytes
    us = beyond_us(latency(DENSE, READER), decodes(5, 1000), decodes(5))
    assert us == pytest.approx(5 * 1000 * token / 0.75 / 1e3)
    half = beyond_us(latency(DENSE, READER, kv_bytes_per_value=1.0), decodes(5, 1000), decodes(5))
    assert half == pytest.approx(us / 2)
    assert beyond_us(latency(DENSE, READER, 8), decodes(5, 1000), decodes(5)) == pytest.approx(us / 2)  # two heads


def test_sliding_layers_read_no_more_than_their_window():
    windowed = replace(DENSE, sliding_layers=3, sliding_window=128)
    full, short = (beyond_us(latency(DENSE, READER), decodes(5, n), decodes(5)) for n in (1000, 128))
    us = beyond_us(latency(windowed, READER), decodes(5, 1000), decodes(5))
    assert us == pytest.approx(full / 4 + short * 3 / 4)


def test_a_latent_vector_is_read_once_for_all_heads():
    latent = replace(DENSE, kv_latent=96, rope_head_dim=32, nope_head_dim=64, v_head_dim=64)
    us = beyond_us(latency(latent, READER), decodes(5, 1000), decodes(5))
    assert us == pytest.approx(5 * 1000 * 4 * (96 + 32) * 2 / 0.75 / 1e3)
    assert beyond_us(latency(latent, READER, 8), decodes(5, 1000), decodes(5)) == pytest.approx(us)


def test_a_long_prefill_computes():
    """A row more costs two operations for each weight; pairs cost what attention computes."""
    count = weights(DENSE)
    model = latency(DENSE, COMPUTER)
    no_pairs = beyond_us(model, Step(1, 3000, 0, 0), Step(1, 2000, 0, 0))
    assert no_pairs == pytest.approx(1000 * 2 * (count.attention + count.mlp) / 1e6)
    pairs = beyond_us(model, Step(1, 3000, 10_000_000, 0), Step(1, 3000, 0, 0))
    assert pairs == pytest.approx(10_000_000 * 4 * 4 * 8 * 64 / 0.4 / 1e6)


def test_few_rows_fill_no_tile():
    """Reading nothing, one row costs far more than a thousandth of a thousand."""
    model = latency(DENSE, COMPUTER)
    empty = step_us(model, Step())
    assert step_us(model, decodes(1)) - empty > 15 * (step_us(model, decodes(1000)) - empty) / 1000


def test_where_reading_and_computing_meet_it_takes_longer_than_either():
    both = Hardware(1.0, 1e-3, matmul_share=1.0, read_share=1.0)
    step = Step(1, 900, 0, 0)
    read, computed = (step_us(latency(DENSE, each), step) for each in (READER, COMPUTER))
    assert max(read, computed) < step_us(latency(DENSE, both), step) < read + computed


@pytest.mark.parametrize(
    ("math", "width", "rate"),
    [("fp8", 1.0, 2.0), ("int8", 1.0, 1.0), ("bf16", 1.0, 1.0), ("fp8", 2.0, 1.0), ("fp4", 0.5, 4.0)],
)
def test_narrow_numbers_compute_at_the_rate_that_the_gpu_has_for_them(math: str, width: float, rate: float):
    hardware = replace(COMPUTER, fp8_tflops=2.0, fp4_tflops=4.0)  # and no units for int8
    narrow = replace(DENSE, bytes_per_param=width, math=math)
    times = [beyond_us(latency(each, hardware), Step(1, 3000, 0, 0), Step(1, 2000, 0, 0)) for each in (DENSE, narrow)]
    assert times[0] / times[1] == pytest.approx(rate, rel=1e-6)


class TestExperts:
    EXPERT = 4 * 3 * 512 * 300 * 2 / 0.8 / 1e3  # µs to read one of each layer

    def read_us(self, tokens: int, **more: Any) -> float:
        """What experts add to decodes without context, beside what routing costs."""
        without = replace(MIXTURE, expert_intermediate_size=1)
        times = [step_us(latency(each, READER, **more), decodes(tokens)) for each in (MIXTURE, without)]
        return times[0] - times[1]

    @pytest.mark.parametrize(("tokens", "reached"), [(1, 2), (2, 2 * (1 + 14 / 16)), (1000, 16)])
    def test_as_many_are_read_as_tokens_are_expected_to_reach(self, tokens: int, reached: float):
        assert self.read_us(tokens) == pytest.approx(reached * self.EXPERT * 299 / 300, rel=2e-3)

    def test_gpus_share_them(self):
        assert self.read_us(1000, tp=4) == pytest.approx(self.read_us(1000) / 4, rel=1e-3)

    def test_peers_share_them_and_bring_their_tokens(self):
        alone, shared = self.read_us(1), self.read_us(1, data_parallel=2)
        assert shared == pytest.approx(alone * (1 + 14 / 16) / 2, rel=2e-3)

    def test_whole_experts_make_the_busiest_gpu_set_the_pace(self):
        sliced, whole = self.read_us(50, tp=4), self.read_us(50, tp=4, expert_parallel=True)
        assert whole == pytest.approx(1.2 * sliced, rel=1e-3)
        assert self.read_us(50, expert_parallel=True) == self.read_us(50)

    def test_a_shared_expert_is_read_by_every_step(self):
        shared = replace(MIXTURE, shared_intermediate_size=600)
        assert weights_us(shared) - weights_us(MIXTURE) == pytest.approx(4 * 3 * 512 * 600 * 2 / 1e3, rel=1e-3)

    def test_the_first_layers_may_have_none(self):
        mixed = replace(MIXTURE, dense_layers=4)
        dense = weights_us(DENSE)
        assert weights_us(mixed) == pytest.approx(dense, rel=1e-3)


class TestExchanges:
    HARDWARE = replace(READER, bw_peak_tbs=1e9, link_gbs=1.0, link_share=0.5, link_latency_us=30.0)

    def test_all_reduces_have_a_latency_and_a_size(self):
        one, two, four = (latency(DENSE, self.HARDWARE, tp) for tp in (1, 2, 4))
        latencies = 2 * 4 * 30
        assert step_us(two, Step()) - step_us(one, Step()) == pytest.approx(latencies)
        assert step_us(four, Step()) == pytest.approx(step_us(two, Step()))
        token = 2 * 4 * 512 * 2 / 0.5 / 1e3  # all-reduces, hidden size, bytes
        assert beyond_us(two, decodes(101), decodes(1)) - beyond_us(one, decodes(101), decodes(1)) == pytest.approx(
            100 * token, rel=1e-3
        )
        assert beyond_us(four, decodes(101), decodes(1)) - beyond_us(one, decodes(101), decodes(1)) == pytest.approx(
            100 * token * 1.5, rel=1e-3
        )

    def test_tokens_travel_to_experts_of_peers(self):
        alone, peers = (latency(MIXTURE, self.HARDWARE, data_parallel=each) for each in (1, 2))
        longer_us = beyond_us(peers, decodes(101), decodes(1)) - beyond_us(alone, decodes(101), decodes(1))
        there_and_back = 2 * 4 * 512 * 2 / 0.5 / 1e3  # layers, hidden size, bytes
        assert longer_us == pytest.approx(100 * there_and_back, rel=1e-2)


def test_every_step_waits_for_kernels_and_the_host():
    instant = latency(DENSE, replace(READER, bw_peak_tbs=1e9))
    assert step_us(instant, Step()) == pytest.approx(500 + 4 * 5, abs=1)
    assert beyond_us(instant, decodes(11), decodes(1)) == pytest.approx(10 * 20, rel=1e-2)
    assert beyond_us(instant, Step(1, 1, 0, 0), decodes(1)) == pytest.approx(100, rel=1e-2)


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("gpu", ["H100", "RTX-PRO-6000", "MI300X"])
def test_no_step_is_faster_than_the_peaks_allow(name: str, gpu: str):
    rng, model = Random(7), shipped(name, gpu, 2)
    assert model.roofline is not None
    for _ in range(50):
        members, tokens = rng.choice([0, 1, 2]), rng.randint(1, 2000)
        count = rng.randint(1, 200)
        step = Step(
            members, members * tokens, members * tokens * 900, members * 800, count, count * rng.randint(1, 4000)
        )
        assert step_us(model, step) > bound_us(model.roofline.model, model.roofline.hardware, 2, step)


@pytest.mark.parametrize("model", [DENSE, MIXTURE, replace(DENSE, sliding_layers=2, sliding_window=9)])
@pytest.mark.parametrize("tp", [1, 4])
def test_more_work_takes_no_less_time(model: ModelShape, tp: int):
    slow = Hardware(1e-3, 1e-3, link_gbs=1e-3)
    for seed in range(50):
        rng = Random(seed)
        step = Step(
            *(rng.randint(1, 9) for _ in range(2)), rng.randint(0, 99), rng.randint(0, 99), rng.randint(1, 9), 50
        )
        for name in Step._fields:
            more = step._replace(**{name: getattr(step, name) + rng.randint(1, 50)})
            assert step_us(latency(model, slow, tp), more) >= step_us(latency(model, slow, tp), step), name


@pytest.mark.parametrize(
    ("deployment", "step", "low_ms", "high_ms"),
    [
        (("llama-3.1-8b", "H100"), decodes(1, 500), 5, 7),
        (("llama-3.1-70b", "H100", 4), decodes(1, 500), 11, 18),
        (("llama-3.1-8b", "RTX 4090"), decodes(1, 500), 16, 19),
        (("llama-3.1-8b", "A100-80GB"), prefill(2048), 110, 170),
        (("qwen3-30b-a3b", "H100"), decodes(1, 500), 2.5, 5),
        (("gpt-oss-120b", "H100"), decodes(1, 500), 2.5, 6),
    ],
)
def test_known_deployments_take_about_what_is_known_of_them(
    deployment: tuple[Any, ...], step: Step, low_ms: float, high_ms: float
):
    assert low_ms < step_us(shipped(*deployment), step) / 1000 < high_ms


def test_fused_experts_take_what_vllm_measures():
    """64 experts of 1408, 6 a token, hidden 2048, on A100: vllm-project/vllm #40542, µs of one layer."""
    shape = ModelShape(1, 2048, 16, 16, 1, vocab_size=0, experts=64, experts_per_token=6, expert_intermediate_size=1408)
    a100 = gpu_catalog().find("A100-80GB").hardware
    without = latency(replace(shape, expert_intermediate_size=1), a100)
    for tokens, default_us, tuned_us in ((64, 698, 678), (256, 770, 717), (1024, 1023, 930), (4096, 2919, 2637)):
        step = Step(1, tokens, 0, 0)
        us = step_us(latency(shape, a100), step) - step_us(without, step)
        assert 0.9 * tuned_us < us < 1.1 * default_us, tokens


class TestCompat:
    ORIGINAL = Compat(original_roofline=True)

    @pytest.mark.parametrize("kind", ["roofline", "roofline-original"])
    def test_the_original_has_one_kind(self, kind: str):
        roofline = Roofline(find_model("llama-3.1-8b"), gpu_catalog().find("H100").hardware)
        table = table_from_tokens([0], [list(range(512))], [[1, 2]])
        times = {}
        for each in (kind, "roofline-original"):
            scenario = Scenario(Instance(LatencyModel(each, beta=(), tp=1, roofline=roofline)))
            times[each] = simulate(scenario, table, self.ORIGINAL).ttft_us[0]
        assert set(times.values()) == {12367}  # engine.md V13

    @pytest.mark.parametrize("name", ["deepseek-v3", "gpt-oss-20b"])
    def test_and_knows_no_latent_vectors_and_windows(self, name: str):
        scenario = Scenario(Instance(shipped(name, "H200", 8)))
        with pytest.raises(InputError, match=r"kind 'roofline-original' knows no .*; use kind 'roofline'"):
            simulate(scenario, table_from_tokens([0], [[1]], [[1]]), self.ORIGINAL)


@pytest.mark.parametrize("more", [{"data_parallel": 2}, {"expert_parallel": True}])
def test_only_experts_can_be_spread(more: dict[str, Any]):
    with pytest.raises(InputError, match=f"roofline.{next(iter(more))} is for a model with experts"):
        Roofline(DENSE, READER, **more)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"kv_latent": 4}, "kv_latent needs nope_head_dim and v_head_dim"),
        ({"sliding_layers": 1}, "give sliding_layers and sliding_window, or neither"),
        ({"sliding_layers": 5, "sliding_window": 1}, "sliding_layers must not exceed num_layers"),
        ({"dense_layers": 1}, "dense_layers is for a model with experts"),
        ({"shared_intermediate_size": 1}, "shared_intermediate_size is for a model with experts"),
        ({"math": "fp16"}, "unknown roofline.model.math 'fp16'"),
        ({"head_bytes_per_param": -1.0}, "roofline.model.head_bytes_per_param must be"),
    ],
)
def test_a_shape_that_makes_no_sense_is_refused(change: dict[str, Any], part: str):
    with pytest.raises(InputError, match=part):
        replace(DENSE, **change)
