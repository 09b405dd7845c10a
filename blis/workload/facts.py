"""A workload in figures, before anything serves it: how much comes, how evenly, how long it is, what it shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable
from blis.workload.content.reuse import ideal_hit_rate, seen_tokens

_PARTS = 20  # equal parts of the time, of which the quietest and the busiest are shown


def workload_facts(table: RequestTable, block_tokens: int) -> dict[str, Any]:
    """Plain figures by name, those of one kind together; what there is none of is empty or left out.

    block_tokens: of the ideal hit rate. Of requests that wait for an answer no gap is known: in a closed loop gaps are
    those between starts, of conversations and of requests without one, and are called so.
    """
    arrival_us = table.arrival_us[table.arrival_us >= 0]
    gaps = "gap_between_starts_ms" if table.closed else "gap_ms"
    return {
        "requests": len(table),
        "span_s": table.span_us / 1e6,
        "requests_per_s": _rates(table),
        gaps: _gaps(np.diff(arrival_us) / 1000),
        "input_tokens": _spread(table.input_tokens),
        "output_tokens": _spread(table.output_tokens),
        "classes": _shares(table.slo_class, table.slo_names),
        "tenants": _tenants(table),
        "adapters": _adapters(table),
        "sessions": _sessions(table),
        "sharing": _sharing(table, block_tokens),
    }


def _rates(table: RequestTable) -> dict[str, float]:
    """On average, and in the quietest and the busiest part of the time; nothing if all come at once."""
    span_us = table.span_us
    if not span_us:
        return {}
    counts = np.histogram(table.soonest_us - table.first_arrival_us, _PARTS, (0, span_us))[0] / (span_us / 1e6 / _PARTS)
    return {"mean": table.offered_per_s, "quietest": float(counts.min()), "busiest": float(counts.max())}


def _gaps(gaps_ms: NDArray[np.float64]) -> dict[str, float]:
    """Their spread, and their coefficient of variation: 1 of a Poisson process, more of bursts."""
    mean = float(gaps_ms.mean()) if len(gaps_ms) else 0.0
    return _spread(gaps_ms) | ({"cv": float(gaps_ms.std()) / mean} if mean else {})


def _spread(values: NDArray[Any]) -> dict[str, float]:
    if not len(values):
        return {}
    half, most, nearly_all = np.percentile(values, (50, 90, 99)).tolist()
    return {"mean": float(values.mean()), "p50": half, "p90": most, "p99": nearly_all, "max": float(values.max())}


def _shares(codes: NDArray[Any], names: Sequence[str]) -> dict[str, float]:
    """The share of requests by name; nothing if there are no names."""
    if not any(names):
        return {}
    counts = np.bincount(codes, minlength=len(names)) / len(codes)
    return {name or "no name": share for name, share in zip(names, counts.tolist(), strict=True) if share}


def _tenants(table: RequestTable) -> dict[str, float]:
    shares = _shares(table.tenant, table.tenant_names)
    return {"count": len(shares), "largest_share": max(shares.values())} if shares else {}


def _adapters(table: RequestTable) -> dict[str, float]:
    """Different LoRA adapters, the largest share of the requests that one has, and that of the base model."""
    if table.adapter is None:
        return {}
    counts = np.bincount(table.adapter + 1, minlength=1 + len(table.adapter_names)) / len(table)
    return {
        "count": int(np.count_nonzero(counts[1:])),
        "largest_share": float(counts[1:].max()),
        "base_model_share": float(counts[0]),
    }


def _sessions(table: RequestTable) -> dict[str, float]:
    """Rounds of a session, and the share of requests that wait for an answer before they come."""
    rounds = table.session_rounds
    if not len(rounds) and not table.closed:
        return {}
    waits = 0.0 if table.predecessor is None else float((table.predecessor >= 0).mean())
    talks = {"count": len(rounds), "mean_rounds": float(rounds.mean()), "max_rounds": int(rounds.max())}
    return (talks if len(rounds) else {}) | {"waiting_share": waits}


def _sharing(table: RequestTable, block_tokens: int) -> dict[str, float]:
    """What an endless cache would find: of full blocks, of prompt tokens, and for how many requests anything."""
    seen = seen_tokens(table)
    return {
        "ideal_hit_rate": ideal_hit_rate(table, block_tokens),
        "tokens": float(seen.sum() / table.input_tokens.sum()),
        "requests": float((seen > 0).mean()),
    }
