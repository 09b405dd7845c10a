"""The original's roofline: a step computes, or moves numbers, whichever takes longer (engine.md 10.3 and 10.4).

All sums over a step are linear in six counts, so a model is a few whole numbers: what a new token costs, what a pair
(new token, token before it) costs, what a token of context costs. l layers, d hidden size, q and k the width of a
query and a key (heads times head size), f the width of the MLP or of one expert. Sums are exact as long as doubles
are, below 2**53, and only then become seconds; so the result does not depend on the order of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from blis.errors import InputError
from blis.latency.deployment import needed_roofline, resolve_roofline
from blis.latency.registry import LATENCY
from blis.latency.shapes import Hardware, ModelShape, Roofline
from blis.policies.registry import Bounds

if TYPE_CHECKING:
    from blis.config import Compat, LatencyModel

#: What a step is computed from: counts of the whole model, before it is divided by tp, and rates of one GPU.
_NUMBERS = (
    "token_flops",  # matrix operations for a new token …
    "pair_flops",  # … and for each token it attends to
    "token_vector_flops",  # other operations
    "pair_vector_flops",
    "token_values",  # numbers moved for a new token …
    "context_values",  # … and for a token of context
    "weights",  # numbers that every pass reads
    "expert_weights",  # those of one expert
    "experts",
    "experts_per_token",
    "value_bytes",
    "tp",  # GPUs that share the model
    "prefill_flops_s",
    "decode_flops_s",
    "vector_flops_s",
    "bytes_s",
    "layers_us",
    "all_reduce_us",
    "fixed_us",
    "weights_twice",  # compat Q19b: one phase after the other, and each reads the weights
)
#: Parts of a model that the original has not heard of.
_UNKNOWN = ("kv_latent", "sliding_window", "dense_layers", "shared_intermediate_size")

_BOUNDS: dict[str, Any] = dict.fromkeys(_NUMBERS, Bounds(0, 1e300))


def _derive(model: LatencyModel, compat: Compat) -> Mapping[str, float]:
    """What `_NUMBERS` says."""
    shape, hardware = needed_roofline(model).model, needed_roofline(model).hardware
    for key in _UNKNOWN:
        if getattr(shape, key):
            raise InputError(f"latency_model: kind {model.kind!r} knows no {key}; use kind 'roofline'")
    counts, rates = _counts(shape), _rates(hardware, shape.num_layers, model.tp)
    return {**counts, **rates, "weights_twice": int(compat.weights_twice)}


def _counts(model: ModelShape) -> dict[str, float]:
    """The model, and the bytes of one of its numbers."""
    layers, d, q, k = model.num_layers, model.hidden_size, *_widths(model)
    attention, mlp = d * (q + 2 * k) + q * d, 3 * d * _mlp_width(model)
    return {
        "token_flops": layers * 2 * (attention + mlp * max(model.experts_per_token, 1)),
        "pair_flops": layers * 4 * q,
        "token_vector_flops": layers * 2 * d,
        "pair_vector_flops": layers * 5 * model.num_heads,
        "token_values": layers * (d + 2 * k),
        "context_values": layers * 2 * k,
        "weights": layers * (attention + (0 if model.experts else mlp)),
        "expert_weights": layers * mlp if model.experts else 0,
        "experts": model.experts,
        "experts_per_token": model.experts_per_token,
        "value_bytes": model.bytes_per_param,
    }


def _rates(hardware: Hardware, layers: int, tp: int) -> dict[str, float]:
    """The hardware."""
    flops_s = hardware.tflops_peak * 1e12
    return {
        "tp": tp,
        "prefill_flops_s": flops_s * hardware.mfu_prefill,
        "decode_flops_s": flops_s * hardware.mfu_decode,
        "vector_flops_s": 0.10 * flops_s,
        "bytes_s": hardware.bw_peak_tbs * 1e12 * hardware.bw_efficiency,
        "layers_us": layers * hardware.per_layer_overhead_us,
        "all_reduce_us": layers * 2 * hardware.all_reduce_latency_us if tp > 1 else 0.0,
        "fixed_us": hardware.step_overhead_us,
    }


def _widths(model: ModelShape) -> tuple[int, int]:
    """Numbers in the query of a token in one layer, q, and in its key, k; its value vector is as wide as the key."""
    head_dim = model.head_dim or model.hidden_size // model.num_heads
    return model.num_heads * head_dim, (model.num_kv_heads or model.num_heads) * head_dim


def _mlp_width(model: ModelShape) -> int:
    """Width of the MLP, or of one expert."""
    dense = model.intermediate_size or 4 * model.hidden_size
    return (model.expert_intermediate_size or dense) if model.experts else dense


def weight_bytes(model: ModelShape) -> float:
    """Bytes of all weights of the layers, every expert included; embedding and head are left out, as in a step."""
    counts = _counts(model)
    return (counts["weights"] + counts["expert_weights"] * model.experts) * model.bytes_per_param


def kv_room(roofline: Roofline, tp: int) -> tuple[float, float, float]:
    """Bytes of each GPU that weights take, that nothing may use, and that a token's KV takes."""
    model = roofline.model
    token_bytes = 2 * model.num_layers * _widths(model)[1] * model.bytes_per_param
    return weight_bytes(model) / tp, 0.0, token_bytes / tp


@LATENCY.register("roofline-original", resolve=partial(resolve_roofline, kv_room), derive=_derive, **_BOUNDS)
def roofline_original(
    token_flops,
    pair_flops,
    token_vector_flops,
    pair_vector_flops,
    token_values,
    context_values,
    weights,
    expert_weights,
    experts,
    experts_per_token,
    value_bytes,
    tp,
    prefill_flops_s,
    decode_flops_s,
    vector_flops_s,
    bytes_s,
    layers_us,
    all_reduce_us,
    fixed_us,
    weights_twice,
    step,
):
    """All members in one pass (compat: one pass for each phase), and what every step costs besides."""

    def compute_s(flops_s, tokens, pairs):
        """One GPU's time for new tokens that attend to `pairs` tokens in all: matrices, then vectors."""
        if tokens == 0:
            return 0.0  # divisions take their time
        flops = token_flops * tokens + pair_flops * pairs
        vector_flops = token_vector_flops * tokens + pair_vector_flops * pairs
        return flops / tp / flops_s + vector_flops / tp / vector_flops_s

    def memory_s(tokens, context):
        """One GPU's time for the weights that `tokens` reach, for their own numbers, and for the KV of `context`."""
        values = weights + expert_weights * min(experts, experts_per_token * tokens)
        values += token_values * tokens + context_values * context
        return values * value_bytes / tp / bytes_s

    prefill_s = compute_s(prefill_flops_s, step.prefill_tokens, step.prefill_pairs)
    decode_s = compute_s(decode_flops_s, step.decodes, step.decode_context)
    busy_s = 0.0
    if weights_twice:
        if step.prefills > 0:
            busy_s += max(prefill_s, memory_s(step.prefill_tokens, step.prefill_context))
        if step.decodes > 0:
            busy_s += max(decode_s, memory_s(step.decodes, step.decode_context))
    elif step.prefills + step.decodes > 0:
        tokens, context = step.prefill_tokens + step.decodes, step.prefill_context + step.decode_context
        busy_s = max(prefill_s + decode_s, memory_s(tokens, context))
    return busy_s * 1e6 + layers_us + all_reduce_us + fixed_us + 0.5  # to the nearest µs
