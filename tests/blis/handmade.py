"""Request and result tables written by hand, for what only reads statuses and latencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from blis.tables.records import ADMITTED, COMPLETED, INSTANCE_COUNTERS, LONG_GAP, POLICY, REJECTED, STEP_LOG
from blis.tables.requests import ContentTree, RequestTable
from blis.tables.results import ResultTable


def make_table(
    n: int,
    *,
    input_tokens: ArrayLike = 100,
    output_tokens: ArrayLike = 11,
    slo_class: ArrayLike = 0,
    tenant: ArrayLike = 0,
    slo_names: Sequence[str] = ("only",),
    tenant_names: Sequence[str] | None = None,
) -> RequestTable:
    """A table without content; one number stands for all rows."""

    def column(values: ArrayLike, dtype: type) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, dtype), n).copy()

    tenants = column(tenant, np.int32)
    empty = np.zeros(0, np.int32)
    return RequestTable(
        arrival_us=np.arange(n, dtype=np.int64) * 1000,
        input_tokens=column(input_tokens, np.int64),
        output_tokens=column(output_tokens, np.int64),
        path_offset=np.zeros(n + 1, np.int64),
        path_node=empty,
        path_end_token=np.zeros(0, np.int64),
        output_node=np.zeros(n, np.int32),
        slo_class=column(slo_class, np.int16),
        tenant=tenants,
        session=np.full(n, -1, np.int32),
        round=np.zeros(n, np.int32),
        uniform=np.zeros(n),
        tree=ContentTree(empty, np.zeros(0, np.int64), np.zeros(0, np.int64), empty),
        slo_names=tuple(slo_names),
        tenant_names=tuple(tenant_names or (f"t{i}" for i in range(int(tenants.max(initial=0)) + 1))),
    )


def make_result(
    table: RequestTable,
    ttft_us: ArrayLike,
    tpot_us: ArrayLike = 0,
    *,
    status: ArrayLike = COMPLETED,
    instances: int = 1,
) -> ResultTable:
    """A result with these latencies wherever the status is `completed`, and no steps."""
    n = len(table)
    states = np.broadcast_to(np.asarray(status, np.int8), n).copy()
    done = states == COMPLETED
    ttft = np.where(done, np.asarray(ttft_us, np.int64), -1)
    later = np.maximum(table.output_tokens - 1, 0)
    e2e = np.where(done, ttft + np.rint(np.asarray(tpot_us, np.float64) * later).astype(np.int64), -1)
    counters = np.zeros(instances, INSTANCE_COUNTERS)
    counters["completed"][0] = done.sum()
    counters["output_tokens"][0] = table.output_tokens[done].sum()
    return ResultTable(
        status=states,
        arrival_us=table.arrival_us,
        instance=np.where(done, 0, -1).astype(np.int32),
        queued_us=np.where(done, table.arrival_us, -1),
        scheduled_us=np.where(done, table.arrival_us, -1),
        first_token_us=np.where(done, table.arrival_us + ttft, -1),
        completed_us=np.where(done, table.arrival_us + e2e, -1),
        ttft_us=ttft,
        e2e_us=e2e,
        scheduling_delay_us=np.where(done, 0, -1),
        cached_tokens=np.zeros(n, np.int64),
        generated_tokens=np.where(done, table.output_tokens, 0),
        preemptions=np.zeros(n, np.int32),
        first_step=np.where(done, 1, -1),
        last_step=np.where(done, 1, -1),
        routed_us=np.where(done, table.arrival_us, -1),
        retry_after_us=np.full(n, -1),
        reason=np.where(states == REJECTED, POLICY, ADMITTED).astype(np.int32),
        steps=np.zeros(0, STEP_LOG),
        gaps=np.zeros(0, LONG_GAP),
        instances=counters,
        start_us=0,
        end_us=int((table.arrival_us + e2e)[done].max(initial=0)),
        token_overhead_us=np.zeros(instances, np.int64),
        last_gap_twice=False,
    )


def with_status(result: ResultTable, rows: ArrayLike, status: int) -> ResultTable:
    """The result with some requests never served."""
    changed = {name: getattr(result, name).copy() for name in ("status", "ttft_us", "e2e_us", "completed_us")}
    changed["status"][rows] = status
    for name in ("ttft_us", "e2e_us", "completed_us"):
        changed[name][rows] = -1
    return replace(result, **changed)
