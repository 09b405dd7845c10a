"""The law of circuit breakers: whoever has failed too often in a row gets nothing for a while (docs/failures.md)."""

from __future__ import annotations

import numpy as np

from blis.config import Scenario
from blis.engine.build.lives import outages
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


def check_breakers(scenario: Scenario, first_asks: RequestTable, result: ResultTable) -> list[str]:
    """One line for each outage in which an instance got a request too soon. result: of rows that ran.

    While an instance is down nobody is answered there, so each that is sent is one more failure in a row. Those that
    were sent elsewhere later are not known any more: they would only make it later.
    """
    breaker, broken = scenario.cluster.breaker, []
    if not breaker.failures or result.fleet is not None:  # one that the autoscaler starts anew begins anew
        return []
    for span in outages(scenario, first_asks):
        there = (
            (result.instance == span.instance) & (result.routed_us >= span.from_us) & (result.routed_us < span.to_us)
        )
        pauses_us = np.diff(np.sort(result.routed_us[there]))[breaker.failures - 1 :]
        if (pauses_us < breaker.open_us).any():
            broken.append(f"instance {span.instance} was sent a request though its breaker was open")
    return broken
