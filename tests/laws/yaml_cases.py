"""Valid scenario and bundle files drawn at random, over every template and parameter there is."""

from __future__ import annotations

from random import Random
from typing import Any

from blis.config import BANDS, DETECTORS, FAIRNESS, ORDERINGS, PREEMPTIONS, TIE_BREAKS
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Bounds, Registry
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS

Mapping = dict[str, Any]
MODELS = ("meta-llama/llama-3.1-8b-instruct", "qwen/qwen2.5-7b-instruct")
SHAPES = ("llama-3.1-8b-instruct", "qwen3-14b")


def random_scenario(rng: Random) -> Mapping:
    """A scenario of few instances with small caches."""
    scenario: Mapping = {
        "name": rng.choice(["", "fuzz", "µs: 3"]),
        "seed": rng.randint(0, 5),
        "horizon_us": rng.choice([None, None, rng.randint(1, 10**7)]),
        "cluster": {
            "admission": {**_template(rng, ADMISSION, _is_bucket), "latency_us": rng.choice([0, 10])},
            "routing": {**_routing(rng), "latency_us": 0, **_freshness(rng), **_index(rng)},
            "flow_control": _flow_control(rng),
        },
        "instance": {
            "latency_model": _latency(rng),
            "kv": _kv(rng),
            "batch": _engine(rng),
            "engine": _profile(rng),
            "lora": _lora(rng),
            **_named(rng, SCHEDULERS, "scheduler", "scheduler_parameters"),
            **_named(rng, PRIORITIES, "priority", "priority_parameters"),
            "preemption": rng.choice(PREEMPTIONS),
        },
        "slo_tiers": _tiers(rng),
    }
    if scenario["cluster"]["admission"]["policy"] in ("token-bucket", "tenant-token-bucket"):
        scenario["cluster"]["admission"]["token_bucket"] = {"capacity_tokens": rng.choice([0, 500, 1e6])}
    if rng.random() < 0.3:
        scenario["pools"] = [_pool(rng) for _ in range(rng.randint(1, 3))]
    else:
        scenario["cluster"]["instances"] = rng.randint(1, 4)
    return scenario


def random_bundle(rng: Random) -> Mapping:
    """A bundle with some of its keys."""
    bundle: Mapping = {
        "admission": {**_template(rng, ADMISSION, _is_bucket), "token_bucket_capacity": rng.choice([0, 1e3])},
        "flow_control": _flow_control(rng),
        "routing": _routing(rng),
        "priority": _template(rng, PRIORITIES),
        **_named(rng, SCHEDULERS, "scheduler", "scheduler_parameters"),
        "preemption": rng.choice(PREEMPTIONS),
        "slo_tiers": _tiers(rng),
        "engine": _engine(rng),
        "provenance": {"run_id": "abc", "seeds": [1, 2]},
    }
    return {key: value for key, value in bundle.items() if rng.random() < 0.7 or key.startswith("scheduler")}


def _template(rng: Random, registry: Registry, without_parameters: Any = lambda _name: False) -> Mapping:
    """One policy of a registry, with some of its parameters."""
    name = rng.choice(list(registry))
    parameters = {} if without_parameters(name) else _parameters(rng, registry[name].bounds)
    return {"policy": name, **({"parameters": parameters} if parameters else {})}


def _named(rng: Random, registry: Registry, key: str, parameters_key: str) -> Mapping:
    drawn = _template(rng, registry)
    return {key: drawn["policy"], **({parameters_key: drawn["parameters"]} if "parameters" in drawn else {})}


def _parameters(rng: Random, bounds: dict[str, Bounds]) -> dict[str, float]:
    """Some parameters, at a bound, at their default or near it."""
    values = {}
    for name, bound in bounds.items():
        if rng.random() < 0.6:
            usual = bound.low if bound.default is None else bound.default
            values[name] = rng.choice([bound.low, bound.high, usual, min(max(usual * 1.5, bound.low), bound.high)])
    return values


def _is_bucket(name: str) -> bool:
    return "bucket" in name


