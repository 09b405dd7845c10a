"""Whether two tables of requests put policies in the same order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.stats import kendalltau

from blis.api import simulate
from blis.config import Scenario
from blis.tables.requests import RequestTable


class Agreement(NamedTuple):
    """Policies by name with their mean TTFT in ms on both tables, and Kendall's tau-b of the two orders, -1 … 1."""

    ttft_ms: dict[str, tuple[float, float]]
    tau: float


def agreement(scenarios: Mapping[str, Scenario], first: RequestTable, second: RequestTable) -> Agreement:
    """Every scenario, a policy each, on both tables."""
    found = {name: (_mean_ttft_ms(one, first), _mean_ttft_ms(one, second)) for name, one in scenarios.items()}
    return Agreement(found, float(kendalltau(*zip(*found.values(), strict=True)).statistic))


def _mean_ttft_ms(scenario: Scenario, table: RequestTable) -> float:
    """Over all requests; who got no token waited until the end."""
    result = simulate(scenario, table).table
    first_us = np.where(result.first_token_us < 0, result.end_us, result.first_token_us)
    return float((first_us - result.arrival_us).mean()) / 1000
