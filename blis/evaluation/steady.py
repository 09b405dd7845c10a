"""Rates while the load is steady: neither while a run fills up nor while it drains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blis.errors import InputError, check_number
from blis.evaluation.ratios import US_PER_S, per_s
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class SteadyRates:
    """Requests that completed within a window, and their output tokens, per second of it."""

    window_s: float
    requests_per_s: float
    tokens_per_s: float

    def to_dict(self) -> dict[str, float]:
        """Plain numbers for JSON."""
        return {
            "steady_window_s": self.window_s,
            "steady_responses_per_sec": self.requests_per_s,
            "steady_tokens_per_sec": self.tokens_per_s,
        }


def steady_rates(table: RequestTable, result: ResultTable, warm_up_s: float) -> SteadyRates:
    """The rates from `warm_up_s` seconds after the first arrival to the last one.

    Raises InputError if nothing is left of that.
    """
    check_number("warm-up", warm_up_s, 0)
    first_us = table.first_arrival_us
    last_us = int(result.arrival_us.max(initial=first_us))
    start_us = first_us + round(warm_up_s * US_PER_S)
    if start_us >= last_us:
        span_s = (last_us - first_us) / US_PER_S
        raise InputError(
            f"a warm-up of {warm_up_s:g} s leaves nothing of the {span_s:g} s between first and last arrival"
        )
    within = (result.status == COMPLETED) & (result.completed_us >= start_us) & (result.completed_us <= last_us)
    span_us = last_us - start_us
    tokens = int(table.output_tokens[within].sum())
    return SteadyRates(span_us / US_PER_S, per_s(int(np.count_nonzero(within)), span_us), per_s(tokens, span_us))
