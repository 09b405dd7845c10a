"""Model folders of Hugging Face and hardware files of the original are read as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.config import ModelShape
from blis.errors import InputError
from blis.latency.catalog import find_model, gpu_catalog
from blis.original.foreign_files import hardware_from_file, model_from_folder

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
}
H100 = {
    "TFlopsPeak": 989.5,
    "BwPeakTBs": 3.35,
    "BwEffConstant": 0.72,
    "TOverheadMicros": 500.0,
    "perLayerOverhead": 20,
    "mfuPrefill": 0.65,
    "mfuDecode": 0.12,
    "allReduceLatency": 20.0,
    "tpScalingExponent": 0.13,
}


def model(folder: Path, config: object) -> ModelShape:
    (folder / "config.json").write_text(json.dumps(config))
    return model_from_folder(folder)


def without(mapping: dict, key: str) -> dict:
    return {name: value for name, value in mapping.items() if name != key}


def test_a_plain_model(tmp_path: Path):
    assert model(tmp_path, LLAMA) == find_model("llama-3.1-8b-instruct")


def test_nested_text_config_wins(tmp_path: Path):
    nested = {"text_config": LLAMA, "hidden_size": 1, "vocab_size": 2, "vision_config": {"hidden_size": 3}}
    assert model(tmp_path, nested) == find_model("llama-3.1-8b-instruct")


def test_left_out_and_null_sizes_stay_open(tmp_path: Path):
    shape = model(tmp_path, {**without(LLAMA, "intermediate_size"), "num_key_value_heads": None, "head_dim": None})
    assert (shape.num_kv_heads, shape.intermediate_size, shape.head_dim) == (0, 0, 0)


@pytest.mark.parametrize(
    ("name", "size"), [("float32", 4), ("float16", 2), ("bfloat16", 2), ("torch.bfloat16", 2), ("fp8", 1), ("nf4", 1)]
)
@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_both_names_of_the_data_type(tmp_path: Path, key: str, name: str, size: float):
    assert model(tmp_path, {**without(LLAMA, "torch_dtype"), key: name}).bytes_per_param == size


def test_a_head_size_of_its_own(tmp_path: Path):
    config = {**LLAMA, "hidden_size": 5000, "head_dim": 128}
    assert model(tmp_path, config).head_dim == 128
    with pytest.raises(InputError, match=r"config.json: .*hidden_size is no multiple of num_heads; give head_dim"):
        model(tmp_path, without(config, "head_dim"))


@pytest.mark.parametrize("key", ["num_local_experts", "num_experts"])
def test_experts(tmp_path: Path, key: str):
    shape = model(tmp_path, {**LLAMA, key: 8, "num_experts_per_tok": 2, "moe_intermediate_size": 768})
    assert (shape.experts, shape.experts_per_token, shape.expert_intermediate_size) == (8, 2, 768)


def test_a_dense_model_may_carry_expert_keys(tmp_path: Path):
    assert model(tmp_path, {**LLAMA, "num_local_experts": 0, "num_experts_per_tok": 2}).experts_per_token == 0


@pytest.mark.parametrize(
    ("config", "part"),
    [
        (without(LLAMA, "num_hidden_layers"), "missing key num_hidden_layers"),
        (without(LLAMA, "torch_dtype"), r"missing key torch_dtype \(or dtype\)"),
        ({**LLAMA, "torch_dtype": "bfloat17"}, r"unknown torch_dtype 'bfloat17' \(did you mean 'bfloat16'\?\)"),
        ({**LLAMA, "hidden_size": "4096"}, "hidden_size must be an integer, got '4096'"),
        ({**LLAMA, "num_experts": 4}, "give experts and 1 <= experts_per_token"),
        ({**LLAMA, "text_config": [1]}, "text_config must be a mapping"),
        ([1], "the document must be a mapping"),
    ],
)
def test_a_bad_model_names_file_and_key(tmp_path: Path, config: object, part: str):
    with pytest.raises(InputError, match=rf"config\.json: .*{part}"):
        model(tmp_path, config)


def test_a_folder_without_a_model(tmp_path: Path):
    with pytest.raises(InputError, match=r"config\.json: No such file"):
        model_from_folder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json: not valid JSON"):
        model_from_folder(tmp_path)


def test_a_hardware_file(tmp_path: Path):
    path = tmp_path / "hardware.json"
    path.write_text(json.dumps({"H100": H100, "A100-SXM": {**H100, "TFlopsPeak": 312}, "mine": H100}))
    assert hardware_from_file(path, "h100") == gpu_catalog().find("H100").hardware
    assert hardware_from_file(path, "A100-80").tflops_peak == 312.0
    assert hardware_from_file(path, "mine").memory_gb == 0


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ({"A100-SXM": H100}, "unknown gpu 'H100'.*choose one of: A100-SXM"),
        ({"H100": without(H100, "mfuDecode")}, "missing key H100.mfuDecode"),
        ({"H100": {**H100, "BwPeakTBs": "fast"}}, "H100.BwPeakTBs must be a number, got 'fast'"),
        ({"H100": {**H100, "BwPeakTBs": 0}}, "bw_peak_tbs must be > 0"),
        ({"H100": 3}, "H100 must be a mapping"),
    ],
)
def test_a_bad_hardware_file_names_file_and_key(tmp_path: Path, entries: object, part: str):
    path = tmp_path / "hardware.json"
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError, match=rf"hardware\.json: .*{part}"):
        hardware_from_file(path, "H100")
