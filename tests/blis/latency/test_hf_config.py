"""What a `config.json` of Hugging Face says is understood, or refused by key; never guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blis.config import ModelShape
from blis.errors import InputError
from blis.latency.catalog import find_model
from blis.latency.hf_config import model_from_config
from blis.latency.sizes import kv_bytes, weight_bytes
from tests.places import ROOT

CONFIGS = ROOT / "tests" / "data" / "hf_configs"

#: Bytes of the published checkpoint, and of a token in the KV cache by the model's own numbers: layers, KV heads and
#: their width, two for key and value, bytes. The bytes are `metadata.total_size` of model.safetensors.index.json in the
#: repository named on Hugging Face, as public code quotes it (looked up in November 2026), or what is said there.
PUBLISHED = {
    "llama-2-7b": (13_476_831_232, 32 * 32 * 128 * 2 * 2),  # meta-llama/Llama-2-7b-hf: 6738415616 parameters
    "llama-3.1-8b": (16_060_522_496, 32 * 8 * 128 * 2 * 2),  # meta-llama/Llama-3.1-8B
    "llama-3.1-8b-fp8": (9_080_000_000, 32 * 8 * 128 * 2 * 2),  # RedHatAI's FP8-dynamic; not found anywhere
    "qwen2.5-7b-awq": (5_570_000_000, 28 * 4 * 128 * 2 * 2),  # Qwen/Qwen2.5-7B-Instruct-AWQ; not found anywhere
    "qwen3-32b": (65_524_246_528, 64 * 8 * 128 * 2 * 2),  # Qwen/Qwen3-32B
    "gemma-2-9b": (18_483_411_968, 42 * 8 * 256 * 2 * 2),  # google/gemma-2-9b-it
    "mixtral-8x7b": (93_405_585_408, 32 * 8 * 128 * 2 * 2),  # mistralai/Mixtral-8x7B-v0.1: 46702792704 parameters
    "qwen3-30b-a3b": (61_064_245_248, 48 * 4 * 128 * 2 * 2),  # Qwen/Qwen3-30B-A3B
    "qwen1.5-moe-a2.7b": (28_631_568_384, 24 * 16 * 128 * 2 * 2),  # Qwen/Qwen1.5-MoE-A2.7B
    "deepseek-v2-lite": (31_412_968_448, 27 * (512 + 64) * 2),  # deepseek-ai/DeepSeek-V2-Lite
    # deepseek-ai/DeepSeek-V3 has 671026419200 parameters without its last layer, which predicts further tokens: a byte
    # each, one more for those of embedding and head (2 x 129280 x 7168) and routers (58 x 256 x 7168), scales left out.
    "deepseek-v3": (672_986_207_744, 61 * (512 + 64) * 2),
    "gpt-oss-20b": (13_761_264_768, 24 * 8 * 64 * 2 * 2),  # openai/gpt-oss-20b
    "gpt-oss-120b": (65_248_815_744, 36 * 8 * 64 * 2 * 2),  # openai/gpt-oss-120b
}

LLAMA: dict[str, Any] = json.loads((CONFIGS / "llama-3.1-8b.json").read_text())
MIXTURE: dict[str, Any] = json.loads((CONFIGS / "qwen3-30b-a3b.json").read_text())
LATENT: dict[str, Any] = json.loads((CONFIGS / "deepseek-v2-lite.json").read_text())


@pytest.mark.parametrize("name", PUBLISHED)
def test_weights_and_kv_are_those_of_the_published_checkpoint(name: str):
    shape = model_from_config(CONFIGS / f"{name}.json")
    checkpoint, token = PUBLISHED[name]
    assert weight_bytes(shape) == pytest.approx(checkpoint, rel=0.0015)
    assert kv_bytes(shape) == token


@pytest.mark.parametrize("name", ["qwen3-32b", "qwen3-30b-a3b", "deepseek-v2-lite", "deepseek-v3", "gpt-oss-120b"])
def test_a_shipped_shape_is_what_its_config_says(name: str):
    shipped, read = find_model(name), model_from_config(CONFIGS / f"{name}.json")
    assert weight_bytes(shipped) == weight_bytes(read) and kv_bytes(shipped) == kv_bytes(read)
    for key in ("experts", "experts_per_token", "dense_layers", "sliding_layers", "sliding_window", "math"):
        assert getattr(shipped, key) == getattr(read, key)


def model(folder: Path, config: object) -> ModelShape:
    (folder / "config.json").write_text(json.dumps(config))
    return model_from_config(folder / "config.json")


def without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def test_nested_text_config_wins(tmp_path: Path):
    nested = {"text_config": LLAMA, "hidden_size": 1, "vocab_size": 2, "vision_config": {"hidden_size": 3}}
    assert weight_bytes(model(tmp_path, nested)) == weight_bytes(find_model("llama-3.1-8b"))


def test_null_sizes_are_left_out(tmp_path: Path):
    shape = model(tmp_path, {**LLAMA, "num_key_value_heads": None, "head_dim": None})
    assert kv_bytes(shape) == 32 * 32 * 128 * 2 * 2


@pytest.mark.parametrize("key", ["num_kv_heads", "n_head_kv", "multi_query_group_num"])
def test_kv_heads_under_all_their_names(tmp_path: Path, key: str):
    config = {**without(LLAMA, "num_key_value_heads"), key: 2}
    assert kv_bytes(model(tmp_path, config)) == 32 * 2 * 128 * 2 * 2
    assert model(tmp_path, {**LLAMA, key: 8}) == model(tmp_path, LLAMA)


def test_a_checkpoint_of_32_bits_is_served_in_16(tmp_path: Path):
    wide = model(tmp_path, {**LLAMA, "torch_dtype": "float32"})
    assert (weight_bytes(wide), kv_bytes(wide)) == (16_060_522_496 - 266_240 * 2, 32 * 8 * 128 * 2 * 2)


@pytest.mark.parametrize(
    ("family", "tied"), [("llama", False), ("qwen3", False), ("gemma3_text", True), ("smollm3", True)]
)
def test_models_whose_embedding_is_their_head_need_not_say_so(tmp_path: Path, family: str, tied: bool):
    config = {**without(LLAMA, "tie_word_embeddings"), "model_type": family, "head_dim": 128}
    assert model(tmp_path, config).tied_embeddings is tied
    assert not model(tmp_path, {**config, "tie_word_embeddings": False}).tied_embeddings


def test_a_head_size_of_its_own(tmp_path: Path):
    config = {**LLAMA, "hidden_size": 5000, "head_dim": 128}
    assert model(tmp_path, config).head_dim == 128
    with pytest.raises(InputError, match=r"config.json: .*hidden_size is no multiple of num_heads; give head_dim"):
        model(tmp_path, without(config, "head_dim"))


@pytest.mark.parametrize("key", ["num_local_experts", "num_experts", "n_routed_experts"])
def test_experts_under_all_their_names(tmp_path: Path, key: str):
    shape = model(tmp_path, {**LLAMA, key: 8, "num_experts_per_tok": 2, "moe_intermediate_size": 768})
    assert (shape.experts, shape.experts_per_token, shape.expert_intermediate_size) == (8, 2, 768)
    assert weight_bytes(shape) > weight_bytes(shape, 0.5) > 2 * 32 * 8 * 3 * 4096 * 768 / 2


def test_a_dense_model_may_carry_expert_keys(tmp_path: Path):
    assert model(tmp_path, {**LLAMA, "num_local_experts": 0, "num_experts_per_tok": 2}).experts_per_token == 0


@pytest.mark.parametrize(
    ("change", "dense"),
    [
        ({}, 0),
        ({"first_k_dense_replace": 3}, 3),
        ({"mlp_only_layers": [0, 5]}, 2),
        ({"decoder_sparse_step": 2}, 24),
        ({"moe_layer_freq": 3}, 32),
        ({"moe_layer_freq": [0] * 8 + [1] * 40}, 8),
    ],
)
def test_layers_without_experts(tmp_path: Path, change: dict[str, Any], dense: int):
    assert model(tmp_path, {**MIXTURE, **change}).dense_layers == dense


@pytest.mark.parametrize(
    ("change", "sliding"),
    [
        ({"sliding_window": None}, 0),
        ({"sliding_window": 100}, 32),
        ({"sliding_window": 100, "use_sliding_window": False}, 0),
        ({"sliding_window": 100, "use_sliding_window": True, "max_window_layers": 20}, 12),
        ({"sliding_window": 100, "sliding_window_pattern": 6}, 27),
        ({"sliding_window": 100, "model_type": "gemma3_text", "head_dim": 128}, 27),
        ({"sliding_window": 100, "model_type": "cohere2"}, 24),
        ({"sliding_window": 100, "model_type": "gpt_oss", "head_dim": 128}, 16),
        ({"sliding_window": 100, "_sliding_window_pattern": 4}, 24),
        ({"sliding_window": 100, "layer_types": ["full_attention"] * 31 + ["sliding_attention"]}, 1),
    ],
)
def test_layers_that_look_back_over_a_window(tmp_path: Path, change: dict[str, Any], sliding: int):
    shape = model(tmp_path, {**LLAMA, **change})
    assert (shape.sliding_layers, shape.sliding_window) == (sliding, 100 if sliding else 0)


@pytest.mark.parametrize(
    ("config", "part"),
    [
        (without(LLAMA, "num_hidden_layers"), "missing key num_hidden_layers"),
        (without(LLAMA, "intermediate_size"), "missing key intermediate_size"),
        (without(LLAMA, "vocab_size"), "missing key vocab_size"),
        (without(LLAMA, "torch_dtype"), r"missing key torch_dtype \(or dtype\)"),
        (without(MIXTURE, "num_experts_per_tok"), "missing key num_experts_per_tok"),
        (without(LATENT, "v_head_dim"), "kv_latent needs nope_head_dim and v_head_dim"),
        ({**LLAMA, "hidden_size": "4096"}, "hidden_size must be an integer, got '4096'"),
        ({**LLAMA, "text_config": [1]}, "text_config must be a mapping"),
        (
            {**LLAMA, "layer_types": ["linear_attention"] * 32},
            "unknown kind of layer in layer_types 'linear_attention'",
        ),
        ({**LLAMA, "layer_types": ["full_attention"]}, "layer_types must be a list of 32 names"),
        ({**MIXTURE, "moe_layer_freq": [1]}, "moe_layer_freq must have 48 values, got 1"),
        ({**LLAMA, "num_kv_heads": 71}, "num_key_value_heads 8 and num_kv_heads 71 contradict each other"),
        (without({**LLAMA, "model_type": "gemma3_text"}, "head_dim"), "missing key head_dim"),
        (without(MIXTURE, "head_dim"), "missing key head_dim"),
        (without(MIXTURE, "num_key_value_heads"), "missing key num_key_value_heads"),
        ({**MIXTURE, "mlp_only_layers": 5}, "mlp_only_layers must be a list, got 5"),
        ({**LLAMA, "tie_word_embeddings": "false"}, "tie_word_embeddings must be true or false, got 'false'"),
        ([1], "the document must be a mapping"),
    ],
)
def test_a_bad_model_names_file_and_key(tmp_path: Path, config: object, part: str):
    with pytest.raises(InputError, match=rf"config\.json: .*{part}") as caught:
        model(tmp_path, config)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path):
    with pytest.raises(InputError, match=r"config\.json: No such file"):
        model_from_config(tmp_path / "config.json")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json: not valid JSON"):
        model_from_config(tmp_path / "config.json")
