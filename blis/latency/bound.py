"""What no step can be faster than: the GPU's own peaks, nothing lost."""

from __future__ import annotations

from blis.latency.shapes import Hardware, ModelShape
from blis.latency.sizes import decode_pair_flops, kv_bytes, pair_flops, weights, widths
from blis.latency.step import Step


def bound_us(
    model: ModelShape, hardware: Hardware, tp: int, step: Step, kv_bytes_per_value: float = 0.0, peers: int = 1
) -> float:
    """The µs in which `tp` GPUs can do what a step needs at their peaks, reading or computing, whichever takes longer.

    Weights are read once, of the experts as many as one token asks for; the KV of every context is read once, in
    sliding layers as much of it as the windows hold. peers: instances over whose GPUs the experts are spread.
    """
    members, tokens = step.prefills + step.decodes, step.prefill_tokens + step.decodes
    if tokens <= 0:
        return 0.0
    return 1e6 * max(
        _read_bytes(model, tp, members, step, kv_bytes_per_value, peers) / (hardware.bw_peak_tbs * 1e12),
        _compute_s(model, hardware, members, step, peers) / tp,
    )


def _read_bytes(model: ModelShape, tp: int, members: float, step: Step, kv_bytes_per_value: float, peers: int) -> float:
    """Bytes that one GPU reads."""
    count, width = weights(model), widths(model)
    read = count.attention * width.attention + count.mlp * width.mlp + (count.router + count.head) * width.head
    read += model.experts_per_token * count.expert * width.expert / peers
    context = step.prefill_context + step.decode_context
    token = kv_bytes(model, tp, kv_bytes_per_value) / model.num_layers
    return read / tp + token * _seen(model, context, members)


def _compute_s(model: ModelShape, hardware: Hardware, members: float, step: Step, peers: int) -> float:
    """Seconds of one GPU."""
    count, width = weights(model), widths(model)
    tokens = step.prefill_tokens + step.decodes

    def seconds(numbers: float, bytes_each: float) -> float:
        return 2 * numbers / hardware.flops_s(model.math if bytes_each < 2 else "bf16")

    token_s = seconds(count.attention, width.attention) + seconds(count.mlp, width.mlp)
    token_s += seconds(model.experts_per_token * count.expert / peers, width.expert)
    token_s += seconds(count.router, width.head)
    prefill_pairs = _seen(model, step.prefill_pairs, step.prefill_tokens)
    attention = pair_flops(model) * prefill_pairs
    attention += decode_pair_flops(model) * _seen(model, step.decode_context, step.decodes)
    return tokens * token_s + members * seconds(count.head, width.head) + attention / hardware.flops_s("bf16")


def _seen(model: ModelShape, context: float, queries: float) -> float:
    """Tokens of context that some queries see, summed over layers."""
    in_windows = min(context, queries * model.sliding_window)
    return (model.num_layers - model.sliding_layers) * context + model.sliding_layers * in_windows
