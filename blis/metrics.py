"""What a run comes down to: counts, rates, latency distributions, per class and in total (engine.md section 12).

TTFT covers every request that finished its prompt, E2E, ITL and TPOT only completed ones, scheduling delay
every request that was admitted: with a horizon these are different populations, so each says its count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.gaps import Weighted, gap_distribution
from blis.requests import RequestTable
from blis.results import ResultTable
from blis.schema import COMPLETED, DROPPED, IN_TRANSIT, NOT_ARRIVED, QUEUED, REJECTED, RUNNING, STATUS_NAMES
from blis.slo import SLOClass, class_label, class_targets, good_requests, tpot_us

US_PER_S = 1e6
US_PER_MS = 1000.0


@dataclass(frozen=True)
class Distribution:
    """Summary of `count` numbers; all 0 if there are none."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    min: float
    max: float


@dataclass(frozen=True)
class Goodput:
    """Requests that completed and met every SLO of their class."""

    good: int
    offered: int
    share: float  # of those offered
    per_s: float


@dataclass(frozen=True)
class ClassMetrics:
    """Latencies of one class in ms, and its goodput if targets were given."""

    ttft: Distribution
    e2e: Distribution
    tpot: Distribution
    itl: Distribution
    goodput: Goodput | None


@dataclass(frozen=True)
class RawMetrics:
    """What the original's fitness reads (cluster-and-policies.md section 9). Latencies in µs."""

    offered: int  # requests that arrived, rejected ones included
    completed: int
    requests_per_s: float  # completed; 0 if the duration is 0
    tokens_per_s: float  # output tokens; 0 if the duration is 0
    ttft_us: Distribution
    e2e_us: Distribution


@dataclass(frozen=True)
class Metrics:
    """The numbers of one run. Latencies are in ms unless the name says otherwise."""

    requests: int
    completed: int
    queued: int
    running: int
    in_transit: int
    not_arrived: int
    rejected: int
    dropped: int
    preemptions: int
    allocation_failures: int
    input_tokens: int  # of requests that entered a wait queue
    output_tokens: int  # generated, unfinished requests included
    duration_us: int
    ttft: Distribution
    e2e: Distribution
    itl: Distribution  # gaps between tokens of all completed requests
    tpot: Distribution  # (E2E - TTFT) / (output - 1), of completed requests with 2 output tokens or more
    scheduling_delay: Distribution
    classes: dict[str, ClassMetrics]
    goodput: Goodput | None
    prompt_hit_rate: float  # prompt blocks found in the cache / looked up, all instances together
    mean_instance_hit_rate: float  # hits / (hits + blocks newly taken, outputs too), plain mean over instances
    peak_kv_blocks: int  # the largest of any instance
    peak_kv_share: float  # of the instance's blocks
    jain_output_tokens: float  # Jain index over tenants of completed output tokens; 0 if nothing completed
    raw: RawMetrics

    @property
    def preemption_rate(self) -> float:
        """Preemptions per completed request, 0 if none completed."""
        return self.preemptions / self.completed if self.completed else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; the original's names where it has the number (engine.md 12.3)."""
        values: dict[str, Any] = {
            "requests": self.requests,
            "completed_requests": self.completed,
            "still_queued": self.queued,
            "still_running": self.running,
            "in_transit": self.in_transit,
            "not_arrived": self.not_arrived,
            "rejected_requests": self.rejected,
            "dropped_unservable": self.dropped,
            "injected_requests": self.requests - self.not_arrived - self.rejected,
            "total_input_tokens": self.input_tokens,
            "total_output_tokens": self.output_tokens,
            "vllm_estimated_duration_s": self.duration_us / US_PER_S,
            "responses_per_sec": self.raw.requests_per_s,
            "tokens_per_sec": self.raw.tokens_per_s,
        }
        for name in ("e2e", "ttft", "itl", "tpot", "scheduling_delay"):
            values |= _flat(name, getattr(self, name))
        if self.goodput is not None:
            values |= _goodput_dict(self.goodput)
        values |= {
            "kv_allocation_failures": self.allocation_failures,
            "preemption_count": self.preemptions,
            "preemption_rate": self.preemption_rate,
            "prompt_hit_rate": self.prompt_hit_rate,
            "mean_instance_hit_rate": self.mean_instance_hit_rate,
            "peak_kv_blocks": self.peak_kv_blocks,
            "peak_kv_share": self.peak_kv_share,
            "jain_output_tokens": self.jain_output_tokens,
            "classes": {name: _class_dict(metrics) for name, metrics in self.classes.items()},
        }
        return values


