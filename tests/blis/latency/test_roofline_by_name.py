"""A roofline by name or inline becomes numbers, and sizes the KV cache."""

from __future__ import annotations

from typing import Any

import pytest

from blis.config import Scenario
from blis.errors import InputError
from blis.latency.catalog import find_model, gpu_catalog
from blis.latency.hf_config import model_from_config
from blis.latency.table import coefficient_table
from blis.scenario import load_scenario, scenario_mapping
from blis.yaml_strict import plain
from tests.places import ROOT

NAMED = {"kind": "roofline", "model": "meta-llama/Llama-3.1-8B-Instruct", "gpu": "H100", "tp": 1}
INLINE = {
    "kind": "roofline",
    "tp": 1,
    "roofline": {
        "model": plain(find_model("llama-3.1-8b-instruct")),
        "hardware": plain(gpu_catalog().find("H100").hardware),
    },
}


def scenario(latency: dict[str, Any], kv: dict[str, Any] | None = None, **more: Any) -> Scenario:
    return load_scenario({"instance": {"latency_model": latency, "kv": kv or {}}, **more})


def test_by_name_and_inline_are_the_same():
    named, inline = scenario(NAMED).instance, scenario(INLINE).instance
    assert named.latency_model.roofline == inline.latency_model.roofline
    assert named.kv == inline.kv
    assert named.latency_model.beta == () and named.latency_model.alpha == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("latency", [NAMED, INLINE, {**NAMED, "alpha": [1, 2, 3]}])
def test_it_round_trips(latency: dict[str, Any]):
    loaded = scenario(latency)
    assert load_scenario(scenario_mapping(loaded)) == loaded


def test_a_part_may_be_inline():
    slow = {**INLINE["roofline"]["hardware"], "mfu_prefill": 0.1}
    latency = scenario({**NAMED, "gpu": "", "roofline": {"hardware": slow}}).instance.latency_model
    assert latency.roofline is not None
    assert latency.roofline.hardware.mfu_prefill == 0.1
    assert latency.roofline.model == find_model("llama-3.1-8b-instruct")


def test_an_alias_of_a_gpu_is_resolved():
    assert scenario({**NAMED, "gpu": "a100-80"}).instance.latency_model.gpu == "A100-SXM"


def test_memory_minus_weights_is_the_cache():
    # ((80 * 0.9 - 1.6) * 2**30 - 2 * (8030 million weights)) / (2 * 32 layers * 1024 * 2 bytes * 16 tokens)
    assert scenario(NAMED).instance.kv.blocks == 28386
    assert scenario(NAMED, {"block_size_tokens": 32}).instance.kv.blocks == 14193
    # Two GPUs have half of the weights and half of every token each.
    assert scenario({**NAMED, "tp": 2}).instance.kv.blocks == 64431
    half = {**NAMED, "roofline": {"memory_utilization": 0.5}}
    assert scenario(half).instance.kv.blocks == 12002


def test_the_original_leaves_out_the_embedding_and_what_the_engine_needs():
    # (80 * 2**30 * 0.9 - 13958643712) / (2 * 32 layers * 1024 * 2 bytes * 16 tokens)
    original = {**NAMED, "kind": "roofline-original"}
    assert scenario(original).instance.kv.blocks == 30208
    assert scenario({**original, "tp": 2}).instance.kv.blocks == 67072


def test_a_card_of_24_gb_has_the_blocks_that_vllm_finds():
    """At a memory utilisation of 0.9; vLLM 0.19."""
    blocks = scenario({**NAMED, "gpu": "NVIDIA GeForce RTX 4090"}).instance.kv.blocks
    assert blocks == pytest.approx(2588, rel=0.01)


def test_experts_are_spread_over_all_peers():
    mixture = {**NAMED, "model": "qwen3-30b-a3b"}
    alone = scenario(mixture).instance.kv.blocks
    spread = scenario({**mixture, "roofline": {"data_parallel": 4, "expert_parallel": True}}).instance.kv.blocks
    experts = 48 * 128 * 3 * 2048 * 768 * 2
    assert spread - alone == pytest.approx(experts * 3 / 4 / (98304 * 16), abs=1)


