"""Recordings that a simulation made, and by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from blis.api import generate, simulate
from blis.config import Scenario
from blis.engine.observe import Observe
from blis.scenario import load_scenario
from blis.workload.recorded.build import recording
from blis.workload.recorded.recording import MOMENT, Recording

PARAMETERS = {"fixed_us": 15_000, "prefill_us_token": 30, "decode_us_request": 40, "context_us_token": 0.02}


def scenario(parameters: Mapping[str, float] | None = None, **instance: Any) -> Scenario:
    """One instance with a small cache and few places, so that requests wait."""
    latency = {"kind": "linear", "parameters": {**PARAMETERS, **(parameters or {})}}
    return load_scenario(
        {"instance": {"latency_model": latency, "kv": {"blocks": 400}, "batch": {"max_running": 8}, **instance}}
    )


def workload(n: int) -> dict[str, Any]:
    """Requests of two classes, and of none that prompts share."""
    client = {
        "slo_class": "fast", "rate_fraction": 0.6, "arrival": {"process": "poisson"},
        "input_distribution": {"type": "gaussian", "params": {"mean": 200, "std_dev": 90, "min": 5, "max": 500}},
        "output_distribution": {"type": "exponential", "params": {"mean": 30}},
    }  # fmt: skip
    clients = [{**client, "id": "a"}, {**client, "id": "b", "slo_class": "slow", "rate_fraction": 0.4}]
    return {"aggregate_rate": 30.0, "num_requests": n, "seed": 3, "clients": clients}


def simulated(server: Scenario, n: int = 120, timeline: bool = False) -> Recording:
    """What a server that is this scenario would log; with a time line: twice a second, on a clock 0.4 s ahead."""
    requests = generate(workload(n))
    result = simulate(server, requests, observe=Observe(sample_us=100_000)).table
    made = recording(
        "made",
        arrival_us=requests.arrival_us,
        scheduled_us=result.scheduled_us,
        first_token_us=requests.arrival_us + result.ttft_us,
        completed_us=requests.arrival_us + result.e2e_us,
        input_tokens=requests.input_tokens,
        output_tokens=requests.output_tokens,
        ok=True,
        request_ids=[f"r{row}" for row in range(n)],
        slo_class=[requests.slo_names[number] for number in requests.slo_class],
    )
    if not timeline:
        return made
    assert result.samples is not None
    samples = result.samples[::5, 0]
    moments = np.zeros(len(samples), MOMENT)
    moments["time_us"] = samples["time_us"] - int(requests.arrival_us[0]) + 400_000
    moments["running"], moments["waiting"] = samples["batch_size"], samples["queue_depth"] + samples["pending"]
    moments["kv_share"] = samples["used_blocks"] / server.instance.kv.blocks
    return replace(made, timeline=moments)


def handmade(ttft_us: list[int], e2e_us: list[int], **changes: Any) -> Recording:
    """A request a second named "0", "1", … with 10 tokens in and 5 out."""
    n = len(ttft_us)
    arrival = np.arange(n) * 1_000_000
    columns: dict[str, Any] = {
        "arrival_us": arrival, "first_token_us": arrival + ttft_us, "completed_us": arrival + e2e_us,
        "input_tokens": [10] * n, "output_tokens": [5] * n, "ok": True, "request_ids": [str(row) for row in range(n)],
    }  # fmt: skip
    return recording("handmade", **(columns | changes))
