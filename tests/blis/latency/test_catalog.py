"""The shipped models and GPUs are those of engine.md section 11, under all their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.errors import InputError
from blis.latency.catalog import GpuCatalog, find_model, gpu_catalog, gpu_key, model_names
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
    assert set(model_names()) == set(MODELS)
    for name, (layers, hidden, heads, kv_heads, width, vocabulary) in MODELS.items():
        model = find_model(name)
        assert (model.num_layers, model.hidden_size, model.num_heads) == (layers, hidden, heads)
        assert (model.num_kv_heads, model.intermediate_size, model.vocab_size) == (kv_heads, width, vocabulary)
        assert model.bytes_per_param == 2.0 and model.experts == 0


def test_a_model_is_found_with_its_organisation_and_in_any_case():
    assert find_model("meta-llama/Llama-3.1-8B-Instruct") == find_model("llama-3.1-8b-instruct")


def test_an_unknown_model_gets_the_nearest_name():
    with pytest.raises(InputError, match=r"unknown model 'llama-3.1-8b' \(did you mean 'llama-3.1-8b-instruct'\?\)"):
        find_model("meta-llama/llama-3.1-8b")


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
    assert gpu_key("B200") == "b200"


def test_an_unknown_gpu_gets_all_names():
    with pytest.raises(InputError, match=r"unknown gpu 'A100' .*choose one of: A100-80, A100-80GB, A100-SXM, H100"):
        gpu_catalog().find("A100")


def test_a_name_stands_for_one_gpu():
    mapping = plain(gpu_catalog())
    mapping["gpus"][1]["aliases"].append("h100")
    with pytest.raises(InputError, match="gpus: 'h100' is given twice"):
        build(GpuCatalog, mapping)


def test_every_data_file_is_packaged():
    folder = Path("blis/latency")
    patterns = ("*.yaml", "models/*.yaml")
    packaged = {path for pattern in patterns for path in folder.glob(pattern)}
    assert packaged == set(folder.rglob("*.yaml"))
    assert all(f'"{pattern}"' in Path("pyproject.toml").read_text() for pattern in patterns)
