"""`python -m benchmarks.features`: what each feature of the simulator costs when it is on, for docs/performance.md.

Each row is the default problem's cluster and requests with one thing changed, timed against the unchanged one in
the same run, turn by turn. What a feature does to the simulated cluster (more steps, more evictions) is in the
figure: the last column gives the steps a request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.timing import table
from blis.config import Scenario
from blis.engine.run import Observe, simulate
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario, scenario_mapping
from blis.tables.requests import RequestTable
from search.application import compose_settings

ROUNDS = 15
ROUNDS_EACH = 5  # of a conversation
THOUGHT_US = 2e6  # the mean of an exponential law

_WEIGHTED = {"policy": "weighted", "tie_break": "random"}
_STICKY = [{"name": "prefix-affinity"}, {"name": "load"}]

#: Bundles on top of the primary baseline.
POLICIES: dict[str, Mapping[str, Any]] = {
    "scheduler sjf": {"scheduler": "sjf"},
    "priority-fcfs + slo-tiers": {"scheduler": "priority-fcfs", "priority": {"policy": "slo-tiers"}},
    "least-attained-service": {"scheduler": "least-attained-service"},
    "preemption by priority": {"preemption": "priority"},
    "routing least-loaded": {"routing": {"policy": "least-loaded"}},
    "routing power-of-two": {"routing": {"policy": "power-of-two"}},
    "routing lmetric": {"routing": {"policy": "lmetric"}},
    "routing prefix-affinity": {"routing": {"policy": "prefix-affinity"}},
    "scorer precise-prefix-cache": {
        "routing": {**_WEIGHTED, "scorers": [{"name": "precise-prefix-cache", "weight": 1}]}
    },
    "scorer active-requests": {"routing": {**_WEIGHTED, "scorers": [{"name": "active-requests", "weight": 1}]}},
    "filters (sticky, load)": {"routing": {"filters": _STICKY}},
    "picker weighted-random": {"routing": {"picker": "weighted-random"}},
    "admission utilization-shed": {"admission": {"policy": "utilization-shed"}},
    "admission tenant-budget": {"admission": {"policy": "tenant-budget"}},
    "flow control, strict": {"flow_control": {"enabled": True}},
    "flow control, round-robin": {"flow_control": {"enabled": True, "fairness": "round-robin"}},
}

#: Kinds of latency models in place of the roofline: one whose steps depend on the batch alone, and one like the
#: roofline, whose steps get longer with the context.
LATENCIES: dict[str, Mapping[str, Any]] = {
    "blackbox": {"kind": "blackbox", "model": "meta-llama/llama-3.1-8b-instruct", "gpu": "H100", "tp": 2},
    "linear": {
        "kind": "linear",
        "parameters": {
            "fixed_us": 4000,
            "prefill_us_token": 15,
            "decode_us_request": 20,
            "context_us_token": 0.01,
        },
    },
}


def with_latency(scenario: Scenario, latency: Mapping[str, Any]) -> Scenario:
    """The same deployment, its steps from another kind of latency model."""
    mapping = scenario_mapping(scenario)
    mapping["instance"]["latency_model"] = dict(latency)
    return load_scenario(mapping)


def with_second_tier(scenario: Scenario) -> Scenario:
    """The same deployment with a CPU tier as large as the GPU's."""
    kv = scenario.instance.kv
    return replace(scenario, instance=replace(scenario.instance, kv=replace(kv, cpu_blocks=kv.blocks)))


def with_pools(scenario: Scenario) -> Scenario:
    """The same instances, but as two pools with labels."""
    mapping = scenario_mapping(scenario)
    half = scenario.cluster.instances // 2
    mapping["pools"] = [{"count": half, "labels": {"zone": name}} for name in ("a", "b")]
    return load_scenario(mapping)


def in_rounds(requests: RequestTable) -> RequestTable:
    """The same requests as conversations: each comes when the one before it is answered and thought over."""
    rows = np.arange(len(requests))
    follows = rows % ROUNDS_EACH > 0
    thought_us = 1 + np.random.default_rng(1).exponential(THOUGHT_US, len(requests)).astype(np.int64)
    columns = {
        "arrival_us": np.where(follows, -1, requests.arrival_us),
        "predecessor": np.where(follows, rows - 1, -1).astype(np.int32),
        "think_us": np.where(follows, thought_us, 0),
    }
    return replace(requests, cache={}, **columns)


def runs(scenario: Scenario, requests: RequestTable) -> dict[str, Callable[[], Any]]:
    """Every measured run by its name; the first is what the others are compared with."""
    changed = {name: apply_bundle(scenario, load_bundle(bundle)) for name, bundle in POLICIES.items()}
    changed |= {name: with_latency(scenario, latency) for name, latency in LATENCIES.items()}
    changed["second KV tier"] = with_second_tier(scenario)
    changed["two pools"] = with_pools(scenario)
    found: dict[str, Callable[[], Any]] = {"primary baseline": lambda: simulate(scenario, requests)}
    found.update({name: lambda s=other: simulate(s, requests) for name, other in changed.items()})
    conversations = in_rounds(requests)
    found["closed loop, 5 rounds"] = lambda: simulate(scenario, conversations)
    found["samples every 100 ms"] = lambda: simulate(scenario, requests, observe=Observe(sample_us=100_000))
    found["decision records"] = lambda: simulate(scenario, requests, observe=Observe(decisions=True))
    return found


def main() -> None:
    """Measure turn by turn and print."""
    problem = compose_settings(["tracking=none"]).problem
    scenario = apply_bundle(problem.scenario, problem.baseline)
    requests = problem.table(problem.search_seeds[0])
    work = runs(scenario, requests)
    steps = {name: int(call().instances["steps"].sum()) for name, call in work.items()}
    best = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):
        for name, call in work.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    base = best["primary baseline"]
    rows = [
        [name, f"{seconds / len(requests) * 1e6:.2f}", f"{seconds / base:.2f}", f"{steps[name] / len(requests):.1f}"]
        for name, seconds in best.items()
    ]
    print(table(["changed", "µs a request", "ratio", "steps a request"], rows))


if __name__ == "__main__":
    main()
