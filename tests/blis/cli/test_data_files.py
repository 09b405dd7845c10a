"""Flags that name data files of the original: its table of coefficients, a model's folder, GPUs."""

from __future__ import annotations

import json

import pytest

from blis.yaml_strict import dump_yaml
from tests.blis.cli.commands import Command
from tests.places import ROOT

MODEL = "meta-llama/llama-3.1-8b-instruct"


@pytest.fixture
def command(capsys) -> Command:
    return Command(capsys)


def times(printed: str) -> dict:
    """The metrics of a run, whatever the model is called."""
    return {key: value for key, value in json.loads(printed).items() if key != "latency_model"}


def test_versions_of_vllm_are_checked_by_their_short_name(command):
    few = ("run", "--model", MODEL, "--num-requests", 2)
    outs = {command(*few, *more)[0] for more in ((), ("--vllm-version", "v0.8.4"))}
    outs.add(command(*few, "--vllm-version", "vllm/vllm-openai:v0.8.4")[0])
    assert len(outs) == 1


DEFAULTS = {
    "version": "0.1",
    "defaults": {
        "org/model": {"GPU": "H100", "tensor_parallelism": 2, "vllm_version": "vllm/vllm-openai:v1", "hf_repo": "x"}
    },
    "models": [
        {
            "id": "org/Model",
            "GPU": "H100",
            "tensor_parallelism": tp,
            "vllm_version": "vllm/vllm-openai:v1",
            "alpha_coeffs": [100.0, 1.0, 10.0],
            "beta_coeffs": [5000.0, 20.0, 30.0],
            "total_kv_blocks": blocks,
            "best_loss": 3.5,
        }
        for tp, blocks in ((2, 500), (4, 1000), (4, 2000))
    ],
    "workloads": {
        "tiny": {
            **{"prompt_tokens": 5, "prompt_tokens_stdev": 1, "prompt_tokens_min": 4, "prompt_tokens_max": 6},
            **{"output_tokens": 2, "output_tokens_stdev": 1, "output_tokens_min": 2, "output_tokens_max": 2},
        }
    },
}


class TestDefaultsFile:
    @pytest.fixture
    def run(self, tmp_path) -> tuple[object, ...]:
        dump_yaml(DEFAULTS, tmp_path / "defaults.yaml")
        return ("run", "--model", "ORG/model", "--defaults-filepath", tmp_path / "defaults.yaml", "--log", "info")

    def test_coefficients_blocks_and_workloads_come_from_it(self, command, run):
        out, err = command(*run, "--workload", "tiny", "--num-requests", 5)
        assert json.loads(out)["total_output_tokens"] == 10
        assert "H100, tp 2; 500 KV blocks" in err
        assert "H100, tp 2; 250 KV blocks" in command(*run, "--num-requests", 1, "--block-size-in-tokens", 32)[1]
        assert "H100, tp 2; 7 KV blocks" in command(*run, "--num-requests", 1, "--total-kv-blocks", 7)[1]

    def test_the_first_of_two_entries_counts_and_is_told(self, command, run):
        err = command(*run, "--tp", 4, "--num-requests", 1)[1]
        assert "several different entries for org/Model, H100, tp 4; the first counts" in err
        assert "tp 4; 1000 KV blocks" in err

    @pytest.mark.parametrize(
        ("more", "part"),
        [
            (("--tp", 8), "no coefficients for model 'ORG/model' with gpu H100, tp 8, vllm v1; there are: gpu H100"),
            (("--vllm-version", "v2"), "vllm v2; there are:"),
            (("--model", "org/modl"), "unknown model 'org/modl' (did you mean 'org/Model'?)"),
            (("--workload", "chatbot"), "unknown workload 'chatbot'"),
        ],
    )
    def test_what_is_not_there_is_named(self, command, run, more, part):
        assert part in command.fails(*run, *more, "--log", "warn")

    @pytest.mark.parametrize(
        ("key", "value", "part"),
        [
            ("models", 3, "models must be a list"),
            ("models", [{"id": "x"}], "missing key models[0].GPU"),
            ("models", [{**DEFAULTS["models"][0], "alpha_coeffs": [1, 2]}], "models[0].alpha must be a list of 3"),
            ("defaults", {"m": 3}, "defaults.m must be a mapping"),
            ("workloads", {"w": {"prompt_tokens": "x"}}, "workloads.w.prompt_tokens must be a whole number"),
        ],
    )
    def test_what_is_wrong_in_it_is_named(self, command, run, tmp_path, key, value, part):
        dump_yaml({**DEFAULTS, key: value}, tmp_path / "defaults.yaml")
        assert f"defaults.yaml: {part}" in command.fails(*run)


