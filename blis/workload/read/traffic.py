"""From the rows of a file to requests: in order of time, on a clock that starts with the first; and what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.blocks import intern_blocks
from blis.workload.content.tree import InternedContent, intern_prefix_groups
from blis.workload.read.clock import since_first
from blis.workload.read.hash_blocks import HashBlocks


def traffic(
    path: str | Path,
    *,
    times: NDArray[Any],
    time_unit: str,
    unit_given: bool,
    input_tokens: NDArray[np.int64],
    output_tokens: NDArray[np.int64],
    hashes: HashBlocks | None = None,
    kept: NDArray[np.bool_] | None = None,
    left_out: str = "",
    notes: tuple[str, ...] = (),
) -> RequestTable:
    """The requests of a file's rows, in its order; those without `hashes` share nothing.

    times: when they came, >= 0 in `time_unit`, which the format says or the user has `given`. kept: [n] rows that are
    requests, the others are `left_out`: why. Rows are named request_<row of the file>. The table's notes say what was
    done, after `notes`.
    """
    rows = np.arange(len(times)) if kept is None else np.flatnonzero(kept)
    if not len(rows):
        raise InputError(f"{path}: all {len(times)} rows {left_out}")
    since_us, of_clock = since_first(path, times[rows], time_unit, unit_given)
    late = int((np.diff(since_us) < 0).sum())
    order = np.argsort(since_us, kind="stable")
    rows = rows[order]
    as_in_file = len(rows) == len(times) and not late
    inputs, outputs = input_tokens[rows], output_tokens[rows]
    none = rows[outputs == 0].tolist()
    return assemble(
        _content(hashes if hashes is None or as_in_file else hashes.of_rows(rows), inputs, outputs),
        arrival_us=since_us[order],
        input_tokens=inputs,
        output_tokens=outputs,
        request_ids=None if as_in_file else [f"request_{row}" for row in rows.tolist()],
        notes=(
            *notes,
            *_counted(len(times) - len(rows), len(times), f"{left_out}: left out"),
            *of_clock,
            *_counted(late, len(times), "come before the row above: sorted by time"),
            *_counted(len(none), len(rows), f"ask for 0 tokens, request_{min(none, default=0)} first"),
        ),
    )


def _content(hashes: HashBlocks | None, inputs: NDArray[np.int64], outputs: NDArray[np.int64]) -> InternedContent:
    if hashes is not None:
        return intern_blocks(hashes.ids, hashes.blocks, hashes.tokens, inputs, outputs)
    nothing = np.zeros(len(inputs), np.int64)
    return intern_prefix_groups(nothing - 1, nothing, inputs, outputs)


def _counted(rows: int, of: int, what: str) -> list[str]:
    return [f"{rows} of {of} rows {what}"] if rows else []
