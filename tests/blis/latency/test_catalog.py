"""The shipped models and GPUs are those of engine.md section 11, under all their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.errors import InputError
from blis.latency.catalog import GpuCatalog, find_model, gpu_catalog, gpu_key
from blis.latency.sizes import weight_bytes
from blis.latency.table import coefficient_table
from blis.yaml_strict import build, plain

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


#: Bytes of the checkpoints on Hugging Face: two for each parameter that the model card counts.
CHECKPOINTS = {
    "codellama-34b-instruct-hf": 67_487_940_608,
    "deepseek-v2-lite": 31_412_968_448,
    "llama-3.1-405b-instruct": 811_706_712_064,
    "llama-3.1-70b-instruct": 141_107_412_992,
    "llama-3.1-8b-instruct": 16_060_522_496,
    "llama-3.2-1b-instruct": 2_471_628_800,
    "llama-3.2-3b-instruct": 6_425_499_648,
    "mistral-7b-instruct-v0.3": 14_496_047_104,
    "mixtral-8x7b-instruct-v0.1": 93_405_585_408,
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
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_model_weighs_what_its_checkpoint_does(name: str):
    assert weight_bytes(find_model(name)) == pytest.approx(CHECKPOINTS[name], rel=0.005)


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
    ],
)
def test_a_model_is_found_however_it_was_tuned(asked: str, shipped: str):
    assert find_model(asked) == find_model(shipped)


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


def test_every_gpu_of_the_coefficient_table_is_known():
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
