"""Results of benchmarks as requests to be sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from blis.errors import InputError
from blis.workload.read.trace_formats import FORMATS, detect_format
from blis.workload.recorded.read import JSON_LOGS
from tests.blis.workload.recorded.logs import ROWS, bench, request_log
from tests.blis.workload.recorded.results import (
    START,
    aiperf_line,
    genai_perf,
    genai_perf_request,
    guidellm,
    guidellm_request,
    inference_perf_request,
)


def written(folder: Path) -> dict[str, Path]:
    """A file in every format."""
    aiperf, inference_perf = folder / "p.jsonl", folder / "i.json"
    aiperf.write_text("\n".join([aiperf_line(0), aiperf_line(5)]))
    inference_perf.write_text(json.dumps([inference_perf_request(4), inference_perf_request(5)], indent=2))
    return {
        "request-log": request_log(folder),
        "vllm-bench": bench(folder),
        "guidellm": guidellm(folder / "g.json", [guidellm_request(0), guidellm_request(1)]),
        "aiperf": aiperf,
        "genai-perf": genai_perf(folder / "e.json", [genai_perf_request(0), genai_perf_request(9)]),
        "inference-perf": inference_perf,
    }


def test_every_format_is_told_from_its_content(tmp_path: Path):
    for name, path in written(tmp_path).items():
        assert detect_format(path) == name
        table = FORMATS[name].parse(path)
        assert len(table) == (3 if name == "request-log" else 2) and table.arrival_us[0] == 0
        assert table.notes[-1] == "times count from the first request on"


def whole_answers(folder: Path, unit: float = 1.0) -> dict[str, Path]:
    """A file of answers that were not streamed in every format of a load generator; ends are multiplied."""
    end = {"request_end_ns": START * 10**9 + int(10**8 * unit)}
    aiperf, inference_perf = folder / "p.jsonl", folder / "i.json"
    aiperf.write_text(aiperf_line(0, last_ms=100 * unit, **end).replace("time_to_first_token", "x"))
    one = {**inference_perf_request(4, response_metrics={"output_tokens": 3}), "end_time": 4 + 2 * unit}
    inference_perf.write_text(json.dumps([one]))
    late = guidellm_request(0, info={}, request_end_time=START + 2 * unit)
    whole = genai_perf_request(0, streamed=False)
    whole["response_timestamps"] = [START * 10**9 + int(10**8 * unit)]
    return {
        "vllm-bench": bench(folder, ttfts=[0.5 * unit, 0.25 * unit, 0.0], itls=[[], [], []], output_lens=[3, 2, 0]),
        "guidellm": guidellm(folder / "g.json", [late]),
        "aiperf": aiperf,
        "genai-perf": genai_perf(folder / "e.json", [whole]),
        "inference-perf": inference_perf,
    }


def test_answers_that_were_not_streamed_are_traffic(tmp_path: Path):
    for name, path in whole_answers(tmp_path).items():
        table = FORMATS[name].parse(path)
        assert len(table) == (2 if name == "vllm-bench" else 1) and table.output_tokens.min() >= 2
        assert f"{len(table)} answers were not streamed: of them only the end is known, no first token" in table.notes


@pytest.mark.parametrize(("unit", "side"), [(1000, "more"), (1e-5, "less")])
def test_ends_in_another_unit_are_refused(tmp_path: Path, unit: float, side: str):
    for name, path in whole_answers(tmp_path, unit).items():
        with pytest.raises(InputError, match=f"answers that were not streamed took .* s or {side}: are the times"):
            FORMATS[name].parse(path)


def test_streamed_answers_in_another_unit_are_refused(tmp_path: Path):
    whole = genai_perf_request(0)
    whole["response_timestamps"] = [START * 10**9 + after * 10**9 for after in (10, 20, 100, 110, 120)]
    metrics = {"output_tokens": 3, "output_token_times": [4.5, 500, 2000]}
    timings = {"first_token_iteration": START + 0.5, "last_token_iteration": START + 2000}
    (tmp_path / "p.jsonl").write_text(aiperf_line(0, last_ms=100_000, request_end_ns=(START + 100) * 10**9))
    (tmp_path / "i.json").write_text(
        json.dumps([{**inference_perf_request(4, response_metrics=metrics), "end_time": 2004}])
    )
    for name, path in {
        "vllm-bench": bench(tmp_path, itls=[[250, 500], [], []]),
        "guidellm": guidellm(tmp_path / "g.json", [guidellm_request(0, info={"timings": timings})]),
        "aiperf": tmp_path / "p.jsonl",
        "genai-perf": genai_perf(tmp_path / "e.json", [whole]),
        "inference-perf": tmp_path / "i.json",
    }.items():
        with pytest.raises(InputError, match=r"half of the answers took .* s or more a token: are the times"):
            FORMATS[name].parse(path)


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_files_may_be_packed(tmp_path: Path, codec: str):
    for name, path in written(tmp_path).items():
        arrivals = FORMATS[name].parse(path).arrival_us.tolist()
        path.write_bytes(pyarrow.compress(path.read_bytes(), codec=codec, asbytes=True))
        assert detect_format(path) == name and FORMATS[name].parse(path).arrival_us.tolist() == arrivals


def test_turns_come_after_the_answer_and_the_pause_that_was_left(tmp_path: Path):
    lines = [aiperf_line(at, x_correlation_id=name) for at, name in ((0, "a"), (50, "b"), (450, "a"), (120, "b"))]
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    table = FORMATS["aiperf"].parse(tmp_path / "p.jsonl")
    assert table.request_ids == ("q0", "q450", "q50", "q120")
    assert table.predecessor.tolist() == [-1, 0, -1, -1]  # the second of b came before the answer to the first
    assert table.think_us.tolist() == [0, 350_000, 0, 0] and table.arrival_us.tolist() == [0, -1, 50_000, 120_000]
    recorded = FORMATS["aiperf"].parse(tmp_path / "p.jsonl", turns="arrivals")
    assert recorded.arrival_us.tolist() == [0, 50_000, 120_000, 450_000] and recorded.predecessor is None


def test_what_warmed_up_is_left_out_and_time_starts_behind_it(tmp_path: Path):
    (tmp_path / "p.jsonl").write_text(
        "\n".join([aiperf_line(0, benchmark_phase="warmup"), aiperf_line(7), aiperf_line(9)])
    )
    table = FORMATS["aiperf"].parse(tmp_path / "p.jsonl")
    assert table.arrival_us.tolist() == [0, 2000] and table.request_ids == ("q7", "q9")
    assert "1 requests were there to warm the server up and are left out" in table.notes


def test_a_file_of_warm_up_is_refused(tmp_path: Path):
    (tmp_path / "p.jsonl").write_text(aiperf_line(0, benchmark_phase="warmup"))
    with pytest.raises(InputError, match="all 1 answered requests were there to warm the server up"):
        FORMATS["aiperf"].parse(tmp_path / "p.jsonl")


def test_times_that_no_server_has_are_refused(tmp_path: Path):
    slow = [{key: 1000 * value if key.endswith("_ts") else value for key, value in row.items()} for row in ROWS]
    with pytest.raises(InputError, match=r"x.requests.jsonl: half of the answers took .* in another unit\?"):
        FORMATS["request-log"].parse(request_log(tmp_path, slow))


#: Keys of times, by format.
TIMES = {
    "request-log": ("queued_ts", "scheduled_ts", "first_token_ts", "last_token_ts"),
    "vllm-bench": ("start_times", "ttfts", "itls"),
    "guidellm": ("request_start_time", "request_end_time", "first_token_iteration", "last_token_iteration"),
    "aiperf": ("request_start_ns", "request_end_ns"),
    "genai-perf": ("timestamp", "response_timestamps"),
    "inference-perf": ("start_time", "end_time", "output_token_times"),
}


def scaled(value: Any, keys: tuple[str, ...], factor: float) -> Any:
    """A document with the times under these keys multiplied."""
    if isinstance(value, list):
        return [scaled(item, keys, factor) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: times(item, factor) if key in keys else scaled(item, keys, factor) for key, item in value.items()}


def times(value: Any, factor: float) -> Any:
    if isinstance(value, list):
        return [times(item, factor) for item in value]
    return round(value * factor) if value > 1e15 else value * factor  # ns are whole


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("factor", [1000, 0.0001])  # tokens are half a second apart here: 50 µs is what nobody has
def test_times_that_are_far_too_large_or_small_are_refused(tmp_path: Path, name: str, factor: float):
    path = written(tmp_path)[name]
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    path.write_text("\n".join(json.dumps(scaled(json.loads(line), TIMES[name], factor)) for line in lines))
    assert detect_format(path) == name
    with pytest.raises(InputError, match=r"another unit\?|is not a time in"):
        FORMATS[name].parse(path)


def test_every_result_is_tried_with_other_units(tmp_path: Path):
    assert set(TIMES) == set(written(tmp_path)) == set(JSON_LOGS)
