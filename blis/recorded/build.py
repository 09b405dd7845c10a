"""From the columns of a log to a `Recording`: in order, on one clock, without what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blis.errors import InputError
from blis.recorded.recording import Recording
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups


def recording(
    source: str,
    *,
    arrival_us: ArrayLike,
    first_token_us: ArrayLike,
    completed_us: ArrayLike,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    ok: ArrayLike,
    request_ids: Sequence[str],
    slo_class: Sequence[str] = (),
    tenant: Sequence[str] = (),
    prefix_group: Sequence[str] = (),
    prefix_tokens: ArrayLike = 0,
    warm_up: ArrayLike = False,
    notes: tuple[str, ...] = (),
    **facts: Any,
) -> Recording:
    """A recording of rows in any order; times are µs on one clock, whatever its zero. facts: fields of Recording.

    Rows that are not `ok` are left out and counted. Raises InputError if none is left, a token came before its
    request, or the last before the first.
    """
    n = len(request_ids)
    good = np.broadcast_to(np.asarray(ok, bool), n)
    arrival, first, last = (np.asarray(times, np.float64) for times in (arrival_us, first_token_us, completed_us))
    if not good.any():
        raise InputError(f"{source}: no request was answered")
    rows = np.flatnonzero(good)[np.argsort(arrival[good], kind="stable")]
    for row in rows.tolist():
        if not arrival[row] <= first[row] <= last[row]:
            raise InputError(f"{source}: request {request_ids[row]!r}: arrival, first and last token are not in order")
    zero = arrival[rows[0]]
    arrival, first, last = (np.rint(times[rows] - zero).astype(np.int64) for times in (arrival, first, last))
    inputs, outputs = (np.asarray(tokens, np.int64)[rows] for tokens in (input_tokens, output_tokens))
    group = _numbers([prefix_group[row] for row in rows] if prefix_group else [""] * len(rows))[0] - 1
    prefix = np.where(group >= 0, np.minimum(np.broadcast_to(np.asarray(prefix_tokens, np.int64), n)[rows], inputs), 0)
    slo, slo_names = _numbers([slo_class[row] for row in rows] if slo_class else [""] * len(rows))
    tenants, tenant_names = _numbers([tenant[row] for row in rows] if tenant else [""] * len(rows))
    table = assemble(
        intern_prefix_groups(group, prefix, inputs, outputs),
        arrival_us=arrival,
        input_tokens=inputs,
        output_tokens=outputs,
        slo_class=slo,
        tenant=tenants,
        slo_names=slo_names,
        tenant_names=tenant_names,
        request_ids=[request_ids[row] for row in rows],
    )
    return Recording(
        source=source,
        requests=table,
        first_token_us=first,
        completed_us=last,
        warm_up=np.broadcast_to(np.asarray(warm_up, bool), n)[rows],
        failed=n - len(rows),
        notes=notes,
        **facts,
    )


def _numbers(names: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Names as numbers, and the names by number: "" is 0, the others follow in order of appearance."""
    known = {name: number for number, name in enumerate(dict.fromkeys(("", *names)))}
    return np.array([known[name] for name in names], np.int64), tuple(known)
