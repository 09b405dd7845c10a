"""Bytes of a number for each way to quantise; what is not known is refused by its key."""

from __future__ import annotations

from typing import Any

import pytest

from blis.errors import InputError
from blis.latency.hf_quantization import number_bytes, quantised_widths


def widths(**given: Any) -> dict[str, Any]:
    return quantised_widths({"quantization_config": given}, 2.0, 4)


def groups(weights: dict[str, Any], activations: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": activations}}


@pytest.mark.parametrize(
    ("name", "size"), [("float32", 2), ("float16", 2), ("bfloat16", 2), ("torch.bfloat16", 2), ("fp8", 1), ("nf4", 0.5)]
)
@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_both_names_of_the_data_type(key: str, name: str, size: float):
    assert number_bytes({key: name}) == size
    assert quantised_widths({}, size, 4) == {"bytes_per_param": size}


def test_an_unknown_data_type_gets_the_nearest():
    with pytest.raises(InputError, match=r"unknown torch_dtype 'bfloat17' \(did you mean 'bfloat16'\?\)"):
        number_bytes({"torch_dtype": "bfloat17"})


EIGHT = {"num_bits": 8, "type": "float", "strategy": "tensor"}
W4A16 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}
NVFP4 = {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}


@pytest.mark.parametrize(
    ("given", "bits", "math"),
    [
        ({"quant_method": "fp8"}, 8, "fp8"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 128**2, "fp8"),
        ({"quant_method": "mxfp4"}, 4.25, "bf16"),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 4 + 20 / 128, "bf16"),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 8, "bf16"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, 4.5, "bf16"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 8, "int8"),
        ({"quant_method": "compressed-tensors", "config_groups": groups(EIGHT, EIGHT)}, 8, "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": groups(W4A16)}, 4 + 16 / 128, "bf16"),
        ({"quant_method": "compressed-tensors", "config_groups": groups(NVFP4, NVFP4)}, 4.5, "fp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, 4.5, "fp4"),
    ],
)
def test_bits_with_scales(given: dict[str, Any], bits: float, math: str):
    found = widths(**given)
    assert found["bytes_per_param"] == pytest.approx(bits / 8) and found["math"] == math
    assert found["head_bytes_per_param"] == 2.0 and "attention_bytes_per_param" not in found


def test_parts_that_stay_as_they_are():
    assert (
        widths(quant_method="fp8", modules_to_not_convert=["model.layers.*.self_attn", "lm_head"])[
            "attention_bytes_per_param"
        ]
        == 2.0
    )
    each = [f"model.layers.{layer}.self_attn.q_proj" for layer in range(4)]
    assert widths(quant_method="fp8", ignored_layers=each)["attention_bytes_per_param"] == 2.0
    routers = [f"model.layers.{layer}.mlp.gate" for layer in range(4)] + ["re:.*gate$", "re:.*lm_head"]
    assert "attention_bytes_per_param" not in widths(quant_method="fp8", modules_to_not_convert=routers)
    assert widths(quant_method="gptq", bits=4, group_size=-1, lm_head=True)["head_bytes_per_param"] == 0.5


def test_a_quantised_cache():
    found = widths(quant_method="compressed-tensors", config_groups=groups(EIGHT, EIGHT), kv_cache_scheme=EIGHT)
    assert found["kv_bytes_per_value"] == 1.0


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"quant_method": "quip"}, "unknown quantization_config.quant_method 'quip'"),
        ({"bits": 4}, "unknown quantization_config.quant_method None"),
        ({"quant_method": "awq"}, "missing key bits of quantization_config"),
        (
            {"quant_method": "gptq", "bits": 4, "dynamic": {"-:x": {}}},
            "quantization_config.dynamic .* is not understood",
        ),
        ({"quant_method": "bitsandbytes"}, "needs load_in_4bit or load_in_8bit"),
        ({"quant_method": "modelopt", "quant_algo": "W4A8"}, "unknown quantization_config.quant_algo 'W4A8'"),
        ({"quant_method": "compressed-tensors"}, "config_groups must be one kind of group, got 0"),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {**groups(EIGHT), "group_1": groups(W4A16)["group_0"]},
            },
            "config_groups must be one kind of group, got 2",
        ),
        ({"quant_method": "fp8", "ignored_layers": ["model.layers.0.mlp.up_proj"]}, "ignored_layers: .*up_proj"),
        ({"quant_method": "fp8", "ignored_layers": 5}, "ignored_layers must be a list, got 5"),
        ({"quant_method": "fp8", "ignored_layers": "lm_head"}, "ignored_layers must be a list, got 'lm_head'"),
        ({"quant_method": "fp8", "weight_block_size": 128}, "weight_block_size must be a list, got 128"),
        ({"quant_method": "fp8", "weight_block_size": ["a", "b"]}, "weight_block_size must be an integer"),
        ({"quant_method": "fp8", "weight_block_size": [0, 128]}, r"weight_block_size must be in \[1, "),
        ({"quant_method": "fp8", "ignored_layers": ["layers.0.self_attn.q_proj"]}, "attention is quantised in 3 of 4"),
    ],
)
def test_what_is_not_known_is_refused_by_its_key(given: dict[str, Any], part: str):
    with pytest.raises(InputError, match=part):
        widths(**given)