def compute_metrics(
    scenario: Scenario, table: RequestTable, result: ResultTable, slo: Sequence[SLOClass] | None = None
) -> Metrics:
    """All numbers of a run. slo: targets of every class of the table, for goodput; InputError if one is missing."""
    count = np.bincount(result.status, minlength=len(STATUS_NAMES))
    instances = result.instances
    completed = result.status == COMPLETED
    good = None if slo is None else good_requests(table, result, class_targets(table, slo))
    peak_blocks = int(instances["peak_blocks"].max())
    return Metrics(
        requests=len(table),
        completed=int(count[COMPLETED]),
        queued=int(count[QUEUED]),
        running=int(count[RUNNING]),
        in_transit=int(count[IN_TRANSIT]),
        not_arrived=int(count[NOT_ARRIVED]),
        rejected=int(count[REJECTED]),
        dropped=int(count[DROPPED]),
        preemptions=int(instances["preemptions"].sum()),
        allocation_failures=int(instances["allocation_failures"].sum()),
        input_tokens=int(instances["input_tokens"].sum()),
        output_tokens=int(instances["output_tokens"].sum()),
        duration_us=result.end_us,
        ttft=_known(result.ttft_us),
        e2e=_known(result.e2e_us),
        itl=weighted_distribution(gap_distribution(result)),
        tpot=distribution(tpot_us(table, result)[completed & (table.output_tokens > 1)]),
        scheduling_delay=_known(result.scheduling_delay_us),
        classes=_by_class(table, result, good),
        goodput=None if good is None else _goodput(good, result),
        prompt_hit_rate=_ratio(int(instances["lookup_hit_blocks"].sum()), int(instances["lookup_blocks"].sum())),
        mean_instance_hit_rate=_mean_instance_hit_rate(instances),
        peak_kv_blocks=peak_blocks,
        peak_kv_share=peak_blocks / scenario.instance.kv.blocks,
        jain_output_tokens=_jain_output_tokens(table, completed),
        raw=raw_metrics(result),
    )


def raw_metrics(result: ResultTable) -> RawMetrics:
    """Rates and latencies alone: a part of the work of `compute_metrics`."""
    completed = int(np.count_nonzero(result.status == COMPLETED))
    return RawMetrics(
        offered=int(np.count_nonzero(result.status != NOT_ARRIVED)),
        completed=completed,
        requests_per_s=_rate(completed, result.end_us),
        tokens_per_s=_rate(int(result.instances["output_tokens"].sum()), result.end_us),
        ttft_us=_known(result.ttft_us, 1.0),
        e2e_us=_known(result.e2e_us, 1.0),
    )


def distribution(values: NDArray[Any], unit: float = US_PER_MS) -> Distribution:
    """Mean, percentiles and range of numbers in µs, divided by `unit` (ms by default)."""
    return weighted_distribution(Weighted(np.sort(values), np.ones(len(values), np.int64)), unit)


