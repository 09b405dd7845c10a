"""No step is faster than the GPU's peaks allow, whatever is known of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import Hardware, ModelShape
from blis.latency.bound import bound_us
from blis.latency.catalog import find_model
from blis.latency.step import Step

#: 1e12 operations and 1e9 bytes a second.
SLOW = Hardware(1.0, 1e-3)
MODEL = ModelShape(2, 10, 2, 1, 20, vocab_size=50)
ATTENTION, MLP, HEAD = 2 * 5 * 10 * (2 + 2 + 2), 2 * 3 * 10 * 20, 10 * 50  # numbers
TOKEN_KV = 2 * 2 * 5  # numbers: two layers, key and value, one head of five


def test_one_decode_reads_weights_head_and_context_once():
    read = 2 * (ATTENTION + MLP + HEAD + 30 * TOKEN_KV)
    assert bound_us(MODEL, SLOW, 1, Step(decodes=1, decode_context=30)) == pytest.approx(read / 1e3)


def test_one_reading_serves_the_whole_batch():
    read = 2 * (ATTENTION + MLP + HEAD + 900 * TOKEN_KV)
    assert bound_us(MODEL, SLOW, 1, Step(decodes=9, decode_context=900)) == pytest.approx(read / 1e3)


def test_a_long_prefill_computes():
    fast_memory = replace(SLOW, bw_peak_tbs=1e6)
    flops = 2 * (ATTENTION + MLP) * 100 + 2 * HEAD + 2 * 4 * 10 * 4950
    step = Step(1, 100, 4950, 0)
    assert bound_us(MODEL, fast_memory, 1, step) == pytest.approx(flops / 1e6)
    assert bound_us(MODEL, fast_memory, 4, step) == pytest.approx(flops / 1e6 / 4)


def test_gpus_share_all_but_the_last_head():
    step = Step(decodes=1, decode_context=30)
    read = 2 * ((ATTENTION + MLP + HEAD) / 4 + 30 * TOKEN_KV)
    assert bound_us(MODEL, SLOW, 4, step) == pytest.approx(read / 1e3)


def test_of_many_experts_a_token_reads_few():
    mixture = replace(MODEL, experts=8, experts_per_token=2, expert_intermediate_size=20)
    router = 2 * 8 * 10
    read = 2 * (ATTENTION + 2 * MLP + router + HEAD)
    assert bound_us(mixture, SLOW, 1, Step(decodes=1)) == pytest.approx(read / 1e3)


def test_windows_hide_context():
    windowed = replace(MODEL, sliding_layers=1, sliding_window=8)
    read = 2 * (ATTENTION + MLP + HEAD + (30 + 8) * TOKEN_KV / 2)
    assert bound_us(windowed, SLOW, 1, Step(decodes=1, decode_context=30)) == pytest.approx(read / 1e3)


def test_narrow_numbers_take_less():
    step = Step(decodes=1, decode_context=30)
    quarter = bound_us(replace(MODEL, bytes_per_param=0.5, head_bytes_per_param=0.5), SLOW, 1, step, 0.5)
    assert quarter == pytest.approx(bound_us(MODEL, SLOW, 1, step) / 4)


def test_nothing_takes_no_time():
    assert bound_us(MODEL, SLOW, 1, Step()) == 0


def test_llama_8b_on_an_h100_needs_four_and_a_half_milliseconds_a_token():
    h100 = Hardware(989.5, 3.35)
    assert bound_us(find_model("llama-3.1-8b-instruct"), h100, 1, Step(decodes=1)) == pytest.approx(4480, rel=0.01)
