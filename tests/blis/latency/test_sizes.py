"""What a model weighs and stores, counted by hand on models small enough for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import ModelShape
from blis.latency.sizes import decode_pair_flops, kv_bytes, pair_flops, weight_bytes, weights

#: Two layers; heads of 5.
DENSE = ModelShape(2, 10, 2, 1, 20, vocab_size=50)
LATENT = replace(DENSE, kv_latent=6, rope_head_dim=2, nope_head_dim=3, v_head_dim=4)


def test_a_dense_model():
    attention, mlp, head = 2 * (10 * 10 + 2 * 10 * 5 + 10 * 10), 2 * 3 * 10 * 20, 10 * 50
    assert weights(DENSE) == (attention, mlp, 0, 0, head, head)
    assert weight_bytes(DENSE) == 2 * (attention + mlp + 2 * head)
    assert weight_bytes(replace(DENSE, tied_embeddings=True)) == 2 * (attention + mlp + head)


def test_each_part_has_its_width():
    narrow = replace(
        DENSE, bytes_per_param=0.5, attention_bytes_per_param=1.0, head_bytes_per_param=4.0, tied_embeddings=True
    )
    assert weight_bytes(narrow) == 600 * 1.0 + 1200 * 0.5 + 500 * 4.0
    assert weight_bytes(replace(narrow, head_bytes_per_param=0.0)) == 600 * 1.0 + 1200 * 0.5 + 500 * 2.0


def test_experts_shared_ones_and_layers_without():
    mixture = replace(
        DENSE,
        experts=4,
        experts_per_token=2,
        expert_intermediate_size=7,
        shared_intermediate_size=3,
        dense_layers=1,
    )
    count = weights(mixture)
    assert count.mlp == 3 * 10 * 20 + 3 * 10 * 3
    assert (count.expert, count.router) == (3 * 10 * 7, 10 * 4)
    assert weight_bytes(mixture) - weight_bytes(mixture, 0.5) == 2 * 4 * 210 / 2


def test_latent_attention():
    query, latent, up, out = 10 * 2 * (3 + 2), 10 * (6 + 2), 6 * 2 * (3 + 4), 2 * 4 * 10
    assert weights(LATENT).attention == 2 * (query + latent + up + out)
    compressed = 7 * (10 + 2 * (3 + 2))
    assert weights(replace(LATENT, q_latent=7)).attention == 2 * (compressed + latent + up + out)


@pytest.mark.parametrize(("tp", "heads"), [(1, 4), (2, 2), (4, 1), (8, 1)])
def test_gpus_share_kv_heads_as_long_as_there_are_any(tp: int, heads: int):
    assert kv_bytes(ModelShape(3, 40, 8, 4, 20), tp) == 3 * 2 * heads * 5 * 2


def test_every_gpu_stores_the_latent_vector():
    assert kv_bytes(LATENT) == kv_bytes(LATENT, 8) == 2 * (6 + 2) * 2


@pytest.mark.parametrize(
    ("model", "given", "each"),
    [
        (DENSE, 0, 2),
        (replace(DENSE, bytes_per_param=0.5), 0, 2),
        (replace(DENSE, bytes_per_param=4.0), 0, 4),
        (replace(DENSE, kv_bytes_per_value=1.0), 0, 1),
        (replace(DENSE, kv_bytes_per_value=1.0), 0.5, 0.5),
    ],
)
def test_the_cache_has_a_width_of_its_own(model: ModelShape, given: float, each: float):
    assert kv_bytes(model, 1, given) == 2 * 2 * 5 * each


def test_what_attention_computes():
    assert pair_flops(DENSE) == decode_pair_flops(DENSE) == 2 * 2 * (5 + 5)
    assert pair_flops(LATENT) == 2 * 2 * (3 + 2 + 4)
    assert decode_pair_flops(LATENT) == 2 * 2 * (6 + 2 + 6)
