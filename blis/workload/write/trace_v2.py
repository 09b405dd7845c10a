"""Trace v2 of requests, or of a run as if a client had watched it: what `blis.workload.recorded.trace_v2` reads."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.files import write_text
from blis.tables.records import COMPLETED, REASONS
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.recorded.trace_v2 import COLUMNS
from blis.workload.write.prefixes import prefixes

_HEADER = "trace_version: 2\ntime_unit: microseconds\nmode: generated\nwarm_up_requests: 0\n"


def save_trace_v2(path: str | Path, table: RequestTable, result: ResultTable | None = None) -> bool:
    """Write the header to `path`, which ends in .yaml, and the rows beside it; whether all that is shared was said.

    Requests that never came are left out. result: what became of them; None = nothing has run them, and there are no
    times of answers. A prefix group is what prompts begin with until they first part: what they share behind that is
    not in the format.
    """
    shared = prefixes(table)
    groups = shared.names
    outcomes = _Outcomes.of(table, result)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, "prefix_length"))
    arrival_us = table.arrival_us if result is None else result.arrival_us
    came = np.flatnonzero(arrival_us >= 0)
    for row in came[np.argsort(arrival_us[came], kind="stable")].tolist():
        session = int(table.session[row])
        cells = {
            "request_id": row,
            "tenant_id": table.tenant_names[table.tenant[row]],
            "slo_class": table.slo_names[table.slo_class[row]],
            "session_id": table.session_names[session] if session >= 0 else "",
            "round_index": table.round[row],
            "prefix_group": groups[row],
            "prefix_length": shared.tokens[row],
            "streaming": "true",
            "input_tokens": table.input_tokens[row],
            "output_tokens": table.output_tokens[row],
            "text_tokens": table.input_tokens[row],
            "arrival_time_us": arrival_us[row],
            "send_time_us": arrival_us[row],
            "first_chunk_time_us": outcomes.first_us[row],
            "last_chunk_time_us": outcomes.last_us[row],
            "num_chunks": outcomes.chunks[row],
            "status": "ok" if outcomes.ok[row] else "error",
            "error_message": outcomes.error[row],
        }
        writer.writerow(cells.get(name, "" if name == "client_id" else 0) for name in (*COLUMNS, "prefix_length"))
    write_text(Path(path).with_suffix(".csv"), text.getvalue())
    write_text(path, _HEADER)
    return shared.complete


class _Outcomes(NamedTuple):
    """[n] each: whether all went well, times of first and last tokens and their number (0 without an answer), why not."""

    ok: NDArray[np.bool_]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    chunks: NDArray[np.int64]
    error: NDArray[np.object_]

    @classmethod
    def of(cls, table: RequestTable, result: ResultTable | None) -> _Outcomes:
        if result is None:
            nothing = np.zeros(len(table), np.int64)
            return cls(nothing == 0, nothing, nothing, nothing, np.full(len(table), "", object))
        answered = result.status == COMPLETED
        first, last, chunks = (
            np.where(answered, values, 0)
            for values in (result.first_token_us, result.completed_us, table.output_tokens)
        )
        return cls(answered, first, last, chunks, np.where(answered, "", np.array(REASONS, object)[result.reason]))
