"""Roofline: how long the matrix products, attention and exchanges of a step take (docs/policies.md section 6).

A product reads its weights while it computes, so that it takes the longer of both, and a little more where both take
about as long. What a GPU reaches of its peaks stands in the catalogue of GPUs, or below where all are alike; which
numbers have which source is in docs/policies.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any

from blis.latency.deployment import GIB, needed_roofline, resolve_roofline
from blis.latency.registry import LATENCY
from blis.latency.shapes import Hardware, ModelShape, Roofline
from blis.latency.sizes import (
    decode_pair_flops,
    kv_bytes,
    kv_values,
    pair_flops,
    value_bytes,
    weight_bytes,
    weights,
    widths,
)
from blis.policies.registry import Bounds

if TYPE_CHECKING:
    from blis.config import Compat, LatencyModel

#: Rows that a product computes in vain: tiles are 64 high, and the last one of a matrix is on average half full.
IDLE_ROWS = 32.0

#: The same of an expert's matrix: tiles of grouped products are 16 high where an expert gets few rows.
EXPERT_IDLE_ROWS = 8.0

#: Reading KV blocks that lie scattered, of many lengths at once, reaches this share of the peak (paged attention).
KV_READ_SHARE = 0.75

#: Attention computes at this share of the peak over long prompts (FlashAttention-2 and later).
ATTENTION_SHARE = 0.4

#: Products of an expert each, grouped in one kernel, reach less: this share of the peak in reading, and this share of
#: what a plain product reaches in computing. Kernel times of vLLM's fused MoE on A100 (vllm-project/vllm #40542:
#: 64 experts of 1408: 0.8 and 0.6 of 0.8; #19049: 0.83) and RTX PRO 6000 (#39183: 0.85).
EXPERT_READ_SHARE = 0.8
EXPERT_COMPUTE_SHARE = 0.6

#: With whole experts on each GPU the busiest one sets the pace.
EXPERT_IMBALANCE = 1.2

#: Kernels of a layer that start one after the other in a CUDA graph, and those of routing to experts beside them.
LAYER_US = 5.0
EXPERT_LAYER_US = 10.0

#: What the GPU waits for between two steps: scheduling, input tensors, sampling; a step and each member; a prompt's
#: blocks and tokens come on top where it prefills.
STEP_US = 500.0
MEMBER_US = 20.0
PREFILL_US = 100.0

#: Memory of a GPU that neither weights nor KV may have: the driver, the CUDA context and graphs, a step's activations.
#: vLLM 0.19 leaves about as much on a card of 24 GB: 2588 blocks beside Llama-3.1-8B.
RESERVED_BYTES = 1.6 * GIB

#: What a step is computed from: times of one GPU.
_NUMBERS = (
    "read_us",  # weights of attention and MLP, once
    "token_us",  # computing with them, a token
    "expert_read_us",  # weights of all experts
    "expert_token_us",  # computing with those of a token
    "rows_token",  # rows that a token brings to all experts of a layer together …
    "experts",  # … and how many there are
    "missed",  # share of the experts that one token does not reach
    "peers",  # instances whose tokens the same experts serve
    "head_read_us",
    "head_token_us",
    "pair_us",  # attention in layers that see all context: a pair of a new token and one before it …
    "context_us",  # … a token of context read for a prefill …
    "decode_us",  # … and for a decode
    "window_tokens",
    "window_pair_us",  # the same in layers that see a window
    "window_context_us",
    "window_decode_us",
    "sent_us",  # exchanges, a token
    "fixed_us",
    "member_us",
    "prefill_us",
)
_BOUNDS: dict[str, Any] = dict.fromkeys(_NUMBERS, Bounds(0, 1e300))


def kv_room(roofline: Roofline, tp: int) -> tuple[float, float, float]:
    """Bytes of each GPU that weights take, that nothing may use, and that a token's KV takes."""
    held = weight_bytes(roofline.model, 1 / roofline.data_parallel) / tp
    return held, RESERVED_BYTES, kv_bytes(roofline.model, tp, roofline.kv_bytes_per_value)


def _derive(model: LatencyModel, compat: Compat) -> Mapping[str, float]:
    """What `_NUMBERS` says."""
    roofline = needed_roofline(model)
    shape, hardware, tp = roofline.model, roofline.hardware, model.tp
    return {
        **_products(shape, hardware, tp),
        **_experts(roofline, tp),
        **_attention(shape, hardware, tp, value_bytes(shape, roofline.kv_bytes_per_value)),
        **_between(roofline, tp),
    }


def _products(model: ModelShape, hardware: Hardware, tp: int) -> dict[str, float]:
    """Products that every token takes part in."""
    count, width = weights(model), widths(model)
    parts = ((count.attention, width.attention), (count.mlp, width.mlp), (count.router, width.head))
    return {
        "read_us": sum(_read_us(hardware, numbers * each) for numbers, each in parts) / tp,
        "token_us": sum(_row_us(model, hardware, numbers, each) for numbers, each in parts) / tp,
        "head_read_us": _read_us(hardware, count.head * width.head) / tp,
        "head_token_us": _row_us(model, hardware, count.head, width.head) / tp,
    }


