"""What the original's evaluation is made of: counts, rates and latencies in µs (cluster-and-policies.md section 9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blis.evaluation.distribution import Distribution, known
from blis.evaluation.ratios import per_s, ratio
from blis.tables.records import COMPLETED, DROPPED, NOT_ARRIVED, REJECTED, STATUS_NAMES
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class RawMetrics:
    """Rates and latencies of one run.

    TTFT covers every request that finished its prompt, E2E only completed ones: with a horizon these are
    different populations, so each says its count.
    """

    offered: int  # requests that arrived, rejected ones included
    completed: int
    rejected: int
    dropped: int  # could never fit in the KV cache
    requests_per_s: float  # completed; 0 if the duration is 0
    tokens_per_s: float  # output tokens; 0 if the duration is 0
    preemption_rate: float  # preemptions per completed request, 0 if none completed
    ttft_us: Distribution
    e2e_us: Distribution


def raw_metrics(result: ResultTable) -> RawMetrics:
    """The numbers of a run, from its result alone."""
    count = np.bincount(result.status, minlength=len(STATUS_NAMES)).tolist()
    instances = result.instances
    return RawMetrics(
        offered=len(result) - count[NOT_ARRIVED],
        completed=count[COMPLETED],
        rejected=count[REJECTED],
        dropped=count[DROPPED],
        requests_per_s=per_s(count[COMPLETED], result.duration_us),
        tokens_per_s=per_s(int(instances["output_tokens"].sum()), result.duration_us),
        preemption_rate=ratio(int(instances["preemptions"].sum()), count[COMPLETED]),
        ttft_us=known(result.ttft_us, 1.0),
        e2e_us=known(result.e2e_us, 1.0),
    )