def test_gpus_beyond_the_kv_heads_hold_copies():
    """Eight KV heads: each of 16 GPUs holds one, as each of 8 does, beside half as many weights."""
    eight, sixteen = (scenario({**NAMED, "tp": tp}).instance.kv.blocks for tp in (8, 16))
    token_bytes = 32 * 2 * 128 * 2
    assert sixteen - eight == pytest.approx(2 * 8_030_000_000 * (1 / 8 - 1 / 16) / token_bytes / 16, rel=0.01)


def test_a_narrow_cache_holds_more():
    narrow = {**NAMED, "roofline": {"kv_bytes_per_value": 1}}
    assert scenario(narrow).instance.kv.blocks == pytest.approx(2 * 28386, abs=1)


def test_given_blocks_win():
    assert scenario(NAMED, {"blocks": 77}).instance.kv.blocks == 77


def test_a_cache_is_near_the_measured_one():
    measured = coefficient_table().find("meta-llama/llama-3.1-8b-instruct", "A100-80", 1).kv_blocks
    assert abs(scenario({**NAMED, "gpu": "A100-80"}).instance.kv.blocks / measured - 1) < 0.05


def pools(*pools: dict[str, Any], kv: dict[str, Any] | None = None, latency: dict[str, Any] = NAMED) -> list[int]:
    """Blocks of each instance."""
    loaded = scenario(latency, kv, pools=list(pools), cluster={"instances": len(pools)})
    return [replica.instance.kv.blocks for replica in loaded.replicas]


def test_each_pool_sizes_its_own_cache():
    fitted = {"model": "meta-llama/llama-3.1-8b-instruct", "gpu": "H100", "tp": 2}
    assert pools({}, {"latency_model": {**NAMED, "tp": 2}}, {"latency_model": fitted}) == [28386, 64431, 132139]


def test_a_pool_keeps_blocks_that_are_given():
    assert pools({}, {"latency_model": {**NAMED, "tp": 2}}, kv={"blocks": 500}) == [500, 500]
    assert pools({"kv": {"blocks": 9}}, {"kv": {"cpu_blocks": 1}}, kv={"blocks": 500}) == [9, 500]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"tp": 0}, r"latency_model: a roofline needs tp"),
        ({"gpu": ""}, r"latency_model: a roofline needs gpu \(one of: H100, .*RTX-4090.*\) or roofline.hardware"),
        ({"model": ""}, r"latency_model: a roofline needs model \(one of: codellama.*\), hf_config or roofline.model"),
        ({"model": "qwen3-14"}, r"latency_model: unknown model 'qwen3-14' \(did you mean 'qwen3-14b'\?\)"),
        ({"gpu": "H10"}, r"latency_model: unknown gpu 'H10' \(did you mean 'H100'\?\)"),
        ({"beta": [1, 2, 3]}, r"latency_model.beta is not for kind 'roofline'"),
        ({"tp": 3}, r"tp must divide 32 attention heads, .* 8 KV heads.*: one of 1, 2, 4, 8, 16, 32; got 3"),
        ({"tp": 64}, r"one of 1, 2, 4, 8, 16, 32; got 64"),
        ({"tp": 3, "kind": "roofline-original"}, r"tp must divide 32 attention heads"),
        ({"model": "qwen2.5-7b-instruct", "tp": 8}, r"tp must divide 28 attention heads.*: one of 1, 2, 4, 28; got 8"),
        (
            {"model": "phi-4", "tp": 4},
            r"tp must divide 40 attention heads, and 10 KV heads.*: one of 1, 2, 5, 10, 20, 40",
        ),
        ({"model": "deepseek-v3", "gpu": "H200", "tp": 12}, r"one of 1, 2, 4, 8, 16, 32, 64, 128; got 12"),
        ({"tp": 1.5}, r"latency_model.tp must be a whole number, got 1.5"),
        ({"roofline": 3}, r"latency_model.roofline must be a mapping"),
        ({"roofline": {"modle": {}}}, r"latency_model.roofline: unknown key 'modle' \(did you mean 'model'\?\)"),
        ({"roofline": {"model": {"num_layers": 2}}}, r"missing key .*roofline.model.hidden_size"),
        ({"roofline": {"memory_utilization": 0.1}}, r"the weights take 15.0 GB of each of 1 GPUs.*6.4 GB.*raise tp"),
    ],
)
def test_what_is_missing_or_strange_is_one_line(changes: dict[str, Any], part: str):
    with pytest.raises(InputError, match=part) as caught:
        scenario({**NAMED, **changes})
    assert "\n" not in str(caught.value)


