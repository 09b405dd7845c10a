"""Who gains and who pays: the requests of each kind under the policy found and under the primary baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.distribution import US_PER_MS
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

#: A prompt of which the primary baseline found so much in the cache is warm.
WARM = 0.5

#: Parts of a table by the length of prompts, and by time.
PARTS = 4

#: Tenants told apart: those with the most requests.
TENANTS = 5

Runs = Sequence[tuple[RequestTable, ResultTable, ResultTable]]  # requests, under the policy, under the primary
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """Requests of one kind over all tables. completed, primary_completed: how many each of the two completes.

    Of those that both complete: faster, the share that ends earlier with the policy; latencies in milliseconds, means.
    None if there is none.
    """

    kind: str
    name: str
    requests: int
    completed: int
    primary_completed: int
    faster: float | None
    ttft_mean_ms: float | None
    primary_ttft_mean_ms: float | None
    e2e_mean_ms: float | None
    primary_e2e_mean_ms: float | None


def groups(runs: Runs) -> list[Group]:
    """Every group that has requests but not all of them."""
    members: dict[tuple[str, str], list[Mask]] = {}
    for place, (table, _, primary) in enumerate(runs):
        for kind, name, mask in _kinds(table, primary, [table for table, _, _ in runs]):
            nobody = [np.zeros(len(other), np.bool_) for other, _, _ in runs]
            members.setdefault((kind, name), nobody)[place] = mask
    rows = sum(len(table) for table, _, _ in runs)
    found = [_group(kind, name, masks, runs) for (kind, name), masks in members.items()]
    return [group for group in found if 0 < group.requests < rows]


def _kinds(
    table: RequestTable, primary: ResultTable, tables: Sequence[RequestTable]
) -> Iterator[tuple[str, str, Mask]]:
    """Kind, name and rows of each group of a table."""
    for code, name in enumerate(table.slo_names):
        yield "class", name or "none", table.slo_class == code
    for name in _largest_tenants(tables):
        if name in table.tenant_names:
            yield "tenant", name, table.tenant == table.tenant_names.index(name)
    every = np.concatenate([one.input_tokens for one in tables])
    edges = np.quantile(every, np.arange(1, PARTS) / PARTS, method="inverted_cdf")
    part = np.searchsorted(edges, table.input_tokens)
    for place in range(PARTS):
        low = "" if place == 0 else f"over {edges[place - 1]:.0f}"
        high = "" if place == PARTS - 1 else f"up to {edges[place]:.0f}"
        yield "prompt tokens", " ".join(filter(None, (low, high))), part == place
    warm = primary.cached_tokens >= WARM * table.input_tokens
    yield "prompt in the cache", f"{WARM:.0%} or more", warm
    yield "prompt in the cache", "less", ~warm
    since_us = table.soonest_us - table.first_arrival_us
    quarter = np.minimum(since_us * PARTS // max(int(since_us.max()), 1), PARTS - 1)
    for place in range(PARTS):
        yield "time", f"quarter {place + 1}", quarter == place


def _largest_tenants(tables: Sequence[RequestTable]) -> list[str]:
    """The names of the tenants with the most requests over all tables."""
    count: dict[str, int] = {}
    for table in tables:
        for name, n in zip(table.tenant_names, np.bincount(table.tenant), strict=False):
            count[name] = count.get(name, 0) + int(n)
    return sorted(count, key=lambda name: (-count[name], name))[:TENANTS]


def _group(kind: str, name: str, masks: Sequence[Mask], runs: Runs) -> Group:
    """One group over all tables."""
    found = [result.status[mask] == COMPLETED for mask, (_, result, _) in zip(masks, runs, strict=True)]
    before = [primary.status[mask] == COMPLETED for mask, (_, _, primary) in zip(masks, runs, strict=True)]
    both = [one & other for one, other in zip(found, before, strict=True)]

    def values(place: int, column: str) -> NDArray[np.int64]:
        parts = [getattr(run[place], column)[mask][done] for run, mask, done in zip(runs, masks, both, strict=True)]
        return np.concatenate(parts)

    e2e_us, primary_e2e_us = values(1, "e2e_us"), values(2, "e2e_us")
    return Group(
        kind,
        name,
        sum(int(np.count_nonzero(mask)) for mask in masks),
        sum(int(np.count_nonzero(done)) for done in found),
        sum(int(np.count_nonzero(done)) for done in before),
        float(np.mean(e2e_us < primary_e2e_us)) if len(e2e_us) else None,
        _mean_ms(values(1, "ttft_us")),
        _mean_ms(values(2, "ttft_us")),
        _mean_ms(e2e_us),
        _mean_ms(primary_e2e_us),
    )


def _mean_ms(latency_us: NDArray[np.int64]) -> float | None:
    """The mean of those that have the latency."""
    known = latency_us[latency_us >= 0]
    return float(known.mean() / US_PER_MS) if len(known) else None
