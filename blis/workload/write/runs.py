"""A run as a trace that can be replayed: a trace v2, or Mooncake's rows, by the ending of its name.

Replaying offers the same requests again. What a format cannot say of them is left out, and named.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.write.formats import SHARING, in_words, lost_parts, read_as_turns, says_turns
from blis.workload.write.mooncake import save_mooncake
from blis.workload.write.trace_v2 import save_trace_v2


def save_run(path: str | Path, table: RequestTable, result: ResultTable) -> list[str]:
    """Write a run to a `.jsonl` or a `.yaml` file; what it does not say of the run, a line each."""
    return _as_rows(path, table, result) if Path(path).suffix == ".jsonl" else _as_trace_v2(path, table, result)


def _as_rows(path: str | Path, table: RequestTable, result: ResultTable) -> list[str]:
    said = _lost("mooncake", table)
    if table.closed and not says_turns(table):
        said.append("who waits for whose answer is more than the rows can say: `turns: arrivals` keeps their arrivals")
        if never := int((result.arrival_us < 0).sum()):
            said.append(f"{never} requests that never came are left out")
        table = replace(table, predecessor=None, think_us=None)
    else:
        said += read_as_turns(table)
    save_mooncake(path, table, result.arrival_us)
    return said


def _as_trace_v2(path: str | Path, table: RequestTable, result: ResultTable) -> list[str]:
    complete, said = save_trace_v2(path, table, result), _lost("trace-v2", table)
    if not complete:
        said.append("prompts share more than a trace v2 can say; a .jsonl file says it")
    if unanswered := int((result.status != COMPLETED).sum()):
        never = int(np.count_nonzero(result.arrival_us < 0))
        what = f"{unanswered} requests were not answered" + (f", {never} of them never came" if never else "")
        said.append(f"{what}: a replay leaves them out; a .jsonl file keeps them")
    return [*said, *read_as_turns(table)]


def _lost(name: str, table: RequestTable) -> list[str]:
    """What a format of WRITERS leaves out, but sharing, which a line of its own is for."""
    lost = [part for part in lost_parts(name, table) if part != SHARING]
    return [f"{in_words(lost)}: not in this format, left out"] if lost else []
