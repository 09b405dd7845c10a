"""Logs of a server whose prices are known, because a simulation wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from blis.api import simulate
from blis.calibration.replay import replay_scenario
from blis.engine.observe import Observe
from blis.fit.loop import Evidence, Watched
from blis.workload.recorded.build import recording
from blis.workload.recorded.recording import Recording, Server, StepLog

TRUTH = {"fixed_us": 6000.0, "prefill_us_token": 45.0, "decode_us_request": 60.0, "context_us_token": 0.05}


def watched(
    seed: int,
    n: int,
    truth: Mapping[str, float] = TRUTH,
    *,
    noise: float = 0.0,
    outliers: float = 0.0,
    shortest: int = 2,
    longest: int = 600,
    server: Server | None = None,
) -> Watched:
    """A log of n requests, six a second, all of them to be looked at, and the scenario that it is simulated in.

    noise: the standard deviation of times, as a share. outliers: the share of requests that come seconds too late.
    """
    rng = np.random.default_rng(seed)
    arrival_us = np.cumsum(rng.exponential(1e6 / 6, n))
    inputs, outputs = rng.integers(20, 2500, n), rng.integers(shortest, longest, n)
    blank = recording(
        "made",
        arrival_us=arrival_us,
        first_token_us=arrival_us + 1,
        completed_us=arrival_us + 2,
        input_tokens=inputs,
        output_tokens=outputs,
        ok=True,
        request_ids=[str(row) for row in range(n)],
        server=server or Server(vllm="0.19.0"),
    )
    scenario = replay_scenario(blank, {"kind": "linear", "parameters": dict(truth)}).scenario
    result = simulate(scenario, blank.requests).table
    arrival_us = blank.requests.arrival_us
    ttft_us, e2e_us = (times - arrival_us.astype(float) for times in (result.first_token_us, result.completed_us))
    late_us = np.where(rng.random(n) < outliers, rng.exponential(3e6, n), 0.0)
    first_us = arrival_us + ttft_us * np.exp(noise * rng.normal(size=n)) + late_us / 2
    last_us = arrival_us + e2e_us * np.exp(noise * rng.normal(size=n)) + late_us
    made = replace(
        blank,
        first_token_us=np.rint(first_us).astype(np.int64),
        completed_us=np.rint(np.maximum(first_us, last_us)).astype(np.int64),
    )
    return Watched(made, scenario, np.arange(n))


def evidence(seed: int, n: int, truth: Mapping[str, float] = TRUTH, **more: float) -> Evidence:
    """The same as all that a fit may look at."""
    return Evidence((watched(seed, n, truth, **more),))  # type: ignore[arg-type]


def step_log(seed: int, n: int, truth: Mapping[str, float] = TRUTH, source: str = "steps") -> StepLog:
    """The steps of such a log, as a server would write them down."""
    made = watched(seed, n, truth)
    steps = simulate(made.scenario, made.recording.requests, observe=Observe(steps=True)).table.kept_steps
    assert steps is not None
    return StepLog(source, steps, made.recording.server)


def recorded(seed: int, n: int, truth: Mapping[str, float] = TRUTH, **more: float) -> Recording:
    """Only the log."""
    return watched(seed, n, truth, **more).recording  # type: ignore[arg-type]


def alike(n: int) -> Recording:
    """A log of n requests of one length, each alone."""
    arrival_us = np.arange(n) * 10_000_000
    made = recording(
        "alike",
        arrival_us=arrival_us,
        first_token_us=arrival_us + 30_000,
        completed_us=arrival_us + 30_000 + 49 * 9_000,
        input_tokens=[400] * n,
        output_tokens=[50] * n,
        ok=True,
        request_ids=[str(row) for row in range(n)],
        server=Server(vllm="0.19.0"),
    )
    return made


def some(log: Recording, n: int) -> Recording:
    """The last n requests of a log, as a log of their own."""
    requests = log.requests
    rows = np.arange(len(log))[-n:]
    return recording(
        log.source,
        arrival_us=requests.arrival_us[rows],
        first_token_us=log.first_token_us[rows],
        completed_us=log.completed_us[rows],
        input_tokens=requests.input_tokens[rows],
        output_tokens=requests.output_tokens[rows],
        ok=True,
        request_ids=[requests.request_id(row) for row in rows.tolist()],
        server=log.server,
    )
