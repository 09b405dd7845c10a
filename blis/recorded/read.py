"""Which format a log is in, and what is in it."""

from __future__ import annotations

from pathlib import Path

from blis.errors import InputError
from blis.files import read_text
from blis.recorded.recording import Recording, StepLog
from blis.recorded.request_log import RESULT_COLUMNS, load_request_log, load_results
from blis.recorded.step_log import REQUIRED, load_step_log
from blis.recorded.trace_v2 import load_trace_v2
from blis.recorded.vllm_bench import load_vllm_bench

_FORMATS = (
    "a request log (.jsonl), a detailed result of `vllm bench serve` (.json), a trace v2 (.yaml and .csv), results of"
    " `blis run` (.csv) or a step log (.csv)"
)


def read_log(path: str | Path) -> Recording | StepLog:
    """The recording or the steps in a file. Raises InputError if it is in no known format, or wrong in its own."""
    suffix = Path(path).suffix.lower()
    if suffix == ".jsonl":
        return load_request_log(path)
    if suffix == ".json":
        return load_vllm_bench(path)
    if suffix in (".yaml", ".yml"):
        return load_trace_v2(path)
    if suffix != ".csv":
        raise InputError(f"{path}: not the name of a log: {_FORMATS}")
    header = [name.strip('"\r') for name in read_text(path).split("\n", 1)[0].split(",")]
    if "send_time_us" in header:
        return load_trace_v2(path)
    results, steps = (len(set(columns) & set(header)) for columns in (RESULT_COLUMNS, REQUIRED))
    if max(results, steps) > 1:  # what else it should have is said by its own reader
        return load_results(path) if results > steps else load_step_log(path)
    needed = "; ".join(", ".join(columns) for columns in (RESULT_COLUMNS, REQUIRED))
    raise InputError(f"{path}: line 1: the columns are those of no log; needed are {needed}")


def read_recording(path: str | Path) -> Recording:
    """The same, where steps alone will not do."""
    log = read_log(path)
    if isinstance(log, StepLog):
        raise InputError(f"{path}: a step log says nothing of requests; give a request log")
    return log