def _experts(roofline: Roofline, tp: int) -> dict[str, float]:
    """Products that a token takes to few experts, spread over all GPUs of all peers."""
    model, hardware, peers = roofline.model, roofline.hardware, roofline.data_parallel
    numbers, width = weights(model).expert, widths(model).expert
    pace = (EXPERT_IMBALANCE if roofline.expert_parallel and tp * peers > 1 else 1.0) / (tp * peers)
    read_s = model.experts * numbers * width / (hardware.bw_peak_tbs * 1e12 * EXPERT_READ_SHARE)
    row_us = _row_us(model, hardware, model.experts_per_token * numbers, width) / EXPERT_COMPUTE_SHARE
    return {
        "expert_read_us": read_s * 1e6 * pace,
        "expert_token_us": row_us * pace,
        "rows_token": model.experts_per_token,
        "experts": model.experts,
        "missed": 1 - model.experts_per_token / model.experts if model.experts else 1.0,
        "peers": peers,
    }


def _attention(model: ModelShape, hardware: Hardware, tp: int, each: float) -> dict[str, float]:
    """Attention over context; a decode computes while it reads, which takes longer with latent vectors only."""
    pair_us = 1e6 * pair_flops(model) / tp / (hardware.flops_s("bf16") * ATTENTION_SHARE)
    read_us = 1e6 * kv_values(model, tp) * each / (hardware.bw_peak_tbs * 1e12 * KV_READ_SHARE)
    decode_us = max(read_us, pair_us * decode_pair_flops(model) / pair_flops(model))
    full, sliding = model.num_layers - model.sliding_layers, model.sliding_layers
    return {
        "pair_us": full * pair_us,
        "context_us": full * read_us,
        "decode_us": full * decode_us,
        "window_tokens": model.sliding_window,
        "window_pair_us": sliding * pair_us,
        "window_context_us": sliding * read_us,
        "window_decode_us": sliding * decode_us,
    }


def _between(roofline: Roofline, tp: int) -> dict[str, float]:
    """What comes between products: kernels that start, exchanges among GPUs, the host.

    With tp > 1 a layer sums its results over the GPUs twice; each sends its share of them, and gets the sums. With
    peers, tokens also go to the experts and come back.
    """
    model, hardware, peers = roofline.model, roofline.hardware, roofline.data_parallel
    expert_layers = model.num_layers - model.dense_layers if model.experts else 0
    exchanges = 2 * model.num_layers * (tp > 1) + 2 * expert_layers * (peers > 1)
    copies = 2 * model.num_layers * 2 * (tp - 1) / tp + 2 * expert_layers * (peers - 1) / tp
    bytes_token = copies * model.hidden_size * max(2.0, model.bytes_per_param)
    return {
        "sent_us": 1e6 * bytes_token / (hardware.link_gbs * 1e9 * hardware.link_share),
        "fixed_us": STEP_US
        + model.num_layers * LAYER_US
        + expert_layers * EXPERT_LAYER_US
        + exchanges * hardware.link_latency_us,
        "member_us": MEMBER_US,
        "prefill_us": PREFILL_US,
    }


def _read_us(hardware: Hardware, count: float) -> float:
    """Time to read bytes that lie in a row."""
    return 1e6 * count / (hardware.bw_peak_tbs * 1e12 * hardware.read_share)


def _row_us(model: ModelShape, hardware: Hardware, numbers: float, each: float) -> float:
    """Time to multiply one row with a matrix, where there are many rows."""
    return 1e6 * 2 * numbers / (hardware.flops_s(model.math if each < 2 else "bf16") * hardware.matmul_share)


@LATENCY.register("roofline", resolve=partial(resolve_roofline, kv_room), derive=_derive, **_BOUNDS)
def roofline(
    read_us,
    token_us,
    expert_read_us,
    expert_token_us,
    rows_token,
    experts,
    missed,
    peers,
    head_read_us,
    head_token_us,
    pair_us,
    context_us,
    decode_us,
    window_tokens,
    window_pair_us,
    window_context_us,
    window_decode_us,
    sent_us,
    fixed_us,
    member_us,
    prefill_us,
    step,
):
    """One pass over all members: layers, head of the members, attention, exchanges, and what every step waits for."""

    def product_us(reading_us, computing_us):
        """Both at once: the longer one, and a corner where they meet."""
        return sqrt(reading_us * reading_us + computing_us * computing_us)

    members = step.prefills + step.decodes
    tokens = step.prefill_tokens + step.decodes + step.drafts
    if members == 0:
        return fixed_us + 0.5
    us = product_us(read_us, token_us * (tokens + IDLE_ROWS))
    us += product_us(head_read_us, head_token_us * (members + step.drafts + IDLE_ROWS))
    if experts > 0:
        reached = 1 - missed ** (1.0 * peers * tokens)  # expected, if a token chooses at random
        idle_tokens = EXPERT_IDLE_ROWS * experts * reached / rows_token
        us += product_us(expert_read_us * reached, expert_token_us * (peers * tokens + idle_tokens))
    us += max(pair_us * step.prefill_pairs, context_us * step.prefill_context) + decode_us * step.decode_context
    if window_tokens > 0:
        pairs = min(step.prefill_pairs, window_tokens * step.prefill_tokens)
        context = min(step.prefill_context, window_tokens * step.prefills)
        us += max(window_pair_us * pairs, window_context_us * context)
        us += window_decode_us * min(step.decode_context, window_tokens * step.decodes)
    us += sent_us * tokens + fixed_us + member_us * members + prefill_us * step.prefills
    return us + 0.5  # to the nearest µs