def weighted_distribution(numbers: Weighted, unit: float = US_PER_MS) -> Distribution:
    """The same of a multiset: exactly that of the list in which each value stands as often as its weight says.

    Percentile p of ascending x[0 … n-1]: linear between the neighbours of rank p/100 (n - 1) (engine.md 12.3).
    """
    if len(numbers.values) == 0:
        return Distribution(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    last_rank = np.cumsum(numbers.weights) - 1
    n = int(last_rank[-1]) + 1
    mean = float(np.dot(numbers.values.astype(np.float64), numbers.weights.astype(np.float64))) / n / unit
    p50, p90, p95, p99 = (_percentile(numbers.values, last_rank, percent, unit) for percent in (50, 90, 95, 99))
    low, high = (float(value) / unit for value in numbers.values[[0, -1]])
    return Distribution(n, mean, p50, p90, p95, p99, low, high)


def jain_index(shares: NDArray[Any]) -> float:
    """(sum x)^2 / (n sum x^2): 1 if all have the same, 1/n if one has everything; 0 for none, 1 for all zero."""
    if len(shares) == 0:
        return 0.0
    squares = float(np.dot(shares, shares))
    return float(shares.sum()) ** 2 / (len(shares) * squares) if squares > 0 else 1.0


def _percentile(values: NDArray[Any], last_rank: NDArray[np.int64], percent: int, unit: float) -> float:
    """values: ascending; last_rank: rank of the last copy of each in the expanded list."""
    rank = percent / 100 * int(last_rank[-1])
    low, high = (float(values[np.searchsorted(last_rank, whole)]) for whole in (np.floor(rank), np.ceil(rank)))
    return low / unit + ((high - low) * (rank - np.floor(rank))) / unit


def _known(values: NDArray[np.int64], unit: float = US_PER_MS) -> Distribution:
    """Of the rows in which the event happened."""
    return distribution(values[values >= 0], unit)


def _rate(count: int, duration_us: int) -> float:
    return count / (duration_us / US_PER_S) if duration_us else 0.0


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _by_class(table: RequestTable, result: ResultTable, good: NDArray[np.bool_] | None) -> dict[str, ClassMetrics]:
    """Metrics of each class that has a request, by name in alphabetical order."""
    members: dict[str, NDArray[np.bool_]] = {}
    for code in np.unique(table.slo_class):
        label = class_label(table.slo_names[code])
        members[label] = members.get(label, False) | (table.slo_class == code)
    return {label: _class_metrics(table, result, members[label], good) for label in sorted(members)}


def _class_metrics(
    table: RequestTable, result: ResultTable, member: NDArray[np.bool_], good: NDArray[np.bool_] | None
) -> ClassMetrics:
    several = member & (result.status == COMPLETED) & (table.output_tokens > 1)
    return ClassMetrics(
        ttft=_known(result.ttft_us[member]),
        e2e=_known(result.e2e_us[member]),
        tpot=distribution(tpot_us(table, result)[several]),
        itl=weighted_distribution(gap_distribution(result, member)),
        goodput=None if good is None else _goodput(good[member], result),
    )


def _goodput(good: NDArray[np.bool_], result: ResultTable) -> Goodput:
    number = int(np.count_nonzero(good))
    return Goodput(number, len(good), _ratio(number, len(good)), _rate(number, result.end_us))


def _mean_instance_hit_rate(instances: NDArray[np.void]) -> float:
    """The original's cache hit rate; instances without a block count as 0."""
    hits, taken = instances["hit_blocks"], instances["miss_blocks"]
    return float(np.mean(hits / np.maximum(hits + taken, 1)))


def _jain_output_tokens(table: RequestTable, completed: NDArray[np.bool_]) -> float:
    """Over the tenants that have a request, served or not."""
    if not completed.any():
        return 0.0
    tokens = np.bincount(table.tenant, weights=completed * table.output_tokens)
    return jain_index(tokens[np.bincount(table.tenant) > 0])


def _flat(name: str, numbers: Distribution) -> dict[str, float]:
    """A distribution as `ttft_count`, `ttft_mean_ms`, `ttft_p50_ms` and so on."""
    keys = ("mean", "p50", "p90", "p95", "p99", "min", "max")
    return {f"{name}_count": numbers.count} | {f"{name}_{key}_ms": getattr(numbers, key) for key in keys}


def _goodput_dict(goodput: Goodput) -> dict[str, float]:
    return {
        "good_requests": goodput.good,
        "offered_requests": goodput.offered,
        "goodput_share": goodput.share,
        "goodput_per_sec": goodput.per_s,
    }


def _class_dict(metrics: ClassMetrics) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in ("e2e", "ttft", "itl", "tpot"):
        values |= _flat(name, getattr(metrics, name))
    return values | (_goodput_dict(metrics.goodput) if metrics.goodput is not None else {})
