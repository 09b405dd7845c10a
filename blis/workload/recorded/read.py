"""Which format a log is in, and what is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blis.errors import InputError
from blis.files import read_text, unpacked_name
from blis.workload.read.told import nearest, told
from blis.workload.recorded import aiperf, genai_perf, guidellm, inference_perf, request_log, vllm_bench
from blis.workload.recorded.recording import Recording, StepLog
from blis.workload.recorded.request_log import RESULT_COLUMNS, load_results
from blis.workload.recorded.step_log import REQUIRED, load_step_log
from blis.workload.recorded.trace_v2 import load_trace_v2

#: JSON logs: their keys, and what reads them.
JSON_LOGS: dict[str, tuple[tuple[str, ...], Callable[[str | Path], Recording]]] = {
    "request-log": (request_log.KEYS, request_log.load_request_log),
    "vllm-bench": (vllm_bench.COLUMNS, vllm_bench.load_vllm_bench),
    "guidellm": (guidellm.KEYS, guidellm.load_guidellm),
    "aiperf": (aiperf.KEYS, aiperf.load_aiperf),
    "genai-perf": (genai_perf.KEYS, genai_perf.load_genai_perf),
    "inference-perf": (inference_perf.KEYS, inference_perf.load_inference_perf),
}

_FORMATS = (
    "a request log (.jsonl), a result of `vllm bench serve`, guidellm, AIPerf, genai-perf or inference-perf (.json or"
    " .jsonl),"
    " a trace v2 (.yaml and .csv), results of `blis run` (.csv) or a step log (.csv)"
)


def read_log(path: str | Path) -> Recording | StepLog:
    """The recording or the steps in a file. Raises InputError if it is in no known format, or wrong in its own."""
    suffix = unpacked_name(path).suffix.lower()
    if suffix in (".json", ".jsonl"):
        return _read_json(path, "request-log" if suffix == ".jsonl" else "vllm-bench")
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


def _read_json(path: str | Path, usual: str) -> Recording:
    """The log whose keys a file has most of; where it has none, the usual reader says what is missing."""
    best = nearest(path, told(path), {name: keys for name, (keys, _) in JSON_LOGS.items()})
    return JSON_LOGS[best or usual][1](path)


def read_recording(path: str | Path) -> Recording:
    """The same, where steps alone will not do."""
    log = read_log(path)
    if isinstance(log, StepLog):
        raise InputError(f"{path}: a step log says nothing of requests; give a request log")
    return log
