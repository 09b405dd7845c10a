"""`blis fit`: from a log to a coefficients file that `blis run` takes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from blis.cli.main import main
from blis.latency.coefficients import load_coefficients, save_coefficients
from blis.workload.recorded.step_log import save_step_log
from blis.yaml_strict import dump_yaml
from tests.blis.cli.commands import Command, rows
from tests.blis.cli.test_calibrate import SCENARIO
from tests.blis.fit.made import TRUTH, recorded, step_log
from tests.blis.workload.recorded.logs import RESULTS, STEPS, bench, log_rows, request_log
from tests.blis.workload.recorded.test_hits import CHAT


@pytest.fixture
def run(capsys) -> Command:
    return Command(capsys)


@pytest.fixture
def results(tmp_path: Path, run: Command) -> Path:
    """Results of a run of SCENARIO, as if a server had logged them."""
    dump_yaml(SCENARIO, tmp_path / "scenario.yaml")
    drawn = ("--workload", "distribution", "--num-requests", 60, "--rate", 20, "--prompt-tokens", 300)
    lengths = ("--prompt-tokens-stdev", 100, "--output-tokens", 30, "--output-tokens-stdev", 9)
    path = tmp_path / "results.csv"
    run("run", "--config", tmp_path / "scenario.yaml", *drawn, *lengths, "--results-path", path)
    return path


@pytest.mark.slow
def test_the_same_lines_in_any_order_give_the_same_bytes(results: Path, tmp_path: Path, run: Command):
    heading, *lines = results.read_text().splitlines()
    found = []
    for name in ("in-order", "shuffled"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "results.csv").write_text("\n".join([heading, *lines]) + "\n")
        run("fit", folder / "results.csv", "--out", folder / "c.yaml")
        found.append((folder / "c.yaml").read_bytes())
        Random(5).shuffle(lines)
    assert found[0] == found[1]


def test_what_was_fitted_runs_and_a_wrong_coefficient_is_seen(tmp_path: Path, run: Command):
    save_step_log(tmp_path / "steps.csv", step_log(3, 60).steps)
    out, err = run("fit", tmp_path / "steps.csv", "--out", tmp_path / "c.yaml", "--output", "json")
    found = json.loads(out)
    assert err == "" and found["coefficients"] == pytest.approx(TRUTH, rel=0.01)
    assert found["held_out"]["step_mape"] < 0.1 and found["n"] > 30
    assert all(low <= TRUTH.get(name, 0) <= high for name, (low, high) in found["interval"].items())
    drawn = ("--workload", "distribution", "--num-requests", 60, "--rate", 4, "--seed", 2)
    config = ("--coefficients", tmp_path / "c.yaml", "--engine", "original")
    report = json.loads(run("run", *config, *drawn, "--results-path", tmp_path / "r.csv")[0])
    assert report["latency_model"]["state"] == "fitted" and "steps.csv" in report["latency_model"]["source"]
    measured = json.loads(run("calibrate", tmp_path / "r.csv", *config, "--output", "json")[0])["metrics"]
    assert measured["e2e"]["mape_percent"] < 1
    file = load_coefficients(tmp_path / "c.yaml")
    file.parameters["fixed_us"] *= 1.2
    save_coefficients(tmp_path / "wrong.yaml", file)
    wrong = ("calibrate", tmp_path / "r.csv", "--coefficients", tmp_path / "wrong.yaml", "--engine", "original")
    measured = json.loads(run(*wrong, "--output", "json")[0])["metrics"]
    assert measured["tpot"]["bias"] == "over-predict" and measured["tpot"]["mape_percent"] > 5


def test_a_run_of_coefficients_has_the_limits_of_their_server_and_says_so(tmp_path: Path, run: Command):
    save_step_log(tmp_path / "steps.csv", step_log(3, 60).steps)
    started = {"max_num_seqs": 3, "max_num_batched_tokens": 700}
    text(tmp_path / "steps.meta.json", json.dumps({"engine_kwargs": started, "kv_cache": {"num_gpu_blocks": 900}}))
    run("fit", tmp_path / "steps.csv", "--out", tmp_path / "c.yaml")
    drawn = ("--num-requests", 9, "--rate", 50, "--results-path", tmp_path / "r.csv")
    _, err = run("run", "--coefficients", tmp_path / "c.yaml", *drawn)
    assert err == (
        f"blis: as the server of {tmp_path / 'c.yaml'}: kv_blocks 900, max_running 3, max_scheduled_tokens 700\n"
    )
    assert {(row["max_running"], row["max_scheduled_tokens"]) for row in rows(tmp_path / "r.csv")} == {("3", "700")}
    _, err = run("run", "--coefficients", tmp_path / "c.yaml", "--max-num-running-reqs", 4, *drawn)
    assert {(row["max_running"], row["max_scheduled_tokens"]) for row in rows(tmp_path / "r.csv")} == {("4", "700")}
    assert "max_running" not in err


def test_what_a_log_does_not_say_of_its_server_may_be_given(tmp_path: Path, run: Command):
    save_step_log(tmp_path / "steps.csv", step_log(3, 60).steps)
    run("fit", tmp_path / "steps.csv", "--hardware", "H100", "--total-kv-blocks", 900, "--out", tmp_path / "c.yaml")
    file = load_coefficients(tmp_path / "c.yaml")
    assert (file.gpu, file.kv_blocks) == ("H100", 900)


def run_of_truth(folder: Path, run: Command, *flags: object) -> Path:
    """Results of a server with an engine and places of its own, whose steps cost TRUTH."""
    latency = {"kind": "linear", "parameters": TRUTH}
    dump_yaml({"instance": {"latency_model": latency, "batch": {"max_running": 8}}}, folder / "truth.yaml")
    drawn = (
        "--workload",
        "distribution",
        "--num-requests",
        60,
        "--rate",
        3,
        "--prompt-tokens",
        300,
        "--output-tokens",
        40,
    )
    run("run", "--config", folder / "truth.yaml", *drawn, "--results-path", folder / "r.csv", *flags)
    return folder / "r.csv"


@pytest.mark.slow
def test_results_are_fitted_with_the_engine_of_their_run(tmp_path: Path, run: Command):
    results = run_of_truth(tmp_path, run)
    found = json.loads(run("fit", results, "--first", 1, "--out", tmp_path / "c.yaml", "--output", "json")[0])
    assert found["engine"] == "original" and found["assumed"] == []
    assert found["seen"]["ttft_mape"] < 1, found
    assert load_coefficients(tmp_path / "c.yaml").engine == "original"


@pytest.mark.slow
def test_prompts_that_were_in_the_cache_cost_what_was_left_of_them(tmp_path: Path, run: Command):
    dump_yaml(CHAT, tmp_path / "w.yaml")
    dump_yaml({"instance": {"latency_model": {"kind": "linear", "parameters": TRUTH}}}, tmp_path / "s.yaml")
    flags = ("--config", tmp_path / "s.yaml", "--workload-spec", tmp_path / "w.yaml")
    run("run", *flags, "--results-path", tmp_path / "r.csv")
    found = json.loads(run("fit", tmp_path / "r.csv", "--first", 1, "--output", "json")[0])
    assert found["coefficients"]["prefill_us_token"] == pytest.approx(TRUTH["prefill_us_token"], rel=0.01)


def test_results_of_several_instances_are_refused(tmp_path: Path, run: Command):
    results = run_of_truth(tmp_path, run, "--num-instances", 2)
    assert "r.csv: 2 instances answered; a fit needs requests of one" in run.fails("fit", results)


@pytest.mark.slow
def test_what_was_left_out_and_what_is_odd_is_said(results: Path, tmp_path: Path, run: Command):
    lines = results.read_text().splitlines()
    lines[1] = lines[1].replace("completed", "rejected", 1)
    results.write_text("\n".join(lines) + "\n")
    out, err = run("fit", results)
    assert "note      results.csv: 1 requests got no answer and are left out, 'request_0' first" in out
    assert err == ""
    made = recorded(3, 40)
    made = replace(made, scheduled_us=made.requests.arrival_us)
    slow = [{key: 1000 * cell if key.endswith("_ts") else cell for key, cell in row.items()} for row in log_rows(made)]
    log = request_log(tmp_path, slow)
    out, err = run("fit", log, "--first", 1, "--output", "json")
    assert "warning: x.requests.jsonl: half of the answers took" in err
    assert json.loads(out)["notes"] == []


@pytest.mark.parametrize("terminal", [True, False])
def test_who_waits_at_a_terminal_is_told_how_long(tmp_path: Path, capsys, monkeypatch, terminal: bool):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert main(["fit", str(request_log(tmp_path))]) == 2
    said = "blis: simulating x.requests.jsonl with many prices: up to a minute\n"
    assert (said in capsys.readouterr().err) == terminal


def test_for_people_it_is_a_table(tmp_path: Path, run: Command):
    save_step_log(tmp_path / "steps.csv", step_log(3, 40).steps)
    lines = run("fit", tmp_path / "steps.csv", "--first", 1)[0].splitlines()
    assert lines[0].startswith("source    steps.csv: the first") and lines[1] == "engine    not simulated"
    assert {line.split()[0] for line in lines if line} >= {*TRUTH}
    assert lines[-1].endswith("nothing was left out")


def test_a_price_that_the_log_does_not_tell_is_said_wherever_it_is_used(tmp_path: Path, run: Command):
    prompts = [f"{5000 + 50 * tokens},{tokens},0" for tokens in range(100, 2000, 50)]
    text(tmp_path / "steps.csv", "\n".join(["duration_us,prefill_tokens,decodes", *prompts]))
    out, _ = run("fit", tmp_path / "steps.csv", "--first", 1, "--out", tmp_path / "c.yaml")
    (line,) = [line for line in out.splitlines() if line.startswith("decode_us_request")]
    assert line.split(maxsplit=2)[1:] == ["0", "not told by this log"]
    report = json.loads(run("fit", tmp_path / "steps.csv", "--first", 1, "--output", "json")[0])
    assert report["interval"]["decode_us_request"] == [0, None]
    latency = {"coefficients": str(tmp_path / "c.yaml"), "ensemble": 4}
    dump_yaml({"instance": {"latency_model": latency}}, tmp_path / "s.yaml")
    drawn = ("--workload", "distribution", "--num-requests", 5, "--rate", 4)
    out, err = run("run", "--config", tmp_path / "s.yaml", *drawn)
    assert "warning: steps.csv" in err and "did not tell decode_us_request" in err
    found = json.loads(out)
    assert found["latency_model"]["not_told"] == ["decode_us_request"] and found["ensemble"]["members"] == 4


def test_where_nothing_can_be_written_is_said_before_the_fit(tmp_path: Path, capsys, monkeypatch):
    save_step_log(tmp_path / "steps.csv", step_log(3, 40).steps)
    monkeypatch.setattr("blis.fit.fit.fit", lambda *_: pytest.fail("fitted"))
    assert main(["fit", str(tmp_path / "steps.csv"), "--out", str(tmp_path / "steps.csv" / "c.yaml")]) == 1
    assert capsys.readouterr().err == f"blis: error: {tmp_path / 'steps.csv' / 'c.yaml'}: Not a directory\n"


def test_a_fit_that_cannot_be_written_is_printed(tmp_path: Path, capsys):
    save_step_log(tmp_path / "steps.csv", step_log(3, 40).steps)
    assert main(["fit", str(tmp_path / "steps.csv"), "--out", "/dev/full"]) == 1
    said = capsys.readouterr()
    assert "fixed_us" in said.out and said.err == "blis: error: /dev/full: No space left on device\n"


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda folder: request_log(folder), "insufficient data"),
        (lambda folder: bench(folder), "insufficient data"),
        (lambda folder: text(folder / "r.csv", RESULTS), "insufficient data"),
        (lambda folder: text(folder / "s.csv", STEPS), "insufficient data"),
        (lambda folder: text(folder / "x.csv", "a,b\n1,2\n"), "x.csv"),
        (lambda folder: text(folder / "empty.csv", ""), "empty.csv"),
        (lambda folder: folder / "none.csv", "none.csv"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(tmp_path: Path, run: Command, write, said: str):
    assert said in run.fails("fit", write(tmp_path))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--first", 0), "--first must be > 0"),
        (("--first", 2), "--first must be in"),
        (("--first", "half"), "--first"),
        (("--warm-up", -1), "--warm-up must be >= 0"),
        (("--engine", "vllm-9"), "--engine"),
        (("--total-kv-blocks", 0), "--total-kv-blocks must be in [1, "),
        (("--warm-up", 59), "insufficient data"),
    ],
)
def test_flags_are_checked(results: Path, run: Command, flags: tuple, said: str):
    assert said in run.fails("fit", results, *flags)


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path
