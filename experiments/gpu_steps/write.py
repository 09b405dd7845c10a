"""What was timed, as a step log that `blis fit` reads, and beside it where and when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.files import write_text
from blis.tables.records import KEPT_STEP
from blis.workload.recorded.step_log import save_step_log
from experiments.gpu_steps.measure import Timed


def write(path: str | Path, timed: Sequence[Timed], about: Mapping[str, Any]) -> Path:
    """Write X.csv and X.meta.json; the path of the latter."""
    save_step_log(path, steps(timed))
    beside = Path(path).with_suffix(".meta.json")
    write_text(beside, json.dumps(about, indent=2) + "\n")
    return beside


def steps(timed: Sequence[Timed]) -> NDArray[np.void]:
    """[steps] KEPT_STEP: as if an engine had run them one after the other."""
    found = np.zeros(len(timed), KEPT_STEP)
    found["number"] = np.arange(len(timed)) + 1
    found["duration_us"] = [max(round(each.us), 1) for each in timed]
    found["start_us"] = np.cumsum(found["duration_us"]) - found["duration_us"]
    for each, row in zip(timed, found, strict=True):
        for name, value in each.point.step._asdict().items():
            row[name] = value
    return found
