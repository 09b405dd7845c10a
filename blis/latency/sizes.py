"""What a model consists of: its weights in numbers and bytes, what attention computes, what the KV cache stores.

All of the whole model; an MLP has three matrices, as all models since Llama do. Biases and norms are left out: they
are below a thousandth of any model here.
"""

from __future__ import annotations

from typing import NamedTuple

from blis.latency.shapes import ModelShape


class Weights(NamedTuple):
    """Numbers in the matrices of a model."""

    attention: int
    mlp: int  # of layers without experts, and of experts that every token passes
    expert: int  # one expert of every layer that has them
    router: int
    head: int
    embedding: int  # 0 if it is the head


def weights(model: ModelShape) -> Weights:
    """All layers together."""
    d = model.hidden_size
    expert_layers = model.num_layers - model.dense_layers if model.experts else 0
    dense = (model.num_layers - expert_layers) * _mlp_width(model) + expert_layers * model.shared_intermediate_size
    width = model.expert_intermediate_size or _mlp_width(model)
    head = d * model.vocab_size
    return Weights(
        attention=model.num_layers * _attention(model),
        mlp=3 * d * dense,
        expert=expert_layers * 3 * d * width,
        router=expert_layers * d * model.experts,
        head=head,
        embedding=0 if model.tied_embeddings else head,
    )


def layer_weights(model: ModelShape) -> int:
    """Numbers in all layers: what is neither head nor embedding."""
    count = weights(model)
    return count.attention + count.mlp + model.experts * count.expert + count.router


class Widths(NamedTuple):
    """Bytes of one number."""

    attention: float
    mlp: float
    expert: float
    head: float  # embedding and router, too


def widths(model: ModelShape) -> Widths:
    """Of each kind of matrix."""
    usual = model.bytes_per_param
    return Widths(
        model.attention_bytes_per_param or usual,
        usual,
        model.expert_bytes_per_param or usual,
        model.head_bytes_per_param or max(usual, 2.0),
    )


def weight_bytes(model: ModelShape, expert_share: float = 1.0) -> float:
    """Bytes of all weights as they lie in memory and in the checkpoint; of the experts only a share."""
    count, width = weights(model), widths(model)
    experts = model.experts * count.expert * width.expert * expert_share
    others = (count.router + count.head + count.embedding) * width.head
    return count.attention * width.attention + count.mlp * width.mlp + experts + others


def kv_heads(model: ModelShape) -> int:
    """Heads that are stored; the vector that all heads share is one."""
    return 1 if model.kv_latent else model.num_kv_heads or model.num_heads


def kv_values(model: ModelShape, tp: int = 1) -> float:
    """Numbers that one of `tp` GPUs stores for a token in one layer: its share of the heads, but one head at least."""
    if model.kv_latent:
        return model.kv_latent + model.rope_head_dim  # heads share it, so every GPU has it
    return 2 * max(1.0, kv_heads(model) / tp) * _head_dim(model)


def value_bytes(model: ModelShape, given: float = 0.0) -> float:
    """Bytes of a number in the KV cache, unless they are given."""
    return given or model.kv_bytes_per_value or max(model.bytes_per_param, 2.0)


def kv_bytes(model: ModelShape, tp: int = 1, given: float = 0.0) -> float:
    """Bytes of one token in the KV cache of one of `tp` GPUs, all layers; a window does not make them fewer."""
    return model.num_layers * kv_values(model, tp) * value_bytes(model, given)


def pair_flops(model: ModelShape) -> float:
    """Operations of one layer for a new token and one that it attends to: their score, and its share of the value."""
    if model.kv_latent:
        return 2.0 * model.num_heads * (model.nope_head_dim + model.rope_head_dim + model.v_head_dim)
    return 4.0 * model.num_heads * _head_dim(model)


def decode_pair_flops(model: ModelShape) -> float:
    """The same where the token is a single one: with latent vectors it is their full width that is multiplied."""
    if model.kv_latent:
        return 2.0 * model.num_heads * (2 * model.kv_latent + model.rope_head_dim)
    return pair_flops(model)


def _attention(model: ModelShape) -> int:
    """Numbers in the projections of one layer."""
    d, heads = model.hidden_size, model.num_heads
    if not model.kv_latent:
        return d * _head_dim(model) * (2 * heads + 2 * kv_heads(model))
    query = heads * (model.nope_head_dim + model.rope_head_dim)
    queries = model.q_latent * (d + query) if model.q_latent else d * query
    latent = d * (model.kv_latent + model.rope_head_dim)
    keys_and_values = model.kv_latent * heads * (model.nope_head_dim + model.v_head_dim)
    return queries + latent + keys_and_values + heads * model.v_head_dim * d


def _head_dim(model: ModelShape) -> int:
    return model.head_dim or model.hidden_size // model.num_heads


def _mlp_width(model: ModelShape) -> int:
    return model.intermediate_size or 4 * model.hidden_size