def test_files_of_a_model_and_of_gpus_make_a_roofline(command, tmp_path):
    config = {
        "model_type": "llama",
        "num_hidden_layers": 32,
        "hidden_size": 4096,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    }
    config |= {"intermediate_size": 14336, "vocab_size": 128256, "torch_dtype": "bfloat16"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    gpu = {"TFlopsPeak": 989.5, "BwPeakTBs": 3.35, "BwEffConstant": 0.72, "TOverheadMicros": 500.0}
    gpu |= {"perLayerOverhead": 20.0, "mfuPrefill": 0.65, "mfuDecode": 0.12, "allReduceLatency": 20.0}
    (tmp_path / "hardware.json").write_text(json.dumps({"H100": gpu}))
    few = ("run", "--num-requests", 3, "--model", "x", "--hardware", "H100", "--tp", 1)
    files = ("--model-config-folder", tmp_path, "--hardware-config", tmp_path / "hardware.json")
    named = ("--latency-model", "roofline", "--model", "llama-3.1-8b-instruct")
    from_files, err = command(*few, *files, "--log", "info")
    assert "roofline: x, H100, tp 1" in err
    assert times(from_files) == times(command(*few, *named)[0]) == times(command(*few, *files[:2])[0])
    assert "a roofline needs --tp" in command.fails("run", "--model", "x", "--hardware", "H100", *files)
    assert "needs --hardware" in command.fails("run", "--model", "x", "--tp", 1, *files)
    given = ("--alpha-coeffs", "1,1,1", "--beta-coeffs", "1000,1,1")
    assert "--hardware-config changes nothing: coefficients are given" in command(*few, *files, *given)[1]


class TestHfConfig:
    CONFIG = ROOT / "tests" / "data" / "hf_configs" / "qwen3-30b-a3b.json"
    FEW = ("run", "--num-requests", 3, "--hardware", "NVIDIA H100 80GB HBM3", "--tp", 1)

    def test_it_makes_a_roofline_of_any_model(self, command):
        out, err = command(*self.FEW, "--hf-config", self.CONFIG, "--log", "info")
        assert "roofline: model not named, H100, tp 1" in err
        named = command(*self.FEW, "--latency-model", "roofline", "--model", "Qwen/Qwen3-30B-A3B")
        assert times(out) == times(named[0])

    def test_it_wins_over_that_of_a_scenario(self, command, tmp_path):
        latency = {"kind": "roofline", "hf_config": "nowhere.json", "gpu": "H100", "tp": 1}
        dump_yaml({"instance": {"latency_model": latency}}, tmp_path / "scenario.yaml")
        scenario = (
            "run",
            "--config",
            tmp_path / "scenario.yaml",
            "--workload",
            "distribution",
            "--num-requests",
            3,
        )
        assert "nowhere.json: No such file" in command.fails(*scenario)
        given = ("--hf-config", self.CONFIG)
        assert times(command(*scenario, *given)[0]) == times(command(*self.FEW, *given)[0])

    def test_it_stays_the_model_of_a_scenario_on_more_gpus(self, command, tmp_path):
        latency = {"kind": "roofline", "model": "llama-of-mine", "hf_config": str(self.CONFIG), "gpu": "H100", "tp": 1}
        dump_yaml({"instance": {"latency_model": latency}}, tmp_path / "scenario.yaml")
        scenario = ("run", "--config", tmp_path / "scenario.yaml", "--workload", "distribution", "--num-requests", 3)
        own = command("run", "--num-requests", 3, "--hardware", "H100", "--tp", 2, "--hf-config", self.CONFIG)
        assert times(command(*scenario, "--tp", 2)[0]) == times(own[0])
        named = ("--latency-model", "roofline", "--model", "qwen3-14b", "--hardware", "H100", "--tp", 1)
        other = command(*scenario, "--model", "qwen3-14b")[0]
        assert times(other) == times(command("run", "--num-requests", 3, *named)[0])

    @pytest.mark.parametrize("flag", ["--hf-config", "--model-config-folder"])
    def test_it_goes_by_no_other_model_s_name(self, command, tmp_path, flag):
        (tmp_path / "config.json").write_text(self.CONFIG.read_text())
        file = tmp_path / "config.json" if flag == "--hf-config" else tmp_path
        said = command.fails(*self.FEW, flag, file, "--model", "meta-llama/Llama-3.1-8B-Instruct")
        assert "model is 'meta-llama/Llama-3.1-8B-Instruct', which has 6,979,321,856 weights in its layers" in said
        assert "config.json describes a model with 29,909,581,824; give one of them, or another name" in said

    def test_what_is_wrong_is_one_line(self, command, tmp_path):
        strange = {**json.loads(self.CONFIG.read_text()), "mamba_d_state": 128}
        (tmp_path / "config.json").write_text(json.dumps(strange))
        assert "config.json: key 'mamba_d_state' (128) is not understood" in command.fails(
            *self.FEW, "--hf-config", tmp_path / "config.json"
        )
        both = ("--hf-config", self.CONFIG, "--model-config-folder", tmp_path)
        assert "give --hf-config or --model-config-folder, not both" in command.fails(*self.FEW, *both)
