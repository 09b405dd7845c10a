"""What one GPU has of a model adds up to the model, and what cannot be timed is refused by name."""

from dataclasses import replace

import pytest

from blis.errors import InputError
from blis.latency.catalog import find_model
from blis.latency.sizes import kv_bytes, weights
from experiments.gpu_steps.sizes import sizes

DENSE, MIXTURE = find_model("llama-3.1-8b-instruct"), find_model("qwen3-30b-a3b")
GIB = 2**30


@pytest.mark.parametrize("model", [DENSE, MIXTURE, replace(MIXTURE, dense_layers=3, shared_intermediate_size=1024)])
@pytest.mark.parametrize("tp", [1, 4])
def test_all_gpus_together_have_the_whole_model(model, tp):
    built, count = sizes(model, tp), weights(model)
    numbers = count.attention + count.mlp + model.experts * count.expert
    router = 2 * count.router * (tp - 1)  # which every GPU has
    assert tp * sum(kind.number * kind.weight_bytes for kind in built.kinds) == 2 * (numbers + count.router) + router
    assert sum(kind.number for kind in built.kinds) == model.num_layers
    assert built.vocabulary == model.vocab_size / tp
    assert {model.num_layers * kind.kv_bytes for kind in built.kinds} == {kv_bytes(model, tp)}


def test_a_gpu_has_one_head_of_keys_at_least():
    assert sizes(MIXTURE, 8).kinds[0].kv_heads == 1


def test_fp8_matrices_are_half_as_large():
    halved = sizes(replace(DENSE, bytes_per_param=1.0, math="fp8", head_bytes_per_param=2.0), 1).kinds[0]
    assert halved.attention_fp8 and halved.mlp_fp8
    assert 2 * halved.weight_bytes == sizes(DENSE, 1).kinds[0].weight_bytes


def test_layers_are_built_as_memory_allows_and_caches_demand():
    built = sizes(DENSE, 1)
    assert built.built(140 * GIB) == 4 and built.built(5 * GIB) == 3
    small = sizes(find_model("llama-3.2-1b-instruct"), 8)
    assert small.built(140 * GIB) * small.kinds[0].weight_bytes >= 2**29
    with pytest.raises(InputError, match="raise --tp"):
        built.built(2 * GIB)
    assert built.most_kv_tokens(80 * GIB) == 8 * GIB // (2 * 2 * 8 * 128)


@pytest.mark.parametrize(
    ("model", "tp", "said"),
    [
        (find_model("deepseek-v3"), 1, "kv_latent"),
        (find_model("gpt-oss-20b"), 1, "sliding_window"),
        (replace(DENSE, vocab_size=0), 1, "vocab_size"),
        (replace(DENSE, kv_bytes_per_value=1.0), 1, "KV of 1 bytes"),
        (replace(DENSE, head_bytes_per_param=1.0), 1, "a head of 1 bytes"),
        (replace(DENSE, bytes_per_param=0.53), 1, "attention of 0.53 bytes a number"),
        (replace(DENSE, attention_bytes_per_param=2.0, bytes_per_param=1.0, math="int8"), 1, "MLP of 1 bytes"),
        (replace(MIXTURE, expert_bytes_per_param=1.0, math="fp8"), 1, "experts of 1 bytes"),
        (DENSE, 3, "--tp 3: num_heads 32"),
    ],
)
def test_what_cannot_be_timed_is_named(model, tp, said):
    with pytest.raises(InputError, match=said):
        sizes(model, tp)