def test_unknown_memory_needs_blocks():
    hardware = {**INLINE["roofline"]["hardware"], "memory_gb": 0}
    latency = {**INLINE, "roofline": {**INLINE["roofline"], "hardware": hardware}}
    assert scenario(latency, {"blocks": 5}).instance.kv.blocks == 5
    with pytest.raises(InputError, match=r"give kv.blocks, or roofline.hardware.memory_gb"):
        scenario(latency)


def test_a_mistake_in_a_pool_names_the_pool():
    with pytest.raises(InputError, match=r"pools\[1\].latency_model: a roofline needs tp"):
        pools({}, {"latency_model": {"kind": "roofline", "model": "qwen3-14b"}})


class TestHfConfig:
    CONFIG = str(ROOT / "tests" / "data" / "hf_configs" / "qwen3-30b-a3b.json")

    def test_a_file_describes_the_model(self):
        read = scenario({**NAMED, "model": "", "hf_config": self.CONFIG})
        assert read.instance.latency_model.roofline.model == model_from_config(self.CONFIG)
        assert load_scenario(scenario_mapping(read)) == read

    @pytest.mark.parametrize("name", ["mine", "Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen3-30b-a3b-quantized.w4a16"])
    def test_it_may_go_by_any_name_of_its_own(self, name: str):
        read = scenario({**NAMED, "model": name, "hf_config": self.CONFIG}).instance.latency_model
        assert (read.model, read.roofline.model.experts) == (name, 128)

    @pytest.mark.parametrize("name", ["meta-llama/Llama-3.1-8B-Instruct", "qwen3-32b", "qwen3-30b-a3b"])
    def test_it_goes_by_no_other_model_s_name(self, name: str):
        files = {"meta-llama/Llama-3.1-8B-Instruct": "qwen3-30b-a3b", "qwen3-32b": "llama-3.1-8b"}
        file = self.CONFIG.replace("qwen3-30b-a3b", files.get(name, "qwen1.5-moe-a2.7b"))
        said = (
            rf"latency_model.model is '{name}', which has [0-9,]+ weights in its layers, but {file} describes a model"
        )
        with pytest.raises(InputError, match=said):
            scenario({**NAMED, "model": name, "hf_config": file})
        with pytest.raises(InputError, match=rf"pools\[0\].{said}"):
            pools({"latency_model": {**NAMED, "model": name, "hf_config": file}})

    def test_a_pool_shares_it_on_another_gpu(self):
        latency = {**NAMED, "model": "", "hf_config": self.CONFIG}
        found = pools({}, {"latency_model": {"gpu": "H200"}}, latency=latency)
        assert found[1] > found[0]

    @pytest.mark.parametrize(
        ("changes", "part"),
        [
            ({"hf_config": 3}, "latency_model.hf_config must be the path of a config.json, got 3"),
            ({"hf_config": "nowhere.json"}, "nowhere.json: No such file"),
            ({"hf_config": "x", "roofline": INLINE["roofline"]}, "give hf_config or roofline.model, not both"),
            ({"hf_config": "x", "kind": "blackbox"}, "latency_model.hf_config is for kind 'roofline', and the kind is"),
            (
                {"hf_config": "x", "kind": "blackbox", "model": ""},
                "latency_model.hf_config is for kind 'roofline', and",
            ),
            ({"hf_config": "x", "kind": "linear"}, "unknown key 'hf_config'"),
        ],
    )
    def test_what_is_wrong_with_it_is_said(self, changes: dict[str, Any], part: str):
        with pytest.raises(InputError, match=part):
            scenario({**NAMED, **changes})
