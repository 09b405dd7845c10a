"""Clusters that are textbook queues: every token takes one step of one length, so service = tokens x step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Batch, Cluster, Instance, LatencyModel, Routing, Scenario
from blis.tables.requests import RequestTable
from tests.blis.handmade import make_table

STEP_US = 1000


def servers(instances: int = 1, at_once: int = 1, routing: str = "round-robin", **instance: Any) -> Scenario:
    """Instances that serve so many requests at once, a token of each in every step."""
    return Scenario(
        instance=Instance(
            latency_model=LatencyModel(beta=(STEP_US, 0, 0)),
            batch=Batch(max_running=at_once, max_scheduled_tokens=2**20),
            **instance,
        ),
        cluster=Cluster(instances=instances, routing=Routing(policy=routing)),
    )


def customers(
    n: int, rate_per_s: float, tokens: NDArray[np.int64], rng: np.random.Generator, **columns
) -> RequestTable:
    """Poisson arrivals of requests with a prompt of one token and these outputs; nothing in common between them."""
    arrival_us = np.cumsum(rng.standard_exponential(n) / rate_per_s * 1e6).astype(np.int64)
    table = make_table(n, input_tokens=1, output_tokens=tokens, **columns)
    return replace(table, arrival_us=arrival_us, uniform=rng.random(n))


def geometric(n: int, mean: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Memoryless service: exponential in whole steps."""
    return rng.geometric(1 / mean, n)
