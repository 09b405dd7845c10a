"""Which format a file is in, and the logs of real servers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blis.workload.recorded.read import read_log, read_recording
from blis.workload.recorded.recording import Recording, StepLog
from tests.blis.workload.recorded.logs import RESULTS, STEPS, bench, refused, request_log, trace
from tests.blis.workload.recorded.test_trace_v2 import at
from tests.places import TRACES

LOGS = TRACES / "vllm_logs"


def test_every_format_is_told_from_its_name_and_first_line(tmp_path: Path):
    (tmp_path / "r.csv").write_text(RESULTS)
    (tmp_path / "s.csv").write_text(STEPS.replace("duration_us", '"duration_us"').replace("\n", "\r\n"))
    paths = [request_log(tmp_path), bench(tmp_path), trace(tmp_path, at(0)), tmp_path / "t.yaml", tmp_path / "r.csv"]
    assert [len(read_recording(path)) for path in paths] == [3, 2, 1, 1, 2]
    found = read_log(tmp_path / "s.csv")
    assert isinstance(found, StepLog) and len(found.steps) == 2
    assert found.source == "s.csv"


def test_steps_say_nothing_of_requests(tmp_path: Path):
    (tmp_path / "s.csv").write_text(STEPS)
    refused(read_recording, tmp_path / "s.csv", "a step log says nothing of requests; give a request log")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("log.txt", "x", "not the name of a log: a request log (.jsonl)"),
        ("log", "x", "not the name of a log"),
        ("log.csv", "", "line 1: the columns are those of no log; needed are request_id, status"),
        ("log.csv", "a,b\n1,2\n", "line 1: the columns are those of no log"),
        (
            "log.csv",
            "request_id,arrival_us,input_tokens\na,1,2\n",
            "line 1: columns 'status', 'output_tokens', 'ttft_us', 'e2e_us' are missing",
        ),
        ("log.csv", "prefill_tokens,decodes\n1,2\n", "line 1: column 'duration_us' is missing"),
        ("log.csv", "request_id;status;ttft_us\na;b;1\n", "line 1: semicolons (';') between the columns; commas are"),
        ("log.csv", "duration_us\tdecodes\n1\t2\n", "line 1: tabs ('\\t') between the columns; commas are wanted"),
        ("log.csv", "x" * 200_000, "line 1: the columns are those of no log"),
        ("log.csv", '"a\n', "line 1: the columns are those of no log"),
    ],
)
def test_what_is_no_log_is_said(tmp_path: Path, name, text, said):
    (tmp_path / name).write_text(text)
    refused(read_log, tmp_path / name, said)


@pytest.mark.parametrize("name", ["none.jsonl", "none.json", "none.yaml", "none.csv"])
def test_a_file_that_is_not_there_is_said(tmp_path: Path, name):
    refused(read_log, tmp_path / name, "" if name.endswith("yaml") else "No such file")


def test_bytes_that_are_no_text_are_said(tmp_path: Path):
    for name in ("x.jsonl", "x.json", "x.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00")
        refused(read_log, tmp_path / name, "not a UTF-8 text file")


@pytest.mark.skipif(not LOGS.is_dir(), reason="the logs of real servers are only where the project is developed")
@pytest.mark.parametrize(
    ("name", "tp", "kv_blocks", "instants"),
    [
        ("RTX4090_Llama-3.1-8B", 1, 2588, 184),
        ("RTXPRO6000_Llama-3.1-8B", 1, 0, 67),
        ("RTXPRO6000_Qwen3-32B", 2, 0, 160),
    ],
)
def test_real_logs(name, tp, kv_blocks, instants):
    found = read_recording(LOGS / f"{name}.requests.jsonl")
    assert isinstance(found, Recording) and len(found) == 300 and (found.failed, found.invalid) == (0, 0)
    assert (found.server.vllm, found.server.tp, found.server.kv_blocks) == ("0.19.0", tp, kv_blocks)
    assert found.scheduled_us is not None and found.timeline is not None and len(found.timeline) == instants
    assert (found.ttft_us > 0).all() and np.nanmin(found.tpot_us) > 5000
