"""Whether tables of requests put policies in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from blis.api import simulate
from blis.config import Scenario
from blis.tables.requests import RequestTable


@dataclass(frozen=True)
class Agreement:
    """Mean TTFT in ms of every policy by name, on each table."""

    ttft_ms: dict[str, tuple[float, ...]]

    def tau(self, one: int, other: int) -> float | None:
        """Kendall's tau-b of the orders on two tables, -1 … 1; None if policies are all the same on one."""
        columns = list(zip(*self.ttft_ms.values(), strict=True))
        if any(len(set(columns[table])) == 1 for table in (one, other)):
            return None
        return float(kendalltau(columns[one], columns[other]).statistic)


def agreement(scenarios: Mapping[str, Scenario], tables: Sequence[RequestTable]) -> Agreement:
    """Every scenario, a policy each, on every table."""
    return Agreement({name: tuple(_mean_ttft_ms(one, table) for table in tables) for name, one in scenarios.items()})


def _mean_ttft_ms(scenario: Scenario, table: RequestTable) -> float:
    """Over all requests that came; who got no token waited until the end, or the last arrival."""
    result = simulate(scenario, table).table
    came = result.arrival_us >= 0
    until_us = max(result.end_us, int(result.arrival_us.max()))
    first_us = np.where(result.first_token_us < 0, until_us, result.first_token_us)
    return float((first_us - result.arrival_us)[came].mean()) / 1000
