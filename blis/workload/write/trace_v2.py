"""Trace v2 of requests, of a run as if a client had watched it, or of what a client did watch.

What is written is what `blis.workload.recorded.trace_v2` reads.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.files import write_text
from blis.tables.records import COMPLETED, REASONS
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.recorded.trace_v2 import COLUMNS
from blis.workload.write.prefixes import prefixes
from blis.yaml_strict import yaml_text

_GENERATED = {"trace_version": 2, "time_unit": "microseconds", "mode": "generated", "warm_up_requests": 0}


class Watched(NamedTuple):
    """[n] each, of what became of the requests of a table: µs on one clock, 0 for what there was not.

    arrival_us below 0: never came, and has no row. status, error: one of STATUSES, and why it is not ok.
    """

    arrival_us: NDArray[np.int64]
    sent_us: NDArray[np.int64]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    chunks: NDArray[np.int64]
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    streamed: NDArray[np.bool_]
    status: NDArray[np.object_]
    error: NDArray[np.object_]
    cached_tokens: NDArray[np.int64] | None = None  # of prompts; None: nobody said


def save_trace_v2(path: str | Path, table: RequestTable, result: ResultTable | None = None) -> bool:
    """Write the header to `path`, which ends in .yaml, and the rows beside it; whether all that is shared was said.

    Requests that never came are left out. result: what became of them; None = nothing has run them, and there are no
    times of answers.
    """
    return save_watched(path, table, _of_run(table, result), _GENERATED)


def save_watched(
    path: str | Path, table: RequestTable, watched: Watched, header: Mapping[str, Any], first_id: int = 0
) -> bool:
    """The same of what somebody watched. header: the keys of the format, in its order. first_id: of row 0.

    A prefix group is what prompts begin with until they first part: what they share behind that is not in the format.
    """
    shared = prefixes(table)
    groups = shared.names
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = (*COLUMNS, "prefix_length", *(() if watched.cached_tokens is None else ("cached_tokens",)))
    writer.writerow(columns)
    came = np.flatnonzero(watched.arrival_us >= 0)
    for row in came[np.argsort(watched.arrival_us[came], kind="stable")].tolist():
        session = int(table.session[row])
        cells = {
            "request_id": first_id + row,
            "tenant_id": table.tenant_names[table.tenant[row]],
            "slo_class": table.slo_names[table.slo_class[row]],
            "session_id": table.session_names[session] if session >= 0 else "",
            "round_index": table.round[row],
            "prefix_group": groups[row],
            "prefix_length": min(shared.tokens[row], watched.input_tokens[row]),
            "streaming": "true" if watched.streamed[row] else "false",
            "input_tokens": watched.input_tokens[row],
            "output_tokens": watched.output_tokens[row],
            "text_tokens": watched.input_tokens[row],
            "arrival_time_us": watched.arrival_us[row],
            "send_time_us": watched.sent_us[row],
            "first_chunk_time_us": watched.first_us[row],
            "last_chunk_time_us": watched.last_us[row],
            "num_chunks": watched.chunks[row],
            "status": watched.status[row],
            "error_message": watched.error[row],
            "cached_tokens": 0 if watched.cached_tokens is None else watched.cached_tokens[row],
        }
        writer.writerow(cells.get(name, "" if name == "client_id" else 0) for name in columns)
    write_text(Path(path).with_suffix(".csv"), text.getvalue())
    write_text(path, yaml_text(dict(header)))
    return shared.complete


def _of_run(table: RequestTable, result: ResultTable | None) -> Watched:
    """What a client would have seen of a run; without one, requests that came and nothing else."""
    n = len(table)
    arrival_us = table.arrival_us if result is None else result.arrival_us
    answered = np.zeros(n, bool) if result is None else result.status == COMPLETED
    nothing = np.zeros(n, np.int64)
    first_us, last_us = (nothing, nothing) if result is None else (result.first_token_us, result.completed_us)
    reasons = np.full(n, "", object) if result is None else np.array(REASONS, object)[result.reason]
    return Watched(
        arrival_us=arrival_us,
        sent_us=arrival_us,
        first_us=np.where(answered, first_us, 0),
        last_us=np.where(answered, last_us, 0),
        chunks=np.where(answered, table.output_tokens, 0),
        input_tokens=table.input_tokens,
        output_tokens=table.output_tokens,
        streamed=np.ones(n, bool),
        status=np.where(answered | (result is None), "ok", "error").astype(object),
        error=np.where(answered, "", reasons),
    )
