"""A run in the original's words: the JSON object of the cluster or of one instance, and one record a request.

Keys and order are the original's (cluster-and-policies.md 13.4), corrected: what never happened is null instead of
0, `injected_requests` is counted where requests come in, and what the original does not count stands behind its keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from blis.config import Compat, Scenario
from blis.evaluation.distribution import Distribution, known
from blis.evaluation.handovers import prefill_tokens, prefills
from blis.evaluation.itl import itl
from blis.evaluation.ratios import US_PER_S, per_s
from blis.files import write_text
from blis.tables.records import (
    ABANDONED,
    COMPLETED,
    DROPPED,
    IN_TRANSIT,
    LOST,
    NOT_ARRIVED,
    QUEUED,
    REJECTED,
    RUNNING,
    STATUS_NAMES,
)
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

CLUSTER = "cluster"

_SUMMARY = ("mean", "p90", "p95", "p99")
_NO_RECORD = (ABANDONED, DROPPED, LOST, NOT_ARRIVED, REJECTED)  # requests that the original forgets


def cluster_summary(
    scenario: Scenario, requests: RequestTable, result: ResultTable, compat: Compat | None = None
) -> dict[str, Any]:
    """The object of the whole cluster. Times in ms or s as the keys say, rates per second."""
    return _summary(CLUSTER, scenario, requests, result, None, result.duration_us, compat or Compat())


def instance_summary(
    number: int, scenario: Scenario, requests: RequestTable, result: ResultTable, compat: Compat | None = None
) -> dict[str, Any]:
    """The object of one instance: of the requests that were sent there, and of its own time."""
    compat = compat or Compat()
    end_us = int(result.instances["last_event_us"][number])
    if not compat.duration_last_event:
        end_us = max(end_us, int(result.completed_us[result.instance == number].max(initial=0)))
        if scenario.horizon_us is not None and result.end_us == scenario.horizon_us:
            end_us = scenario.horizon_us
    return _summary(f"instance_{number}", scenario, requests, result, number, max(end_us - result.start_us, 0), compat)


def request_records(requests: RequestTable, result: ResultTable) -> list[dict[str, Any]]:
    """One record for each request that was let in and not dropped, by arrival; keys without a value are left out.

    A time that never came is null.
    """
    later = np.maximum(requests.output_tokens - 1, 1)
    itl_us = np.where(requests.output_tokens > 0, (result.e2e_us - result.ttft_us) / later, 0.0)
    itl_us = np.where(result.status == COMPLETED, itl_us, -1.0)
    records = []
    for row in np.flatnonzero(~np.isin(result.status, _NO_RECORD)).tolist():
        session = int(requests.session[row])
        record = {
            "arrived_at": _short(result.arrival_us[row] / US_PER_S),
            "requestID": requests.request_id(row),
            "num_prefill_tokens": int(requests.input_tokens[row]),
            "num_decode_tokens": int(requests.output_tokens[row]),
            "ttft_ms": _ms(result.ttft_us[row]),
            "itl_ms": _ms(itl_us[row]),
            "e2e_ms": _ms(result.e2e_us[row]),
            "scheduling_delay_ms": _ms(result.scheduling_delay_us[row]),
            "slo_class": requests.slo_names[requests.slo_class[row]],
            "tenant_id": requests.tenant_names[requests.tenant[row]],
            "handled_by": f"instance_{result.instance[row]}" if result.instance[row] >= 0 else "",
            "session_id": requests.session_names[session] if session >= 0 else "",
            "round_index": int(requests.round[row]) if session >= 0 else "",
            "status": STATUS_NAMES[result.status[row]],
        }
        records.append({key: value for key, value in record.items() if value != ""})
    return records


def save_original_json(
    path: str | Path,
    scenario: Scenario,
    requests: RequestTable,
    result: ResultTable,
    compat: Compat | None = None,
) -> None:
    """Write the original's results file, whole or not at all: the cluster's object with `requests`."""
    document = cluster_summary(scenario, requests, result, compat)
    if records := request_records(requests, result):
        document["requests"] = records
    write_text(path, json.dumps(document, indent=2, allow_nan=False))


def _summary(
    name: str,
    scenario: Scenario,
    requests: RequestTable,
    result: ResultTable,
    instance: int | None,
    duration_us: int,
    compat: Compat,
) -> dict[str, Any]:
    if instance is None:
        member, counters = np.ones(len(result), np.bool_), result.instances
    else:
        member, counters = result.instance == instance, result.instances[[instance]]
    count = np.bincount(result.status[member], minlength=len(STATUS_NAMES)).tolist()
    output_tokens = int(counters["output_tokens"].sum())
    failures = int(counters["allocation_failures"].sum())
    document: dict[str, Any] = {
        "instance_id": name,
        "completed_requests": count[COMPLETED],
        "still_queued": count[QUEUED],
        "still_running": count[RUNNING],
        "injected_requests": int(counters["routed"].sum()),
        "total_input_tokens": int(counters["input_tokens"].sum()),
        "total_output_tokens": output_tokens,
        "vllm_estimated_duration_s": _short(duration_us / US_PER_S),
        "responses_per_sec": _short(per_s(count[COMPLETED], duration_us)),
        "tokens_per_sec": _short(per_s(output_tokens, duration_us)),
        **_latency("e2e", known(result.e2e_us[member]), _SUMMARY),
        **_latency("ttft", known(result.ttft_us[member]), _SUMMARY),
        **_latency("itl", itl(result, member), _SUMMARY),
        **_latency("scheduling_delay", known(result.scheduling_delay_us[member]), ("p99",)),
        **({"kv_allocation_failures": failures} if failures else {}),
        "preemption_count": int(counters["preemptions"].sum()),
        "dropped_unservable": count[DROPPED],
        "in_transit": count[IN_TRANSIT],
    }
    if instance is None:
        document["injected_requests"] -= prefills(result)
        document["total_input_tokens"] -= prefill_tokens(requests, result)
        document |= {
            "generated_requests": len(requests),
            "rejected_requests": count[REJECTED],
            "not_arrived": count[NOT_ARRIVED],
        }
        retries = 0 if result.retries is None else int(result.retries.sum())
        if count[LOST] or retries:
            document |= {"lost_requests": count[LOST], "retries": retries}
        if result.hedged is not None and result.hedged.any():
            document |= {"hedges": int(result.hedged.sum()), "wasted_prompt_tokens": result.wasted_tokens}
        if result.asked is not None:
            document |= {"abandoned_requests": count[ABANDONED], "client_retries": int((result.asked - 1).sum())}
    return document


def _latency(name: str, numbers: Distribution, keys: tuple[str, ...]) -> dict[str, Any]:
    return {f"{name}_{key}_ms": _short(getattr(numbers, key)) if numbers.count else None for key in keys}


def _ms(time_us: Any) -> float | int | None:
    """Milliseconds; None of a negative number, which stands for never."""
    return _short(float(time_us) / 1000) if time_us >= 0 else None


def _short(number: float) -> float | int:
    """A number as the original prints it: 3 instead of 3.0."""
    number = float(number)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
