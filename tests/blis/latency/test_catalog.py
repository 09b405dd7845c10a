"""The shipped models and GPUs are those of engine.md section 11, under all their names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blis.errors import InputError
from blis.latency.catalog import GpuCatalog, find_model, gpu_catalog, gpu_key
from blis.latency.hf_config import model_from_config
from blis.latency.sizes import kv_bytes, weight_bytes
from blis.latency.table import coefficient_table
from blis.yaml_strict import build, plain
from tests.places import ROOT

#: Layers, hidden size, heads, KV heads, MLP width, vocabulary (engine.md 11.2).
MODELS = {
    "llama-3.1-8b-instruct": (32, 4096, 32, 8, 14336, 128256),
    "qwen2.5-7b-instruct": (28, 3584, 28, 4, 18944, 152064),
    "qwen2.5-3b-instruct": (36, 2048, 16, 2, 11008, 151936),
    "qwen2.5-1.5b-instruct": (28, 1536, 12, 2, 8960, 151936),
    "qwen3-14b": (40, 5120, 40, 8, 17408, 151936),
    "codellama-34b-instruct-hf": (48, 8192, 64, 8, 22016, 32000),
}


def test_the_six_models_have_their_numbers():
    for name, (layers, hidden, heads, kv_heads, width, vocabulary) in MODELS.items():
        model = find_model(name)
        assert (model.num_layers, model.hidden_size, model.num_heads) == (layers, hidden, heads)
        assert (model.num_kv_heads, model.intermediate_size, model.vocab_size) == (kv_heads, width, vocabulary)
        assert model.bytes_per_param == 2.0 and model.experts == 0


#: Bytes of the checkpoints on Hugging Face: `metadata.total_size` of model.safetensors.index.json, or two for each
#: parameter, as public code quotes them (looked up in November 2026). Granite's was not found anywhere.
CHECKPOINTS = {
    "codellama-34b-instruct-hf": 67_487_940_608,
    "deepseek-v2-lite": 31_412_968_448,
    "granite-3.1-8b-instruct": 16_341_696_512,
    "llama-3.1-405b-instruct": 811_706_777_600,
    "llama-3.1-70b-instruct": 141_107_412_992,
    "llama-3.1-8b-instruct": 16_060_522_496,
    "llama-3.1-nemotron-70b-instruct-hf": 141_107_412_992,
    "llama-3.2-1b-instruct": 2_471_628_800,
    "llama-3.2-3b-instruct": 6_425_499_648,
    "mistral-7b-instruct-v0.3": 14_496_047_104,
    "mistral-small-24b-instruct-2501": 47_144_806_400,
    "mixtral-8x7b-instruct-v0.1": 93_405_585_408,
    "phi-4": 29_319_014_400,
    "qwen2.5-1.5b-instruct": 3_087_428_608,
    "qwen2.5-3b-instruct": 6_171_877_376,
    "qwen2.5-7b-instruct": 15_231_233_024,
    "qwen2.5-14b-instruct": 29_540_067_328,
    "qwen2.5-32b-instruct": 65_527_752_704,
    "qwen2.5-72b-instruct": 145_412_407_296,
    "qwen3-8b": 16_381_470_720,
    "qwen3-14b": 29_536_614_400,
    "qwen3-30b-a3b": 61_064_245_248,
    "qwen3-32b": 65_524_246_528,
    "qwen3-235b-a22b": 470_187_269_120,
    "smollm3-3b": 6_150_197_248,
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_model_weighs_what_its_checkpoint_does(name: str):
    assert weight_bytes(find_model(name)) == pytest.approx(CHECKPOINTS[name], rel=0.0002)


@pytest.mark.parametrize(
    ("name", "total", "active"),
    [("llama-4-scout-17b-16e-instruct", 109e9, 17e9), ("llama-4-maverick-17b-128e-instruct", 400e9, 17e9)],
)
def test_a_model_that_sees_has_the_parameters_of_its_card_but_for_its_eyes(name: str, total: float, active: float):
    model = find_model(name)
    assert weight_bytes(model) / 2 == pytest.approx(total, rel=0.02)
    assert weight_bytes(model, 1 / model.experts) / 2 == pytest.approx(active, rel=0.02)


def test_a_checkpoint_may_have_narrow_experts_alone():
    wide, narrow = (find_model(f"meta-llama/Llama-4-Maverick-17B-128E-Instruct{ending}") for ending in ("", "-FP8"))
    assert weight_bytes(narrow, 0) == weight_bytes(wide, 0)
    assert weight_bytes(narrow) == (weight_bytes(wide) + weight_bytes(wide, 0)) / 2
    scout = find_model("RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic")
    assert (scout.bytes_per_param, scout.attention_bytes_per_param) == (1.0, 2.0)


def test_a_model_is_found_with_its_organisation_and_in_any_case():
    assert find_model("meta-llama/Llama-3.1-8B-Instruct") == find_model("llama-3.1-8b-instruct")


@pytest.mark.parametrize(
    ("asked", "shipped"),
    [
        ("meta-llama/Llama-3.1-8B", "llama-3.1-8b-instruct"),
        ("Qwen/Qwen2.5-7B", "qwen2.5-7b-instruct"),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen3-30b-a3b"),
        ("mistralai/Mixtral-8x7B-v0.1", "mixtral-8x7b-instruct-v0.1"),
        ("deepseek-ai/DeepSeek-V3-0324", "deepseek-v3"),
        ("mistralai/Mistral-Small-24B-Base-2501", "mistral-small-24b-instruct-2501"),
    ],
)
def test_a_model_is_found_however_it_was_tuned(asked: str, shipped: str):
    assert find_model(asked) == find_model(shipped)


#: As `quantization_config` of Red Hat's checkpoints has them.
FLOAT8 = {"num_bits": 8, "type": "float", "strategy": "channel"}
INT8 = {"num_bits": 8, "type": "int", "strategy": "channel"}
INT4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}


@pytest.mark.parametrize(
    ("ending", "weights", "activations"),
    [
        ("-FP8-dynamic", FLOAT8, {"num_bits": 8, "type": "float"}),
        ("-quantized.w8a8", INT8, {"num_bits": 8, "type": "int"}),
        ("-quantized.w4a16", INT4, None),
    ],
)
def test_a_quantised_name_is_what_the_config_of_such_a_checkpoint_says(
    tmp_path: Path, ending: str, weights: dict[str, Any], activations: dict[str, Any] | None
):
    config = json.loads((ROOT / "tests/data/hf_configs/llama-3.1-8b.json").read_text())
    groups = {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": activations}}
    config["quantization_config"] = {
        "quant_method": "compressed-tensors",
        "config_groups": groups,
        "ignore": ["lm_head"],
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    shipped, read = find_model(f"RedHatAI/Llama-3.1-8B-Instruct{ending}"), model_from_config(tmp_path / "config.json")
    assert (weight_bytes(shipped), kv_bytes(shipped)) == (weight_bytes(read), kv_bytes(read))
    assert shipped.math == read.math


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("lama-3.1-8b", "llama-3.1-8b-instruct"), ("x/qwen2.5-7b-instruct-awq", "qwen2.5-7b-instruct")],
)
def test_an_unknown_model_gets_the_nearest_name(asked: str, nearest: str):
    with pytest.raises(InputError, match=rf"unknown model .* \(did you mean '{nearest}'\?\)"):
        find_model(asked)


@pytest.mark.parametrize(("name", "peak", "bandwidth"), [("H100", 989.5, 3.35), ("A100-SXM", 312.0, 2.039)])
def test_the_two_gpus_have_their_numbers(name: str, peak: float, bandwidth: float):
    hardware = gpu_catalog().find(name).hardware
    assert (hardware.tflops_peak, hardware.bw_peak_tbs, hardware.memory_gb) == (peak, bandwidth, 80.0)
    assert (hardware.bw_efficiency, hardware.mfu_prefill, hardware.mfu_decode) == (0.72, 0.65, 0.12)
    overheads = (hardware.step_overhead_us, hardware.per_layer_overhead_us, hardware.all_reduce_latency_us)
    assert overheads == (500.0, 20.0, 20.0)


def test_every_model_and_gpu_of_the_coefficient_table_is_known():
    assert all(find_model(entry.model).num_layers for entry in coefficient_table().coefficients)
    assert {gpu_key(entry.gpu) for entry in coefficient_table().coefficients} == {"h100", "a100-sxm"}
    assert gpu_catalog().find("a100-80") is gpu_catalog().find("A100-SXM")
    assert gpu_key("X99") == "x99"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
        ("rtx4090", "RTX-4090"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX-PRO-6000"),
        ("NVIDIA_RTX_PRO_6000_Blackwell_Server_Edition", "RTX-PRO-6000-Server"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("NVIDIA A100-SXM4-40GB", "A100-40"),
        ("NVIDIA A100 80GB PCIe", "A100-PCIe"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA B200", "B200"),
        ("nvidia l40s", "L40S"),
        ("NVIDIA L4", "L4"),
    ],
)
def test_a_gpu_is_found_by_the_name_that_its_driver_has(asked: str, name: str):
    assert gpu_catalog().find(asked).name == name


def test_every_gpu_says_all_that_a_roofline_needs():
    for gpu in gpu_catalog().gpus:
        hardware = gpu.hardware
        assert hardware.memory_gb > 0 and 0.4 < hardware.matmul_share < 1 and 0.7 < hardware.read_share < 1
        assert hardware.int8_tflops >= 1.9 * hardware.tflops_peak and hardware.fp8_tflops != hardware.tflops_peak


def test_an_unknown_gpu_gets_all_names():
    with pytest.raises(
        InputError, match=r"unknown gpu 'A100' .*choose one of: .*A100-40, .*A100-80, A100-80GB, .*H100"
    ):
        gpu_catalog().find("A100")


def test_a_name_stands_for_one_gpu():
    mapping = plain(gpu_catalog())
    mapping["gpus"][1]["aliases"].append("NVIDIA h100")
    with pytest.raises(InputError, match="gpus: 'H100' is given twice"):
        build(GpuCatalog, mapping)


def test_every_data_file_is_packaged():
    folder = Path("blis/latency")
    patterns = ("*.yaml", "models/*.yaml")
    packaged = {path for pattern in patterns for path in folder.glob(pattern)}
    assert packaged == set(folder.rglob("*.yaml"))
    assert all(f'"{pattern}"' in Path("pyproject.toml").read_text() for pattern in patterns)
