"""CSV files that say when requests came and how long they were, and nothing of what they have in common.

Azure/AzurePublicDataset (2023, and 2024 with an offset from UTC), microsoft/vidur @ 7d475133, HPMLL/BurstGPT (releases
1 and 2), Mutinifni/splitwise-sim.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.clock import most
from blis.workload.read.sheet import Sheet
from blis.workload.read.traffic import FileRows, traffic
from blis.workload.read.turns import CLOSED
from blis.workload.read.wall_times import wall_times

AZURE_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
COMPACT_COLUMNS = ("arrived_at", "num_prefill_tokens", "num_decode_tokens")
BURSTGPT_COLUMNS = ("Timestamp", "Request tokens", "Response tokens")
_SESSION, _ELAPSED = "Session ID", "Elapsed time"
SPLITWISE_COLUMNS = ("arrival_timestamp", "prompt_size", "token_size")


def load_azure(path: str | Path) -> RequestTable:
    """Wall times, `2023-11-16 18:17:03.9799600` or `2024-05-10T00:00:01.009930+00:00`, rounded to µs."""
    sheet = Sheet(path, AZURE_COLUMNS, others_allowed=True)
    ticks = wall_times(sheet, "TIMESTAMP")
    first = sheet.cells["TIMESTAMP"][int(np.argmin(ticks))]
    file = FileRows(
        path,
        times=(ticks - ticks.min() + 5) // 10,
        time_unit="us",
        unit_given=True,
        input_tokens=sheet.integers("ContextTokens", 1, MAX_TOKENS),
        output_tokens=sheet.integers("GeneratedTokens", 0, MAX_TOKENS),
        notes=(f"times count from {first} on",),
    )
    return traffic(file)


def load_compact(path: str | Path, time_unit: str = "") -> RequestTable:
    """Vidur's: seconds since the start, if nothing else is said."""
    return _in_seconds(path, COMPACT_COLUMNS, time_unit)


def load_splitwise(path: str | Path, time_unit: str = "") -> RequestTable:
    """The input of splitwise-sim: seconds since the start, if nothing else is said."""
    return _in_seconds(path, SPLITWISE_COLUMNS, time_unit)


def load_burstgpt(path: str | Path, time_unit: str = "", turns: str = CLOSED) -> RequestTable:
    """Seconds since some midnight. Rows without an answer are requests that failed: left out, and counted.

    Where the file has a `Session ID` and an `Elapsed time` (BurstGPT_3.csv), its rows are turns.
    """
    failed = "failed on the server (0 Response tokens)"
    return _in_seconds(path, BURSTGPT_COLUMNS, time_unit, failed, _SESSION, turns)


def _in_seconds(
    path: str | Path,
    columns: tuple[str, str, str],
    given_unit: str,
    unanswered: str = "",
    session: str = "",
    turns: str = CLOSED,
) -> RequestTable:
    """unanswered: why rows without an output are left out; "" = they are not. session: the column of its name."""
    sheet = Sheet(path, columns, others_allowed=True)
    time, inputs, outputs = columns
    unit = given_unit or "s"
    output_tokens = sheet.integers(outputs, 0, MAX_TOKENS)
    file = FileRows(
        path,
        times=sheet.numbers(time, lambda value: 0 <= value <= most(unit), f"a time in {unit} >= 0"),
        time_unit=unit,
        unit_given=bool(given_unit),
        input_tokens=sheet.integers(inputs, 1, MAX_TOKENS),
        output_tokens=output_tokens,
        sessions=sheet.cells.get(session, ()),
        took_us=_took_us(sheet),
        turns=turns,
        kept=output_tokens > 0 if unanswered else None,
        left_out=unanswered,
    )
    return traffic(file)


def _took_us(sheet: Sheet) -> NDArray[np.int64] | None:
    """[n] from each request to its answer, None if the file does not say it."""
    if _ELAPSED not in sheet.cells:
        return None
    return np.rint(sheet.numbers(_ELAPSED, lambda value: 0 <= value <= 1e9, "a time in s >= 0") * 1e6).astype(np.int64)
