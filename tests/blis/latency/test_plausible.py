"""Whether a latency model can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import Compat, LatencyModel
from blis.latency.plausible import implausible, judged
from blis.scenario import load_scenario

SLOW = {"fixed_us": 30_000.0, "prefill_us_token": 100.0, "decode_us_request": 100.0}


def linear(model: str = "meta-llama/Llama-3.1-8B-Instruct", gpu: str = "H100", **changes: float) -> LatencyModel:
    return LatencyModel("linear", beta=(), model=model, gpu=gpu, tp=1, parameters={**SLOW, **changes})


def test_a_slow_model_can_be():
    assert implausible(linear(), Compat()) == ""
    assert [one.possible for one in judged(linear(), Compat()) or ()] == [True] * 4


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"fixed_us": 100.0}, "a step in which 1 decodes after 1024 tokens"),
        ({"fixed_us": 10_000.0, "prefill_us_token": 0.1}, "a step with 2048 tokens of a prompt"),
    ],
)
def test_what_the_gpu_cannot_do_is_said_with_both_times(changes: dict[str, float], step: str):
    """8 billion weights of two bytes at 3.35 TB/s take 4.5 ms, 2048 tokens at 989 TFLOP/s more than 30."""
    said = implausible(linear(**changes), Compat())
    assert said.startswith(step) and "but 1 x H100 at their peaks need" in said and "Llama-3.1-8B" in said


def test_more_gpus_may_be_faster():
    fast = linear(fixed_us=3000.0)
    assert implausible(fast, Compat()) != "" and implausible(replace(fast, tp=4), Compat()) == ""


@pytest.mark.parametrize("unknown", [{"model": ""}, {"model": "org/nobody-knows"}, {"gpu": "abacus"}])
def test_of_what_is_not_known_nothing_is_said(unknown: dict[str, str]):
    model = linear(**unknown, fixed_us=1.0)
    assert judged(model, Compat()) is None and implausible(model, Compat()) == ""


def test_a_roofline_brings_its_model_and_gpu_along():
    latency = {"kind": "roofline", "model": "qwen3-14b", "gpu": "H100", "tp": 1}
    model = load_scenario({"instance": {"latency_model": latency}}).instance.latency_model
    assert implausible(model, Compat()) == ""
    assert implausible(replace(model, factor=0.1), Compat()) != ""


def test_what_does_not_fit_on_its_gpus_is_said():
    said = implausible(linear("meta-llama/Llama-3.1-70B-Instruct"), Compat())
    assert said == (
        "meta-llama/Llama-3.1-70B-Instruct does not fit on 1 x H100: 131 GiB of weights for each, which has 80"
    )
    assert implausible(replace(linear("meta-llama/Llama-3.1-70B-Instruct"), tp=2), Compat()) == ""


def test_experts_that_are_spread_over_peers_are_read_by_all():
    """The roofline itself is no faster than its bound, however many instances share the experts."""
    for peers in (1, 2, 16):
        given = {"data_parallel": peers, "expert_parallel": True}
        latency = {"kind": "roofline", "model": "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpu": "H200", "tp": 1}
        model = load_scenario({"instance": {"latency_model": {**latency, "roofline": given}}}).instance.latency_model
        assert implausible(model, Compat()) == "", peers


def test_narrow_kv_values_are_read_as_narrow():
    latency = {"kind": "roofline", "model": "qwen3-14b", "gpu": "H100", "tp": 1}
    given = {"kv_bytes_per_value": 1}
    model = load_scenario({"instance": {"latency_model": {**latency, "roofline": given}}}).instance.latency_model
    wide = load_scenario({"instance": {"latency_model": latency}}).instance.latency_model
    at = {one.step: one.bound_us for one in judged(model, Compat()) or ()}
    assert all(at[one.step] <= one.bound_us for one in judged(wide, Compat()) or ())
    assert any(at[one.step] < one.bound_us for one in judged(wide, Compat()) or ())