def _routing(rng: Random) -> Mapping:
    routing = _template(rng, ROUTING)
    names = rng.sample(list(SCORERS), rng.randint(1, 4))
    routing["scorers"] = [
        {
            "name": name,
            "weight": rng.choice([1, 0.5, 1e-9, 1e9]),
            "parameters": _parameters(rng, SCORERS[name].bounds),
        }
        for name in names
    ]
    routing["tie_break"] = rng.choice(TIE_BREAKS)
    if rng.random() < 0.4:
        routing["filters"] = [
            {"name": name, "parameters": _parameters(rng, FILTERS[name].bounds)}
            for name in rng.sample(list(FILTERS), rng.randint(0, len(list(FILTERS))))
        ]
    if routing["policy"] == "weighted" and rng.random() < 0.3:
        routing["picker"] = "weighted-random"
    return routing


def _freshness(rng: Random) -> Mapping:
    kind = rng.random()
    if kind < 0.5:
        return {}
    if kind < 0.7:
        return {"snapshot_refresh_us": 5000}
    return {"signals": {name: {"age_us": rng.choice([0, 1000])} for name in ("queue_depth", "kv", "cache", "lora")}}


def _index(rng: Random) -> Mapping:
    return {"prefix_index_block_tokens": rng.choice([0, 64]), "prefix_index_max_tokens": rng.choice([0, 131072])}


def _flow_control(rng: Random) -> Mapping:
    if rng.random() < 0.6:
        return {"enabled": False}
    return {
        "enabled": True,
        "detector": rng.choice(DETECTORS),
        "max_concurrency": rng.choice([1, 3, 100]),
        "ordering": rng.choice(ORDERINGS),
        "fairness": rng.choice(FAIRNESS),
        "bands": rng.choice(BANDS),
        "priority_bands": [{"priority": priority, "weight": 2, "ttl_us": 500} for priority in rng.sample([3, -1], 1)],
        "max_requests_per_band": rng.choice([1, 5000]),
        "ttl_us": rng.choice([0, 10_000]),
        "interval_us": rng.choice([100, 1000]),
    }


def _latency(rng: Random) -> Mapping:
    kind = rng.random()
    if kind < 0.4:
        return {"alpha": [100, 1, 10], "beta": [5000.0, 20, 30.5]}
    if kind < 0.55:
        parameters = {"fixed_us": 5000.5, "context_us_token": rng.choice([0, 0.01]), "ramp_us": 700, "ramp_tokens": 8}
        more = rng.choice([{}, {"factor": 1.5}, {"ensemble": 2}, {"allow_implausible": True}])
        return {"kind": "linear", "parameters": parameters, **more}
    if kind < 0.75:
        return {"model": rng.choice(MODELS), "gpu": "H100", "tp": 2}
    return {"kind": "roofline", "model": rng.choice(SHAPES), "gpu": rng.choice(["H100", "A100-SXM"]), "tp": 2}


def _kv(rng: Random) -> Mapping:
    return {"blocks": rng.choice([40, 100, 5000]), "block_size_tokens": 16, "cpu_blocks": rng.choice([0, 0, 30])}


def _engine(rng: Random) -> Mapping:
    return {
        "max_running": rng.choice([1, 8, 256]),
        "max_scheduled_tokens": rng.choice([64, 2048]),
        "long_prefill_threshold": rng.choice([0, 32]),
    }


def _profile(rng: Random) -> str | Mapping:
    switches = {"async_scheduling": rng.random() < 0.5, "max_model_len": rng.choice([0, 300])}
    return rng.choice(["original", "vllm-0.8", "vllm-2026", {"profile": "vllm-2026", **switches}, switches])


def _lora(rng: Random) -> Mapping:
    return {"max_loras": rng.choice([1, 4]), "max_cpu_loras": rng.choice([0, 4]), "load_us": 9, "step_factor": 1.5}


def _tiers(rng: Random) -> Mapping:
    names = rng.sample(["critical", "batch", "gold", "default"], rng.randint(0, 3))
    return {name: {rng.choice(["priority", "weight", "ttft_ms"]): rng.choice([1, 2.5, 400])} for name in names}


def _pool(rng: Random) -> Mapping:
    pool: Mapping = {"count": rng.randint(1, 2), "labels": {"gpu": rng.choice(["H100", "A100"]), "lora": ["a", "b"]}}
    own = {"kv": {"blocks": 60}, "batch": {"max_running": 4}, "latency_model": _latency(rng), "engine": "vllm-2026"}
    own |= {"lora": _lora(rng)}
    for key, value in own.items():
        if rng.random() < 0.4:
            pool[key] = value
    return pool
