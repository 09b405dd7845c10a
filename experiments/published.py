"""Comparisons of routers on real clusters, as they were published, each as a cluster and requests of ours.

What a source says is taken as it is. Everything else that a simulation needs stands in `assumed`; nothing was chosen by
how the simulated routers then rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.inference_perf import Chats, Prompts, Stage

Routing = dict[str, Any]  # a scenario's `routing`

#: As the router of llm-d reads its metrics.
SIGNALS = {name: {"age_us": 50_000} for name in ("queue_depth", "batch_size", "kv", "cache")}
#: What vLLM takes by itself on GPUs of 70 GiB and more, A100 left out: vllm/engine/arg_utils.py, 0.9 and later.
LARGE_GPU = {"max_running": 1024, "max_scheduled_tokens": 8192}
#: `precise-prefix-cache` as it was when these were measured: min-max over instances.
PRECISE = "precise-prefix-cache-2026-04"


@dataclass(frozen=True)
class Comparison:
    """What was compared, and how it is rebuilt."""

    name: str
    source: str
    stated: str
    assumed: str
    instances: int
    instance: Mapping[str, Any]
    requests: Prompts | Chats
    routers: Mapping[str, Routing]  # by the name they have there
    published: Mapping[str, tuple[float, ...]]  # by measure: a figure for each router in their order


def weighted(scorers: Mapping[str, float], index: tuple[int, int, int] | None = None) -> Routing:
    """A router that adds up scores. index: of prefixes: tokens of a block, at most of a prompt, and how many blocks."""
    keys = ("prefix_index_block_tokens", "prefix_index_max_tokens", "prefix_index_blocks")
    listed = [{"name": name, "weight": weight} for name, weight in scorers.items()]
    return {"policy": "weighted", "scorers": listed, **(dict(zip(keys, index, strict=True)) if index else {})}


def _roofline(gpu: str, tp: int, model: str | Mapping[str, Any]) -> dict[str, Any]:
    """The roofline of a model by name or by its shape."""
    what = {"model": model} if isinstance(model, str) else {"roofline": {"model": dict(model)}}
    return {"kind": "roofline", "gpu": gpu, "tp": tp, **what}


def _instance(latency_model: Mapping[str, Any], kv: Mapping[str, Any]) -> dict[str, Any]:
    return {"engine": "vllm-2026", "latency_model": latency_model, "kv": kv, "batch": LARGE_GPU}


def _stages(*pairs: tuple[float, float]) -> tuple[Stage, ...]:
    return tuple(Stage(*pair) for pair in pairs)


_ALL_OF_IT = "engine profile vllm-2026, the batch limits vLLM takes on such GPUs, metrics and cache events 50 ms old"
_ANSWERS = "every answer has the 1,000 tokens asked for (`ignore_eos`), and a stage begins when all before are answered"

LARGE_CACHE = Comparison(
    name="73 % of the cache",
    source="llm-d blog 2025-09-24, and benchmarking/73-capacity in llm-d/llm-d-kv-cache-manager",
    stated=(
        "8 pods of 2 H100, Qwen3-32B, 307,328 KV tokens a pod; 150 groups × 5 users, 6,000 + 1,200 tokens in, 1,000"
        " out, Poisson, 16 stages of 3 to 60 requests/s; weights; blocks of 64 tokens"
    ),
    assumed=f"{_ANSWERS}; 4 characters a token in the router's blocks of 64 characters; {_ALL_OF_IT}",
    instances=8,
    instance=_instance(_roofline("H100", 2, "qwen3-32b"), {"blocks": 307_328 // 64, "block_size_tokens": 64}),
    requests=Prompts(
        *(150, 5, 6_000, 1_200, 1_000),
        warm_up=Stage(15, 50),
        stages=_stages(
            *((3, 20), (10, 20), (15, 20), (20, 38), (22, 34), (25, 30), (30, 25), (35, 21)),
            *((40, 38), (43, 36), (46, 33), (49, 30), (52, 29), (55, 27), (57, 26), (60, 25)),
        ),
        poisson=True,
    ),
    routers={
        "precise": weighted({PRECISE: 3, "kv-utilization": 2, "queue-waiting": 2}),
        "approximate": weighted(
            {"prefix-affinity": 1, "kv-utilization": 1, "queue-waiting": 1}, index=(16, 256 * 16, 31_250)
        ),
        "load": weighted({"queue-waiting": 1, "kv-utilization": 1}),
        "random": {"policy": "random"},
    },
    published={  # of the report; the blog has the figure of random for load, too
        "output tokens/s": (8730.0, 6944.4, 4266.4, 4428.7),
        "TTFT p90 s": (0.542, 31.083, 94.865, 92.551),
        "TTFT mean s": (0.298, 13.316, 46.987, 45.281),
    },
)

SMALL_CACHE = Comparison(
    name="37 % of the cache",
    source="benchmarking/37-capacity in llm-d/llm-d-kv-cache-manager",
    stated=(
        "4 pods, Llama-3.1-70B, 461,376 KV tokens a pod; 83 groups × 3 users, 8,000 + 1,000 tokens in, 1,000 out,"
        " evenly, 9 stages of 3 to 20 requests/s; weights; blocks of 64 tokens"
    ),
    assumed=(
        f"4 H100 a pod, which the size of the cache fits; {_ANSWERS}; 4 characters a token in the router's blocks of"
        f" 256 characters; {_ALL_OF_IT}"
    ),
    instances=4,
    instance=_instance(
        _roofline("H100", 4, "llama-3.1-70b-instruct"), {"blocks": 461_376 // 64, "block_size_tokens": 64}
    ),
    requests=Prompts(
        *(83, 3, 8_000, 1_000, 1_000),
        warm_up=Stage(10, 25),
        stages=_stages(
            *((3, 210), (4, 180), (5, 120), (6, 120), (8, 90), (10, 70), (12, 60), (15, 50), (20, 50)),
        ),
        poisson=False,
    ),
    routers={
        "precise": weighted({PRECISE: 2, "kv-utilization": 1, "active-requests": 1}),
        "approximate": weighted(
            {"prefix-affinity": 2, "kv-utilization": 1, "active-requests": 1}, index=(64, 256 * 64, 2_200)
        ),
        "load": weighted({"active-requests": 1, "kv-utilization": 1}),
        "random": {"policy": "random"},
    },
    published={
        "output tokens/s": (5380.9, 3408.6, 2669.0, 2991.5),
        "TTFT p90 s": (0.409, 64.430, 98.318, 84.938),
        "TTFT mean s": (0.259, 25.337, 40.689, 40.915),
    },
)

#: config.json of Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8.
_QWEN3_480B = {
    "num_layers": 62, "hidden_size": 6144, "num_heads": 96, "num_kv_heads": 8, "head_dim": 128, "vocab_size": 151_936,
    "experts": 160, "experts_per_token": 8, "expert_intermediate_size": 2560, "bytes_per_param": 1.0, "math": "fp8",
    "kv_bytes_per_value": 2.0,
}  # fmt: skip
_PREFIXES_2026_03 = (16, 256 * 16, 31_250)

PRODUCTION = Comparison(
    name="production-like chats",
    source="llm-d blog 2026-03-13",
    stated=(
        "13 servers of 8 H200, Qwen3-480B; chats, a prefix of 1,000 tokens, questions 729 ± 13,550, answers 300 ± 2,213"
        " (at most 8,192; prompts at most 131,072), Poisson, 8 stages of 1 and 5 requests/s in turn; weights"
    ),
    assumed=(
        "FP8 weights; 100 s a stage, as in its other scenarios; 6 groups × 10 users, of four sizes tried the one with"
        " which none has about its medians: nine tenths of all prompt tokens have been seen (it says about 94 %);"
        " normal lengths that are held in their limits; users take turns whether they are answered or not; the router"
        f" sees 256 blocks of 16 tokens; {_ALL_OF_IT}"
    ),
    instances=13,
    instance=_instance(_roofline("H200", 8, _QWEN3_480B), {}),
    requests=Chats(
        *(6, 10, 1_000, (729, 13_550), (300, 2_213)),
        largest_answer=8_192,
        longest_prompt=131_072,
        stages=_stages(*((1, 100), (5, 100)) * 4),
    ),
    routers={
        "none": {"policy": "round-robin"},
        "1:1:1": weighted({"prefix-affinity": 1, "queue-waiting": 1, "kv-utilization": 1}, index=_PREFIXES_2026_03),
        "3:2:2": weighted({"prefix-affinity": 3, "queue-waiting": 2, "kv-utilization": 2}, index=_PREFIXES_2026_03),
    },
    published={
        "E2E p50 s": (15.98, 16.42, 13.42),
        "E2E p95 s": (38.85, 35.06, 26.55),
        "TTFT p50 s": (4.47, 2.86, 3.38),
        "TTFT p95 s": (24.04, 18.06, 16.78),
    },
)

COMPARISONS = (LARGE_CACHE, SMALL_CACHE, PRODUCTION)
