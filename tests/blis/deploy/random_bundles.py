"""Random bundles that say all a router's configuration says, and nothing that it cannot: what a round trip keeps."""

from __future__ import annotations

from math import gcd
from random import Random
from typing import Any

from blis.policies.bundle import PolicyBundle, load_bundle

#: Scorers with parameters that are none of the defaults, which a bundle leaves out.
_SCORERS: dict[str, dict[str, tuple[float, ...]]] = {
    "prefix-affinity": {},
    "precise-prefix-cache": {},
    "queue-waiting": {},
    "kv-utilization": {},
    "active-requests": {"idle_threshold": (1, 7), "max_busy_score": (0.25, 0.5)},
    "running-requests": {},
    "load-aware": {"threshold": (16, 64)},
    "no-hit-lru": {},
    "token-load": {"queue_threshold_tokens": (4096, 65_536)},
    "session-affinity": {},
}
_FILTERS: dict[str, dict[str, tuple[float, ...]]] = {
    "prefix-affinity": {
        "threshold": (0.25, 1.0),
        "max_queueing_penalty_ms": (50.0, 18_000.0, 1e9),
        "prefill_tokens_per_s": (9866.0, 15_928.0),
    },
    "load": {"max_waiting": (0.0, 5.0, 99.0)},
}
_SATURATION = {"queue_threshold": (1, 40), "kv_threshold": (0.5, 0.95)}
_ADMISSION: dict[str, dict[str, tuple[float, ...]]] = {
    "always-admit": {},
    "utilization-shed": _SATURATION,
    "concurrency-shed": {"max_concurrency": (8, 512)},
    "probabilistic": _SATURATION | {"power": (0.5, 3), "k": (1, 12.5)},
}


def router_bundle(rng: Random) -> PolicyBundle:
    """What an EndpointPickerConfig of the newer dialect can say."""
    gateway = rng.random() < 0.5
    policies = ["always-admit", "probabilistic"] if gateway else list(_ADMISSION)
    policy = rng.choice(policies)
    routing: dict[str, Any] = {"tie_break": "random", "filters": _some(rng, _FILTERS, 0)}
    if rng.random() < 0.1:
        routing |= {"policy": "random"}
    else:
        scorers = _some(rng, _SCORERS, 1)
        picker = rng.choice(["max", "max", "weighted-random"])
        routing |= {"policy": "weighted", "scorers": _weighted(rng, scorers), "picker": picker}
    return load_bundle(
        {
            "admission": {"policy": policy, "parameters": _parameters(rng, _ADMISSION[policy])},
            "flow_control": _flow_control(rng) if gateway else {"enabled": False},
            "routing": routing,
        }
    )


def engine_part(rng: Random) -> dict[str, Any]:
    """What arguments of vLLM can say."""
    priority = {"policy": "class-age", "parameters": {"age_per_s": 0}}
    scheduling = rng.choice(
        [
            {},
            {"scheduler": "fcfs", "preemption": "tail"},
            {"scheduler": "priority-fcfs", "preemption": "priority", "priority": priority},
        ]
    )
    running = rng.randint(1, 1024)
    knobs = {
        "max_running": running,
        "max_scheduled_tokens": running + rng.randint(0, 16_384),
        "long_prefill_threshold": rng.choice([0, 512]),
    }
    return scheduling | {"engine": {key: value for key, value in knobs.items() if rng.random() < 0.8}}


def _some(rng: Random, templates: dict[str, dict[str, tuple[float, ...]]], least: int) -> list[dict[str, Any]]:
    names = rng.sample(list(templates), rng.randint(least, len(templates)))
    return [{"name": name, "parameters": _parameters(rng, templates[name])} for name in names]


def _parameters(rng: Random, values: dict[str, tuple[float, ...]]) -> dict[str, float]:
    return {name: float(rng.choice(some)) for name, some in values.items() if rng.random() < 0.6}


def _weighted(rng: Random, scorers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Weights without a common divisor, as files have them."""
    weights = [rng.randint(1, 1000) for _ in scorers]
    divisor = gcd(*weights)
    return [{**scorer, "weight": float(weight // divisor)} for scorer, weight in zip(scorers, weights, strict=True)]


def _flow_control(rng: Random) -> dict[str, Any]:
    detector = rng.choice(
        [
            {"detector": "never"},
            {"detector": "concurrency", "max_concurrency": float(rng.randint(1, 512))},
            {"detector": "utilization", "queue_threshold": float(rng.randint(1, 40)), "kv_threshold": 0.75},
        ]
    )
    bands = [
        {"priority": float(priority), "max_requests": rng.randint(1, 9000)}
        | ({"ttl_us": rng.choice([0, 250, 3_000_000])} if rng.random() < 0.5 else {})
        for priority in rng.sample(range(-3, 5), rng.randint(0, 4))
    ]
    return {
        "enabled": True,
        **detector,
        "ordering": rng.choice(["fcfs", "deadline"]),
        "fairness": rng.choice(["global-strict", "round-robin"]),
        "bands": "strict",
        "max_requests_per_band": rng.randint(1, 9000),
        "ttl_us": rng.choice([0, 1, 60_000_000, 1_500_000]),
        "priority_bands": bands,
    }
