"""Builds and keys that are not understood are refused by name; what changes no shape is not looked at."""

from __future__ import annotations

from typing import Any

import pytest

from blis.errors import InputError
from blis.latency.hf_strange import UNDERSTOOD, refuse_strange

PLAIN = {"model_type": "llama", "hidden_act": "silu", "num_hidden_layers": 32}
KNOWN = ("num_hidden_layers", "layer_types")

#: Keys and values as transformers 5.24 has them, and what they are of.
STRANGE: dict[str, dict[str, Any]] = {
    "arctic": {"moe_layer_frequency": 2},
    "dbrx": {"ffn_config": {"moe_num_experts": 16}},
    "deepseek v3.2": {"index_topk": 2048, "index_head_dim": 128},
    "ernie 4.5 moe": {"moe_num_experts": 64},
    "falcon": {"ffn_hidden_size": 18176, "multi_query": True},
    "gemma 3n": {"num_kv_shared_layers": 10, "altup_num_inputs": 4, "laurel_rank": 64},
    "gemma 4": {"hidden_size_per_layer_input": 256, "vocab_size_per_layer_input": 262144},
    "gemma 4, large": {"global_head_dim": 512, "num_global_key_value_heads": 4},
    "gemma 4, of transformers": {"per_layer_config": {"05": {"head_dim": 512}}},
    "gemma 4, keys are values": {"attention_k_eq_v": True, "use_double_wide_mlp": True},
    "hrm": {"H_cycles": 2},
    "jamba": {"attn_layer_period": 8, "mamba_d_state": 16},
    "jetmoe": {"kv_channels": 128},
    "kimi linear": {"linear_attn_config": {"num_heads": 32}},
    "lfm2": {"conv_L_cache": 3},
    "llama 4": {"attention_chunk_size": 8192, "interleave_moe_layer_step": 1, "intermediate_size_mlp": 16384},
    "longcat": {"zero_expert_num": 256},
    "mimo v2": {"swa_head_dim": 192, "swa_num_attention_heads": 64},
    "minimax": {"attn_type_list": [0, 1], "linear_attn_alpha_factor": 1},
    "mllama": {"cross_attention_layers": [3, 8]},
    "nemotron h": {"hybrid_override_pattern": "M-M*"},
    "nemotron nas": {"block_configs": [{}]},
    "openelm": {"num_query_heads": [12, 16], "ffn_multipliers": [0.5] * 32},
    "ouro": {"total_ut_steps": 4},
    "plamo 2": {"hidden_size_per_head": 128},
    "qwen3 next": {"linear_num_key_heads": 16},
}
EACH_KEY = [(key, value) for keys in STRANGE.values() for key, value in keys.items()]


@pytest.mark.parametrize(("key", "value"), [*EACH_KEY, ("of_each", [7] * 32)])
def test_a_key_that_asks_for_other_layers_or_sizes_is_named(key: str, value: object):
    with pytest.raises(
        InputError, match=rf"key '{key}' \(.*\) is not understood; describe the model as roofline.model"
    ):
        refuse_strange({**PLAIN, key: value}, KNOWN)


@pytest.mark.parametrize(
    "given",
    [
        {"mamba_d_state": None, "use_linear_attn": False, "num_experts": 0, "pruned_heads": {}},  # switched off
        {"moe_aux_loss_coef": 0.01, "router_aux_loss_coef": 0.9, "hidden_dropout": 0.1},  # rates
        {"vision_config": {"num_heads": 16}, "mm_hidden_size": 1024, "vision_feature_layer": -2},  # other parts
        {"no_rope_layers": [1] * 32, "no_rope_layer_interval": 4, "rotary_dim": 64, "rope_scaling": {"factor": 8}},
        {"num_nextn_predict_layers": 1, "qk_head_dim": 192, "n_group": 8, "topk_group": 4, "ep_size": 1},
        {"query_pre_attn_scalar": 256, "num_beams": 1, "num_beam_groups": 1, "pad_token_id": 3, "max_length": 20},
        {"mlp_bias": True, "attention_bias": True, "max_position_embeddings": 131072, "eos_token_id": [1, 2]},
        {"layer_types": ["full_attention"] * 32},  # known
    ],
)
def test_what_changes_no_shape_is_not_looked_at(given: dict[str, Any]):
    refuse_strange({**PLAIN, **given}, KNOWN)


@pytest.mark.parametrize("family", UNDERSTOOD)
def test_a_model_of_a_known_build_is_understood(family: str):
    refuse_strange({**PLAIN, "model_type": family}, KNOWN)


@pytest.mark.parametrize(
    "family", ["falcon", "phi", "starcoder2", "gpt_neox", "bert", "gemma4_text", "arctic", "llama4", "t5", 7]
)
def test_a_model_of_another_build_is_named(family: object):
    with pytest.raises(InputError, match=rf"model_type {family!r} is not understood.*understood are .*llama.*qwen3"):
        refuse_strange({**PLAIN, "model_type": family}, KNOWN)


def test_what_a_model_is_must_be_said():
    with pytest.raises(InputError, match="missing key model_type"):
        refuse_strange({"hidden_act": "silu"}, KNOWN)
    with pytest.raises(InputError, match="unknown hidden_act 'relu2'"):
        refuse_strange({**PLAIN, "hidden_act": "relu2"}, KNOWN)
