"""Step times from matrix products, attention and exchanges (docs/policies.md section 6), layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from blis.config import ModelShape, Roofline
from tests.oracle.roofline_original import Entry

TILE = 64  # rows; of the last tile of a matrix half is idle
EXPERT_TILE = 16


class StepTime:
    """The roofline of one model on some GPUs."""

    def __init__(self, roofline: Roofline, tp: int) -> None:
        """Keep what all steps need."""
        self.model, self.hardware, self.tp = roofline.model, roofline.hardware, tp
        self.peers = roofline.data_parallel
        self.whole_experts = roofline.expert_parallel
        model = self.model
        usual = model.bytes_per_param
        self.head_bytes = model.head_bytes_per_param or max(usual, 2.0)
        self.attention_bytes = model.attention_bytes_per_param or usual
        self.expert_bytes = model.expert_bytes_per_param or usual
        self.kv_bytes = roofline.kv_bytes_per_value or model.kv_bytes_per_value or max(usual, 2.0)
        self.has_experts = [model.experts > 0 and layer >= model.dense_layers for layer in range(model.num_layers)]

    def __call__(self, prefill: Sequence[Entry], decode: Sequence[Entry]) -> int:
        """Return the duration of a step in microseconds."""
        members, tokens = len(prefill) + len(decode), sum(entry.new for entry in [*prefill, *decode])
        drafts = sum(entry.new - 1 for entry in decode)
        fixed_us = self._fixed_us()
        if members == 0:
            return math.floor(fixed_us + 0.5)
        us = self._dense_us(tokens) + self._head_us(members + drafts) + self._experts_us(tokens)
        us += sum(self._attention_us(prefill, decode, layer) for layer in range(self.model.num_layers))
        us += self._sent_us(tokens) + 20 * members + 100 * len(prefill)
        return math.floor(us + fixed_us + 0.5)

    # -- products

    def _dense_us(self, tokens: int) -> float:
        model = self.model
        attention = attention_numbers(model)
        plain = 3 * model.hidden_size * (model.intermediate_size or 4 * model.hidden_size)
        shared, router = 3 * model.hidden_size * model.shared_intermediate_size, model.hidden_size * model.experts
        read = compute = 0.0
        for experts in self.has_experts:
            parts = [(attention, self.attention_bytes)]
            parts += [(shared, model.bytes_per_param), (router, self.head_bytes)] if experts else []
            parts += [] if experts else [(plain, model.bytes_per_param)]
            read += sum(numbers * each for numbers, each in parts)
            compute += sum(2 * numbers / self._flops_s(each) for numbers, each in parts)
        return self._product_us(read / self._bytes_s(), compute * (tokens + TILE / 2))

    def _head_us(self, members: int) -> float:
        numbers = self.model.hidden_size * self.model.vocab_size
        compute = 2 * numbers / self._flops_s(self.head_bytes) * (members + TILE / 2)
        return self._product_us(numbers * self.head_bytes / self._bytes_s(), compute)

    def _experts_us(self, tokens: int) -> float:
        model, layers = self.model, sum(self.has_experts)
        if not model.experts:
            return 0.0
        plain_width = model.intermediate_size or 4 * model.hidden_size
        expert = 3 * model.hidden_size * (model.expert_intermediate_size or plain_width)
        all_tokens = tokens * self.peers
        reached = model.experts * (1 - (1 - model.experts_per_token / model.experts) ** float(all_tokens))
        rows = all_tokens * model.experts_per_token + reached * EXPERT_TILE / 2
        read_s = layers * reached * expert * self.expert_bytes / (self.hardware.bw_peak_tbs * 1e12 * 0.8)
        compute_s = layers * rows * 2 * expert / (self._flops_s(self.expert_bytes) * 0.6)
        pace = 1.2 if self.whole_experts and self.tp * self.peers > 1 else 1.0
        return self._product_us(read_s, compute_s) * pace / self.peers

    def _product_us(self, read_s: float, compute_s: float) -> float:
        return 1e6 * math.hypot(read_s, compute_s) / self.tp

    def _flops_s(self, each: float) -> float:
        hardware, tflops = self.hardware, self.hardware.tflops_peak
        narrow = {"fp8": hardware.fp8_tflops, "int8": hardware.int8_tflops, "fp4": hardware.fp4_tflops}
        if each < 2 and narrow.get(self.model.math):
            tflops = narrow[self.model.math]
        return tflops * 1e12 * hardware.matmul_share

    def _bytes_s(self) -> float:
        return self.hardware.bw_peak_tbs * 1e12 * self.hardware.read_share

    # -- attention

    def _attention_us(self, prefill: Sequence[Entry], decode: Sequence[Entry], layer: int) -> float:
        model = self.model
        pairs = sum(entry.new * entry.context + entry.new * (entry.new - 1) // 2 for entry in prefill)
        read, decoded = sum(entry.context for entry in prefill), sum(entry.context for entry in decode)
        if layer < model.sliding_layers:
            window = model.sliding_window
            pairs = min(pairs, window * sum(entry.new for entry in prefill))
            read, decoded = min(read, window * len(prefill)), min(decoded, window * len(decode))
        head = model.head_dim or model.hidden_size // model.num_heads
        kv_heads = model.num_kv_heads or model.num_heads
        if model.kv_latent:
            flops = 2 * model.num_heads * (model.nope_head_dim + model.rope_head_dim + model.v_head_dim)
            decode_flops = 2 * model.num_heads * (model.kv_latent + model.rope_head_dim + model.kv_latent)
            values: float = model.kv_latent + model.rope_head_dim
        else:
            flops = decode_flops = 4 * model.num_heads * head
            values = 2 * max(1, kv_heads / self.tp) * head
        flops_s = self.hardware.tflops_peak * 1e12 * 0.4 * self.tp
        token_s = values * self.kv_bytes / (self.hardware.bw_peak_tbs * 1e12 * 0.75)
        prefill_s = max(pairs * flops / flops_s, read * token_s)
        return 1e6 * (prefill_s + decoded * max(token_s, decode_flops / flops_s))

    # -- what comes between

    def _fixed_us(self) -> float:
        layers, expert_layers = self.model.num_layers, sum(self.has_experts)
        exchanges = (2 * layers if self.tp > 1 else 0) + (2 * expert_layers if self.peers > 1 else 0)
        return 500 + 5 * layers + 10 * expert_layers + exchanges * self.hardware.link_latency_us

    def _sent_us(self, tokens: int) -> float:
        token_bytes = self.model.hidden_size * max(2.0, self.model.bytes_per_param)
        sums = 2 * self.model.num_layers * 2 * (self.tp - 1) / self.tp
        visits = 2 * sum(self.has_experts) * (self.peers - 1) / self.tp
        rate = self.hardware.link_gbs * 1e9 * self.hardware.link_share
        return 1e6 * tokens * token_bytes * (sums + visits) / rate


def attention_numbers(model: ModelShape) -> int:
    """Return the numbers in the projections of one layer."""
    d, heads = model.hidden_size, model.num_heads
    if not model.kv_latent:
        head = model.head_dim or d // heads
        return 2 * d * heads * head + 2 * d * (model.num_kv_heads or heads) * head
    query = heads * (model.nope_head_dim + model.rope_head_dim)
    queries = d * model.q_latent + model.q_latent * query if model.q_latent else d * query
    down = d * (model.kv_latent + model.rope_head_dim)
    up = model.kv_latent * heads * (model.nope_head_dim + model.v_head_dim)
    return queries + down + up + heads * model.v_head_dim * d
