"""Step logs: CSV, a step a line: `duration_us`, `prefill_tokens`, `decodes`, and other sums of a step where known.

docs/calibration.md says what each column is. One that is not known is refused: its sum would count as 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from blis.files import write_text
from blis.latency.step import Step
from blis.tables.records import KEPT_STEP
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.sheet import Sheet
from blis.workload.recorded.beside import server_beside
from blis.workload.recorded.recording import StepLog

REQUIRED = ("duration_us", "prefill_tokens", "decodes")
_OPTIONAL = ("instance", "number", "start_us", *(name for name in Step._fields if name not in REQUIRED))
_COUNTS = ("prefills", "prefill_tokens", "prefill_context", "decodes")  # of which products are made
COLUMNS = ("instance", "number", "start_us", "duration_us", *Step._fields)


def load_step_log(path: str | Path) -> StepLog:
    """The steps of a file; sums that it lacks are 0, but prefills, which are one where there are prompt tokens."""
    sheet = Sheet(path, REQUIRED, _OPTIONAL)
    steps = np.zeros(len(sheet), KEPT_STEP)
    for name in COLUMNS:
        if name in sheet.cells:
            least = 1 if name == "duration_us" else 0  # what a fit divides by
            steps[name] = sheet.integers(name, least, MAX_TOKENS if name in _COUNTS else 2**62)
    if "prefills" not in sheet.cells:
        steps["prefills"] = steps["prefill_tokens"] > 0
    if "prefill_pairs" not in sheet.cells:  # as if the prompt tokens of a step were one prompt's, after its context
        tokens = steps["prefill_tokens"]
        steps["prefill_pairs"] = tokens * steps["prefill_context"] + tokens * (tokens - 1) // 2
    return StepLog(Path(path).name, steps, server_beside(path))


def save_step_log(path: str | Path, steps: np.ndarray) -> None:
    """Write steps as `load_step_log` reads them."""
    lines = [",".join(COLUMNS), *(",".join(str(int(step[name])) for name in COLUMNS) for step in steps)]
    write_text(path, "\n".join(lines) + "\n")
