"""The study of accuracy on logs that simulations made: a model scores nothing against itself, and misses are said."""

import json
from dataclasses import replace

import pytest

from blis.errors import InputError
from experiments import accuracy
from experiments.accuracy import ERRORS, HEADER, SHAPES, UNQUEUED, Row, label, main, recordings, rows, with_kv
from tests.blis.calibration.recordings import scenario, simulated
from tests.blis.workload.recorded.logs import log_rows

MODEL = "meta-llama/llama-3.1-8b-instruct"
EXACT = dict(zip(HEADER[2:], (*[0.0] * 5, *[1.0] * 3), strict=True))


def write_log(folder, name, gpu=None, n=120):
    """A log of the small server of these tests under the roofline of an L4."""
    latency_model = {"kind": "roofline", "model": MODEL, "gpu": "L4", "tp": 1}
    recording = simulated(scenario(latency_model=latency_model, engine="vllm-2026"), n)
    (folder / f"{name}.requests.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log_rows(recording)))
    meta = {
        "model": MODEL, "vllm_version": "0.19.0",
        "engine_kwargs": {"tensor_parallel_size": 1, "max_num_seqs": 8, "max_num_batched_tokens": 2048},
        "kv_cache": {"num_gpu_blocks": 400, "block_size": 16}, "hardware": {"device_name": gpu} if gpu else {},
    }  # fmt: skip
    (folder / f"{name}.meta.json").write_text(json.dumps(meta))


def test_the_gpu_is_what_the_log_says_or_the_first_word_of_its_name(tmp_path):
    write_log(tmp_path, "H200_one", gpu="NVIDIA H100 80GB HBM3", n=40)
    write_log(tmp_path, "L4_two", n=40)
    assert [recording.server.gpu for recording in recordings(tmp_path)] == ["H100", "L4"]


def test_a_gpu_that_nobody_knows_is_an_error_that_names_it(tmp_path):
    write_log(tmp_path, "Z80_one", n=40)
    with pytest.raises(InputError, match="Z80"):
        list(recordings(tmp_path))


def test_a_cache_that_the_log_does_not_tell_is_derived_and_said(tmp_path):
    write_log(tmp_path, "L4_one", n=40)
    (recording,) = recordings(tmp_path)
    told, assumed = with_kv(recording)
    assert (told.server.kv_blocks, assumed) == (400, ())
    silent = replace(recording, server=replace(recording.server, kv_blocks=0, block_size_tokens=0))
    derived, assumed = with_kv(silent)
    assert derived.server.kv_blocks > 400 and any("KV blocks" in what for what in assumed)


def test_the_model_that_made_a_log_is_right_and_another_is_not(tmp_path):
    write_log(tmp_path, "L4_one")
    (recording,) = recordings(tmp_path)
    roofline, original, fitted = rows(recording)
    assert (roofline.model, original.model, fitted.model) == ("roofline", "roofline-original", "fitted")
    # Not 0: an engine's clock starts when it takes a request up.
    assert max(roofline.figures[name] for name in (*ERRORS, UNQUEUED[0])) < 0.3
    assert [roofline.figures[name] for name in SHAPES] == pytest.approx([1, 1, 1], abs=0.01)
    assert roofline.unqueued[0] >= roofline.unqueued[1]
    assert roofline.missed == []
    assert original.figures["E2E %"] > 3 > fitted.figures["E2E %"]
    assert {row.log for row in (roofline, original, fitted)} == {label(recording)} == {f"L4, {MODEL.split('/')[1]}"}


def test_misses_are_those_beyond_a_target_and_what_is_not_known():
    good = Row("a log", "fitted", {**EXACT, "E2E %": 3.0, "makespan": 0.97 + 1e-9}, (5, 3))
    assert good.missed == []
    bad = replace(good, figures={**EXACT, "E2E %": 3.1, "makespan": 1.04, "running r": float("nan")})
    assert [text.split(" is ")[0] for text in bad.missed] == ["E2E %", "makespan", "running r"]
    assert replace(bad, model="roofline-original").missed == []
    assert replace(bad, model="roofline", figures={**EXACT, "E2E %": 10.1}).missed != []
    assert good.cells[5:7] == ("0.0 (5)", "0.0 (3)")


def test_the_page_has_every_model_and_what_was_before(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path, "L4_one", n=80)
    assert main(["--logs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith("| L4, ")]
    assert [line.split("|")[2].strip() for line in lines] == ["roofline", "roofline-original", "fitted"]
    assert "AISimulate, unfitted" in out and "Targets missed:" in out
    assert (tmp_path / "outputs/experiments/accuracy/accuracy.md").read_text() == out


def test_without_logs_one_line_says_what_to_give(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(accuracy, "LOGS", tmp_path)
    assert main([]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert str(tmp_path) in line and "--logs" in line


def test_a_log_that_cannot_be_read_is_one_line(tmp_path, capsys):
    (tmp_path / "L4_x.requests.jsonl").write_text("{}\n")
    assert main(["--logs", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}")
