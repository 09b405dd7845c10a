"""What a roofline needs of its model and hardware: the few numbers that a step is computed from.

All sums over a step are linear in five counts, so a model is a few whole numbers: what a new token costs, what a pair
(new token, token before it) costs, what a token of context costs. l layers, d hidden size, q and k the width of a
query and a key (heads times head size), f the width of the MLP or of one expert. Formulas: engine.md 10.3, with
head size and experts as docs/policies.md section 6 says.
"""

from __future__ import annotations

from blis.config import Hardware, LatencyModel, ModelShape, Roofline
from blis.errors import InputError

GIB = 2**30
_INT64 = 2**63 - 1
_MAX_BLOCKS = 2**31 - 1
_MAX_STEP_US = 1e12  # as the coefficients of a blackbox


def step_numbers(latency: LatencyModel) -> dict[str, float]:
    """The fields of an ENGINE record that say how long a step takes; those left out are zero.

    Counts are of the whole model, before it is divided by tp; rates per second and GPU; times in µs.
    """
    if latency.roofline is None:
        step_us, prefill_us, decode_us = latency.beta
        return {"step_us": step_us, "prefill_us_token": prefill_us, "decode_us_token": decode_us}
    model, hardware = latency.roofline.model, latency.roofline.hardware
    return {"roofline": 1, "tp": float(latency.tp), **_counts(model), **_rates(hardware, model.num_layers, latency.tp)}


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
        "prefill_flops_s": flops_s * hardware.mfu_prefill,
        "decode_flops_s": flops_s * hardware.mfu_decode,
        "vector_flops_s": 0.10 * flops_s,
        "bytes_s": hardware.bw_peak_tbs * 1e12 * hardware.bw_efficiency,
        "layers_us": layers * hardware.per_layer_overhead_us,
        "all_reduce_us": layers * 2 * hardware.all_reduce_latency_us if tp > 1 else 0.0,
        "step_us": hardware.step_overhead_us,
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


def kv_blocks(roofline: Roofline, tp: int, block_tokens: int) -> int:
    """KV blocks that fit beside the weights into the memory of `tp` GPUs, in the share of it that may be used.

    Raises InputError if the memory is not known, or the weights leave no room for a block.
    """
    model, hardware = roofline.model, roofline.hardware
    if not hardware.memory_gb:
        raise InputError("give kv.blocks, or roofline.hardware.memory_gb to derive it from")
    usable = hardware.memory_gb * GIB * roofline.memory_utilization
    weights = weight_bytes(model) / tp
    block_bytes = 2 * model.num_layers * _widths(model)[1] * model.bytes_per_param * block_tokens
    blocks = int((usable - weights) * tp / block_bytes) if weights < usable else 0
    if blocks < 1:
        raise InputError(
            f"the weights take {weights / GIB:.1f} GB of each of {tp} GPUs, which leaves no room for a KV block in"
            f" {usable / GIB:.1f} GB ({hardware.memory_gb:g} GB x memory_utilization {roofline.memory_utilization:g});"
            " raise tp, or give kv.blocks"
        )
    return min(blocks, _MAX_BLOCKS)


def average_step_us(
    latency: LatencyModel, prefill: tuple[float, float, float], decode: tuple[float, float, float]
) -> float:
    """Time of a step made of averages, for rules of thumb: tokens, pairs and context of each phase.

    In one pass, as the default is; whole steps are the engine's business (blis.engine.instance.latency).
    """
    numbers = step_numbers(latency)
    compute_s = 0.0
    values = numbers["weights"]
    values += numbers["expert_weights"] * min(
        numbers["experts"], numbers["experts_per_token"] * max(prefill[0] + decode[0], 1)
    )
    for (tokens, pairs, context), rate in ((prefill, "prefill_flops_s"), (decode, "decode_flops_s")):
        compute_s += (numbers["token_flops"] * tokens + numbers["pair_flops"] * pairs) / numbers[rate]
        vector_flops = numbers["token_vector_flops"] * tokens + numbers["pair_vector_flops"] * pairs
        compute_s += vector_flops / numbers["vector_flops_s"]
        values += numbers["token_values"] * tokens + numbers["context_values"] * context
    memory_s = values * numbers["value_bytes"] / numbers["bytes_s"]
    busy_us = max(compute_s, memory_s) * 1e6 / numbers["tp"]
    return busy_us + numbers["layers_us"] + numbers["all_reduce_us"] + numbers["step_us"]


def check_steps(latency: LatencyModel, members: int, new_tokens: int, longest: int) -> None:
    """Refuse a roofline whose steps might not be counted in int64; `longest` is the longest request in tokens.

    The bound on a batch of `members` requests with `new_tokens` to prefill is generous: only a model or a GPU that
    cannot exist reaches it.
    """
    if latency.roofline is None:
        return
    numbers, tokens = step_numbers(latency), new_tokens + members
    flops = numbers["token_flops"] * tokens + numbers["pair_flops"] * tokens * longest
    vector_flops = numbers["token_vector_flops"] * tokens + numbers["pair_vector_flops"] * tokens * longest
    weights = numbers["weights"] + numbers["expert_weights"] * numbers["experts"]
    values = weights + numbers["token_values"] * tokens + numbers["context_values"] * tokens * longest
    seconds = (
        flops / min(numbers["prefill_flops_s"], numbers["decode_flops_s"])
        + vector_flops / numbers["vector_flops_s"]
        + 2 * values * numbers["value_bytes"] / numbers["bytes_s"]
    )
    if max(flops, vector_flops, values) > _INT64 or not seconds * 1e6 <= _MAX_STEP_US:
        raise InputError(
            f"latency_model.roofline: a step with {new_tokens} new tokens of requests of up to {longest} tokens takes"
            " too long to count; a size of the model is too large, or the hardware too slow"
        )
