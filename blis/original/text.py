"""A run printed as the original prints it: headings, JSON blocks, sections (cluster-and-policies.md 13.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from blis.original.json_results import cluster_summary, instance_summary

if TYPE_CHECKING:
    from blis.api import Result
    from blis.evaluation.decisions import DecisionSummary
    from blis.evaluation.metrics import Metrics


def original_text(
    result: Result, fitness: Mapping[str, Any] | None = None, decisions: DecisionSummary | None = None
) -> str:
    """Everything that the original prints about a run, corrected where it is silent about units.

    fitness: score and components, decisions: their summary, if these were asked for.
    """
    metrics = result.metrics
    sections = [
        *_blocks(result),
        _fitness(fitness),
        _anomalies(metrics),
        _kv_cache(metrics),
        _classes(metrics),
        "" if decisions is None else decisions.text(),
    ]
    return "\n".join(section for section in sections if section)


def _blocks(result: Result) -> list[str]:
    """One block an instance, if there are several, and the cluster's; none where nothing was completed."""
    parts = (result.scenario, result.requests, result.table, result.compat)
    count = len(result.table.instances)
    objects = [instance_summary(number, *parts) for number in range(count)] if count > 1 else []
    objects.append(cluster_summary(*parts))
    return [
        "=== Simulation Metrics ===\n" + json.dumps(each, indent=2, allow_nan=False)
        for each in objects
        if each["completed_requests"]
    ]


def _fitness(fitness: Mapping[str, Any] | None) -> str:
    if fitness is None:
        return ""
    components = [f"  {key}: {value:.6f}" for key, value in sorted(fitness["components"].items())]
    return "\n".join(["=== Fitness Evaluation ===", f"Score: {fitness['score']:.6f}", *components])


def _anomalies(metrics: Metrics) -> str:
    counts = {
        "Priority Inversions": metrics.anomalies.inversions.pairs,
        "HOL Blocking Events": metrics.anomalies.imbalanced_instances,
        "Rejected Requests": metrics.rejected,
        "Dropped Unservable": metrics.dropped,
    }
    if metrics.lost or metrics.retries:
        counts |= {"Lost Requests": metrics.lost, "Retries": metrics.retries}
    if metrics.hedges:
        counts |= {"Hedges": metrics.hedges, "Wasted Prompt Tokens": metrics.wasted_tokens}
    if metrics.abandoned or metrics.asked_again:
        counts |= {"Abandoned Requests": metrics.abandoned, "Client Retries": metrics.asked_again}
    if not any(counts.values()):
        return ""
    return "\n".join(["=== Anomaly Counters ===", *(f"{name}: {count}" for name, count in counts.items())])


def _kv_cache(metrics: Metrics) -> str:
    rates = {
        "Preemption Rate": metrics.raw.preemption_rate,
        "Cache Hit Rate": metrics.hit_rates.headline,
        "KV Thrashing Rate": metrics.hit_rates.thrashing,
    }
    if not any(rates.values()):
        return ""
    return "\n".join(["=== KV Cache Metrics ===", *(f"{name}: {rate:.4f}" for name, rate in rates.items())])


def _classes(metrics: Metrics) -> str:
    """Latencies by class; the original prints microseconds without a unit here."""
    if len(metrics.classes) < 2:
        return ""
    lines = ["=== Per-SLO Metrics ==="]
    for name, numbers in sorted(metrics.classes.items()):
        lines.append(f"  {name}:")
        for title, found in (("TTFT: ", numbers.ttft), ("E2E:  ", numbers.e2e)):
            lines.append(f"    {title}mean={found.mean:.2f}ms p99={found.p99:.2f}ms (n={found.count})")
    return "\n".join(lines)
