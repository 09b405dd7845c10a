"""Step times from flops and bytes (engine.md 10.2 to 10.4, docs/policies.md section 6).

Sums are whole numbers, doubled where a mean context may be a half; only their quotients are floats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from blis.config import Compat, Roofline


@dataclass(frozen=True)
class Entry:
    """One member of a batch in one step."""

    context: int  # tokens stored before the step
    new: int  # tokens of the step


class StepTime:
    """The roofline of one model on some GPUs."""

    def __init__(self, roofline: Roofline, tp: int, compat: Compat) -> None:
        """Resolve the sizes that may be left out."""
        self._tp, self._compat, self._hardware = tp, compat, roofline.hardware
        model = roofline.model
        self._bytes_per_param = model.bytes_per_param
        self._l, self._d, self._h = model.num_layers, model.hidden_size, model.num_heads
        head = model.head_dim or self._d // self._h
        self._q = self._h * head
        self._k = (model.num_kv_heads or self._h) * head
        dense = model.intermediate_size or 4 * self._d
        self._experts, self._experts_per_token = model.experts, model.experts_per_token
        self._f = (model.expert_intermediate_size or dense) if self._experts else dense
        self._flops_f = self._experts_per_token * self._f if self._experts else self._f

    def __call__(self, prefill: Sequence[Entry], decode: Sequence[Entry]) -> int:
        """Return the duration of a step in microseconds (10.4)."""
        hardware = self._hardware
        per_layer_us = self._l * hardware.per_layer_overhead_us
        comm_us = self._l * 2 * hardware.all_reduce_latency_us if self._tp > 1 else 0.0
        time_s = self._busy_s(prefill, decode)
        return math.floor(time_s * 1e6 + per_layer_us + comm_us + hardware.step_overhead_us + 0.5)

    def _busy_s(self, prefill: Sequence[Entry], decode: Sequence[Entry]) -> float:
        mfu_prefill, mfu_decode = self._hardware.mfu_prefill, self._hardware.mfu_decode
        if self._compat.weights_twice:
            pre = max(self._compute_s(prefill, mfu_prefill), self._memory_s(prefill))
            dec = max(self._compute_s(decode, mfu_decode), self._memory_s(decode))
            return pre + dec
        compute = self._compute_s(prefill, mfu_prefill) + self._compute_s(decode, mfu_decode)
        return max(compute, self._memory_s([*prefill, *decode]))

    def _compute_s(self, phase: Sequence[Entry], mfu: float) -> float:
        flops_s = self._hardware.tflops_peak * 1e12
        gemm = sum(self.gemm_flops_twice(entry) for entry in phase) / 2
        vector = sum(self.vector_flops_twice(entry) for entry in phase) / 2
        return gemm / self._tp / (flops_s * mfu) + vector / self._tp / (0.10 * flops_s)

    def _memory_s(self, phase: Sequence[Entry]) -> float:
        if not phase:
            return 0.0
        bytes_s = self._hardware.bw_peak_tbs * 1e12 * self._hardware.bw_efficiency
        params = self.weights(sum(entry.new for entry in phase)) + sum(self.moved(entry) for entry in phase)
        return params * self._bytes_per_param / self._tp / bytes_s

    # -- what one entry costs (10.3)

    def gemm_flops_twice(self, entry: Entry) -> int:
        """Return 2 G: projections, attention, MLP."""
        layers, d, q, k, t = self._l, self._d, self._q, self._k, entry.new
        projections = layers * (2 * t * (d * q + 2 * d * k) + 2 * t * q * d)
        attention_twice = layers * 4 * q * t * _mean_context_twice(entry)
        mlp = layers * 2 * t * 3 * d * self._flops_f
        return 2 * projections + attention_twice + 2 * mlp

    def vector_flops_twice(self, entry: Entry) -> int:
        """Return 2 V: softmax and mask, rotary embedding."""
        return self._l * (5 * self._h * entry.new * _mean_context_twice(entry) + 2 * 2 * entry.new * self._d)

    def moved(self, entry: Entry) -> int:
        """Return the values moved, Y / w: activations, KV read, KV write."""
        layers, k = self._l, self._k
        return layers * self._d * entry.new + 2 * layers * k * entry.context + 2 * layers * k * entry.new

    def weights(self, tokens: int) -> int:
        """Return the parameters read for some tokens, W / w: all, but only the experts that can be meant."""
        f = min(self._experts, self._experts_per_token * tokens) * self._f if self._experts else self._f
        return self._l * (self._d * (self._q + 2 * self._k) + self._q * self._d + 3 * self._d * f)


def _mean_context_twice(entry: Entry) -> int:
    """Return 2 e: tokens of one chunk also see those of the chunk before them."""
    return 2 * entry.context + max(entry.new - 1, 0)
