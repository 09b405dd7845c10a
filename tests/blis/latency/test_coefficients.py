"""Coefficients files, and scenarios that name one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blis.errors import InputError
from blis.latency.coefficients import FORMAT, CoefficientsFile, load_coefficients, save_coefficients, unsaid
from blis.scenario import load_scenario, scenario_mapping
from blis.yaml_strict import dump_yaml, load_mapping

FILE = CoefficientsFile(
    format=FORMAT,
    kind="linear",
    parameters={"fixed_us": 9000.0, "prefill_us_token": 60.0},
    source="server.csv: the first 60 of 120 requests",
    n=60,
    error={"ttft_mape": 3.5, "e2e_mape": 2.0, "n": 60.0},
    interval={"fixed_us": (8000.0, 9900.0), "prefill_us_token": (50.0, 70.0)},
    model="org/Some-8B",
    gpu="H100",
    tp=2,
    vllm="0.8.5",
    engine="vllm-0.8",
    kv_blocks=700,
    block_size_tokens=32,
    assumed=("max_running 256",),
    draws=({"fixed_us": 8500.0}, {"fixed_us": 9500.0}),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_coefficients(tmp_path / "c.yaml", FILE)
    return tmp_path / "c.yaml"


def with_instance(path: Path, **latency: Any) -> Any:
    return load_scenario({"instance": {"latency_model": {"coefficients": str(path), **latency}}})


def test_a_file_loads_back_equal_and_is_the_same_bytes_again(path: Path, tmp_path: Path):
    assert load_coefficients(path) == FILE
    save_coefficients(tmp_path / "again.yaml", load_coefficients(path))
    assert (tmp_path / "again.yaml").read_bytes() == path.read_bytes()
    save_coefficients(tmp_path / "short.yaml", CoefficientsFile(FORMAT, "linear", {"fixed_us": 1.0}, "x", 30))
    assert set(load_mapping(tmp_path / "short.yaml")) == {"format", "kind", "parameters", "source", "n", "alpha"}


def test_what_the_log_did_not_tell_stays_open_and_is_known_to_the_scenario(path: Path, tmp_path: Path):
    open_ended = replace(FILE, interval={"fixed_us": (8000.0, 9900.0), "prefill_us_token": (0.0, None)})
    save_coefficients(path, open_ended)
    assert load_coefficients(path) == open_ended
    loaded = with_instance(path, ensemble=4)
    assert loaded.instance.latency_model.fitted.not_told == ("prefill_us_token",)
    assert load_scenario(scenario_mapping(loaded)) == loaded
    assert with_instance_of(FILE, tmp_path).instance.latency_model.fitted.not_told == ()


def with_instance_of(file: CoefficientsFile, folder: Path) -> Any:
    save_coefficients(folder / "other.yaml", file)
    return with_instance(folder / "other.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "format"),
        ({"parametres": {}}, "parametres"),
        ({"n": "many"}, "n must be"),
        ({"parameters": [1, 2]}, "parameters"),
        ({"parameters": {"fixed_us": "slow"}}, "parameters.fixed_us"),
        ({"interval": {"fixed_us": [1]}}, "interval.fixed_us"),
        ({"source": None}, "source"),
        ({"draws": {"fixed_us": 1}}, "draws"),
        ({"error": {"e2e_mape": "low"}}, "error.e2e_mape"),
    ],
)
def test_what_a_file_has_wrong_is_said_with_file_and_key(path: Path, changes: dict[str, Any], said: str):
    dump_yaml(load_mapping(path) | changes, path)
    with pytest.raises(InputError) as found:
        load_coefficients(path)
    assert str(path) in str(found.value) and said in str(found.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "linar"}, "unknown .*kind 'linar'"),
        ({"parameters": {"fixed_us": 1.0, "prefil_us_token": 1.0}}, "prefil_us_token"),
        ({"parameters": {"fixed_us": -1.0}}, "fixed_us"),
        ({"draws": [{"fixed_us": 1.0, "decode_us": 1.0}]}, "decode_us"),
        ({"n": 0}, "fitted.n"),
        ({"source": ""}, "fitted.source"),
        ({"engine": "vllm-07"}, "vllm-0.8"),
        ({"kv_blocks": -7}, "kv.blocks"),
    ],
)
def test_what_cannot_be_simulated_is_said_when_a_scenario_is_loaded(path: Path, changes: dict[str, Any], said: str):
    dump_yaml(load_mapping(path) | changes, path)
    with pytest.raises(InputError, match=said):
        with_instance(path)


def test_a_scenario_takes_what_was_fitted_its_server_and_its_engine(path: Path):
    instance = with_instance(path, ensemble=2).instance
    model = instance.latency_model
    assert (model.kind, model.parameters, model.ensemble) == ("linear", FILE.parameters, 2)
    assert (model.model, model.gpu, model.tp) == ("org/Some-8B", "H100", 2)
    assert model.fitted == FILE.fitted and len(model.fitted.draws) == 2
    assert (instance.kv.blocks, instance.kv.block_size_tokens) == (700, 32)
    assert instance.engine.profile == "vllm-0.8"


def test_a_scenario_may_say_otherwise_of_cache_and_engine(path: Path):
    latency = {"coefficients": str(path)}
    given = {"latency_model": latency, "kv": {"blocks": 90}, "engine": "original"}
    instance = load_scenario({"instance": given}).instance
    assert (instance.kv.blocks, instance.kv.block_size_tokens, instance.engine.profile) == (90, 16, "original")


LIMITED = replace(
    FILE,
    engine='{"profile": "vllm-2026", "async_scheduling": false, "max_model_len": 5000}',
    max_running=8,
    max_scheduled_tokens=512,
)


def test_limits_and_switches_are_those_of_the_server_unless_the_scenario_says_otherwise(path: Path):
    save_coefficients(path, LIMITED)
    assert load_coefficients(path) == LIMITED
    instance = with_instance(path).instance
    assert (instance.batch.max_running, instance.batch.max_scheduled_tokens) == (8, 512)
    assert instance.engine.text == LIMITED.engine
    given = {"engine": {"async_scheduling": True}, "batch": {"max_running": 9}}
    instance = load_scenario({"instance": {"latency_model": {"coefficients": str(path)}, **given}}).instance
    assert (instance.batch.max_running, instance.batch.max_scheduled_tokens) == (9, 512)
    assert instance.engine.text == '{"profile": "vllm-2026", "max_model_len": 5000}'


def test_limits_of_a_pool_are_those_of_its_own_server(path: Path, tmp_path: Path):
    save_coefficients(path, LIMITED)
    save_coefficients(tmp_path / "other.yaml", replace(LIMITED, max_running=16, engine="original"))
    pools = [{"latency_model": {"coefficients": str(name)}} for name in (path, tmp_path / "other.yaml")]
    pools.append({**pools[1], "batch": {"max_running": 32}})
    scenario = {"instance": {"latency_model": {"coefficients": str(path)}}, "pools": pools}
    found = [replica.instance for replica in load_scenario(scenario).replicas]
    assert [each.batch.max_running for each in found] == [8, 16, 32]
    assert [each.engine.profile for each in found] == ["vllm-2026", "original", "original"]
    assert [each.engine.max_model_len for each in found] == [5000] * 3
    scenario["instance"] |= {"batch": {"max_running": 4}, "engine": "vllm-0.8"}
    found = [replica.instance for replica in load_scenario(scenario).replicas]
    assert [each.batch.max_running for each in found] == [4, 4, 32]
    assert [each.engine.profile for each in found] == ["vllm-0.8"] * 3


@pytest.mark.parametrize(
    ("latency", "said"),
    [
        ({"gpu": "A100"}, "latency_model.gpu is 'A100', but .*c.yaml was fitted to 'H100'"),
        ({"tp": 4}, "latency_model.tp is 4, but .*c.yaml was fitted to 2"),
        ({"model": "org/other"}, "latency_model.model is 'org/other', but"),
        ({"kind": "roofline"}, "coefficients and kind exclude each other"),
        ({"beta": [1, 2, 3]}, "coefficients and beta exclude each other"),
        ({"parameters": {"fixed_us": 1}}, "coefficients and parameters exclude each other"),
        ({"coefficients": 7}, "latency_model.coefficients must be the path of a file, got 7"),
        ({"coefficients": "none.yaml"}, "none.yaml"),
    ],
)
def test_what_does_not_go_together_is_refused(path: Path, latency: dict[str, Any], said: str):
    with pytest.raises(InputError, match=said):
        with_instance(path, **latency)


def test_a_gpu_has_more_than_one_name(path: Path):
    save_coefficients(path, replace(FILE, gpu="NVIDIA GeForce RTX 4090"))
    assert with_instance(path, gpu="RTX4090").instance.latency_model.fitted is not None
    with pytest.raises(InputError, match="was fitted to 'NVIDIA GeForce RTX 4090'"):
        with_instance(path, gpu="H100")


def test_what_the_file_does_not_say_of_its_server_cannot_be_compared(path: Path):
    assert unsaid({"coefficients": str(path), "gpu": "H100", "tp": 2}) == []
    save_coefficients(path, replace(FILE, gpu="", tp=0))
    assert unsaid({"coefficients": str(path), "gpu": "A100", "tp": 2, "model": "some-8b"}) == ["gpu", "tp"]
    assert unsaid({"coefficients": str(path)}) == unsaid({"gpu": "A100"}) == []


def test_the_same_server_may_be_named_in_other_letters(path: Path):
    assert with_instance(path, model="some-8b", gpu="h100", tp=2).instance.latency_model.fitted is not None


def test_the_canonical_mapping_needs_no_file(path: Path):
    loaded = with_instance(path, ensemble=16, allow_implausible=True)
    mapping = scenario_mapping(loaded)
    path.unlink()
    assert load_scenario(mapping) == loaded and "coefficients" not in str(mapping["instance"]["latency_model"].keys())


def test_pools_have_coefficients_of_their_own_with_cache_and_engine(path: Path, tmp_path: Path):
    other = replace(FILE, gpu="A100", engine="", kv_blocks=300, parameters={"fixed_us": 20_000.0}, draws=())
    save_coefficients(tmp_path / "a100.yaml", other)
    pools = [{"latency_model": {"coefficients": str(name)}} for name in (path, tmp_path / "a100.yaml")]
    plain = {"latency_model": {"alpha": [1, 0, 0], "beta": [1, 1, 1]}, "kv": {"block_size_tokens": 32}}
    loaded = load_scenario({"instance": plain, "pools": pools})
    instances = [replica.instance for replica in loaded.replicas]
    assert [each.latency_model.gpu for each in instances] == ["H100", "A100"]
    assert [each.kv.blocks for each in instances] == [700, 300]
    assert [each.engine.profile for each in instances] == ["vllm-0.8", loaded.instance.engine.profile]
    assert load_scenario(scenario_mapping(loaded)) == loaded
    named = load_scenario({"instance": {**plain, "engine": "vllm-2026"}, "pools": pools})
    assert {replica.instance.engine.profile for replica in named.replicas} == {"vllm-2026"}
