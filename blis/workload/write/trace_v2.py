"""Trace v2 of a simulated run: what `blis.workload.recorded.trace_v2` reads, as if a client had watched it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blis.files import write_text
from blis.tables.records import COMPLETED, REASONS
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.recorded.trace_v2 import COLUMNS

_HEADER = "trace_version: 2\ntime_unit: microseconds\nmode: generated\nwarm_up_requests: 0\n"


def save_trace_v2(path: str | Path, table: RequestTable, result: ResultTable) -> bool:
    """Write the header to `path`, which ends in .yaml, and the rows beside it; whether all that is shared was said.

    Requests that never came are left out. A prefix group is what prompts begin with until they first part: what they
    share behind that is not in the format.
    """
    group, length, all_said = _prefixes(table)
    answered = result.status == COMPLETED
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, "prefix_length"))
    came = np.flatnonzero(result.arrival_us >= 0)
    for row in came[np.argsort(result.arrival_us[came], kind="stable")].tolist():
        session = int(table.session[row])
        cells = {
            "request_id": row,
            "tenant_id": table.tenant_names[table.tenant[row]],
            "slo_class": table.slo_names[table.slo_class[row]],
            "session_id": table.session_names[session] if session >= 0 else "",
            "round_index": table.round[row],
            "prefix_group": f"prefix_{group[row]}" if length[row] else "",
            "prefix_length": length[row],
            "streaming": "true",
            "input_tokens": table.input_tokens[row],
            "output_tokens": table.output_tokens[row],
            "text_tokens": table.input_tokens[row],
            "arrival_time_us": result.arrival_us[row],
            "send_time_us": result.arrival_us[row],
            "first_chunk_time_us": result.first_token_us[row] if answered[row] else 0,
            "last_chunk_time_us": result.completed_us[row] if answered[row] else 0,
            "num_chunks": table.output_tokens[row] if answered[row] else 0,
            "status": "ok" if answered[row] else "error",
            "error_message": "" if answered[row] else REASONS[result.reason[row]],
        }
        writer.writerow(cells.get(name, "" if name == "client_id" else 0) for name in (*COLUMNS, "prefix_length"))
    write_text(Path(path).with_suffix(".csv"), text.getvalue())
    write_text(path, _HEADER)
    return all_said


def _prefixes(table: RequestTable) -> tuple[NDArray[np.int32], NDArray[np.int64], bool]:
    """[n] the root of each row, [n] how many tokens it has in common until others part, and if that is all."""
    tree = table.tree
    shared = tree.shared >= 0
    branches = np.bincount(tree.parent[shared & (tree.parent >= 0)], minlength=len(tree.parent))
    # A node is in its group's chain as long as no other shared node parts from above it.
    chained = shared.copy()
    for node in np.flatnonzero(shared & (tree.parent >= 0)).tolist():  # parents first
        chained[node] = chained[tree.parent[node]] and branches[tree.parent[node]] == 1
    first = table.path_offset[:-1]
    ends = np.where(chained[table.path_node], table.path_end_token, 0)
    length = np.minimum(np.maximum.reduceat(ends, first), table.input_tokens)
    return table.path_node[first], length, np.array_equal(chained, shared)
