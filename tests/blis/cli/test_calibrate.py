"""`blis calibrate`: a log against a simulation, from flags, a scenario file, or what the log says of its server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.yaml_strict import dump_yaml
from tests.blis.cli.commands import Command
from tests.blis.workload.recorded.logs import META, bench, request_log, trace

SCENARIO = {
    "instance": {
        "latency_model": {"alpha": [100, 1, 10], "beta": [5000, 20, 30]},
        "kv": {"blocks": 300},
        "batch": {"max_running": 4},
    }
}
LINEAR = {"instance": {"latency_model": {"kind": "linear", "parameters": {"fixed_us": 9000}}}}
FLAGS = ("--alpha-coeffs", "100,1,0", "--beta-coeffs", "5000,20,30")


@pytest.fixture
def run(capsys) -> Command:
    return Command(capsys)


@pytest.fixture
def results(tmp_path: Path, run: Command) -> Path:
    """The results of a run of SCENARIO, as if a server had logged them."""
    dump_yaml(SCENARIO, tmp_path / "scenario.yaml")
    drawn = ("--workload", "distribution", "--num-requests", 60, "--rate", 20, "--prompt-tokens", 90)
    lengths = ("--prompt-tokens-stdev", 30, "--output-tokens", 20, "--output-tokens-stdev", 9)
    path = tmp_path / "results.csv"
    run("run", "--config", tmp_path / "scenario.yaml", *drawn, *lengths, "--results-path", path)
    return path


def test_a_run_calibrates_itself_without_error(results: Path, run: Command):
    """With requests that share nothing, and the time a token that is on no clock."""
    out, err = run("calibrate", results, "--config", results.parent / "scenario.yaml", "--output", "json")
    found = json.loads(out)
    assert err == "" and found["requests"]["matched"] == 60 and found["makespan"]["ratio"] == 1
    for measure in found["metrics"].values():
        assert measure["mape_percent"] == pytest.approx(0, abs=1e-9) and measure["quality"] == "excellent"
    table, _ = run("calibrate", results, "--config", results.parent / "scenario.yaml")
    assert table.startswith("results.csv: 60 requests, 60 compared\n")


def test_as_many_instances_are_simulated_as_answered(tmp_path: Path, run: Command):
    log = trace(tmp_path, *({"request_id": number} for number in range(4)))

    def simulated(*flags: object) -> tuple[tuple[str, str], bool]:
        found = json.loads(run("calibrate", log, *FLAGS, *flags, "--output", "json")[0])
        unsaid = any("how many instances" in each for each in found["known_limitations"])
        (setting,) = (each for each in found["configuration"] if each["key"] == "instances")
        return (setting["simulated"], setting["state"]), unsaid

    assert simulated() == (("1", "assumed"), True)
    assert simulated("--num-instances", 3) == (("3", "assumed"), True)
    log.with_name("t.timeseries.csv").write_text("t,running,waiting,kv_cache_pct,engines\n0,0,0,0,4\n")
    assert simulated() == (("4", "matched"), False)
    assert simulated("--num-instances", 3) == (("3", "differs"), False)


def test_flags_win_over_the_scenario(results: Path, run: Command):
    config = ("calibrate", results, "--config", results.parent / "scenario.yaml", "--output", "json")
    slower = json.loads(run(*config, "--beta-coeffs", "9000,20,30")[0])
    assert slower["metrics"]["tpot"]["bias"] == "over-predict"
    more = json.loads(run(*config, "--max-num-running-reqs", 40)[0])
    assert {one["key"]: one["simulated"] for one in more["configuration"]}["max_running"] == "40"
    assert json.loads(run(*config, "--engine", "vllm-0.8")[0])["metrics"]["ttft"]["n"] == 60


def test_what_is_compared(results: Path, run: Command):
    config = ("calibrate", results, "--config", results.parent / "scenario.yaml", "--output", "json")
    found = json.loads(run(*config, "--warm-up", 10, "--first", 0.5, "--rtt-ms", 2, "--bandwidth-mbps", 100)[0])
    assert found["requests"]["warm_up"] == 10 and found["requests"]["before_first"] == 25
    assert found["requests"]["matched"] == 25 and found["network"] == {"rtt_ms": 2, "bandwidth_mbps": 100}
    assert found["metrics"]["ttft"]["bias"] == "over-predict"


def test_without_a_scenario_the_server_is_as_the_log_says(tmp_path: Path, run: Command):
    (tmp_path / "x.meta.json").write_text(json.dumps(META))
    log = request_log(tmp_path)
    out, err = run("calibrate", log, *FLAGS, "--output", "json", "--log", "info")
    found = json.loads(out)
    states = {one["key"]: (one["simulated"], one["state"]) for one in found["configuration"]}
    assert states["max_running"] == ("64", "matched") and states["kv_blocks"] == ("900", "matched")
    assert states["engine"] == ("vllm-2026", "matched") and states["async_scheduling"] == ("no", "matched")
    assert "too few requests to rate" in err
    given = json.loads(
        run("calibrate", log, *FLAGS, "--engine", "vllm-0.8", "--total-kv-blocks", 70, "--output", "json")[0]
    )
    states = {one["key"]: (one["simulated"], one["state"]) for one in given["configuration"]}
    assert states["engine"] == ("vllm-0.8", "differs") and states["kv_blocks"] == ("70", "differs")


def test_what_had_to_be_assumed_is_said(tmp_path: Path, run: Command):
    _, err = run("calibrate", request_log(tmp_path), *FLAGS, "--log", "info")
    assert "assumed are max_running 256, max_scheduled_tokens 2048, engine vllm-2026" in err


def test_a_coefficients_file_on_the_server_of_the_log(tmp_path: Path, run: Command):
    (tmp_path / "x.meta.json").write_text(json.dumps(META))
    coefficients = {"format": 1, "kind": "linear", "parameters": {"fixed_us": 9000}, "source": "a log", "n": 77}
    dump_yaml(coefficients, tmp_path / "c.yaml")
    out, _ = run("calibrate", request_log(tmp_path), "--coefficients", tmp_path / "c.yaml", "--output", "json")
    found = json.loads(out)
    assert found["latency_model"]["state"] == "fitted" and found["latency_model"]["n"] == 77
    states = {one["key"]: (one["simulated"], one["state"]) for one in found["configuration"]}
    assert states["max_running"] == ("64", "matched") and states["kv_blocks"] == ("900", "matched")


def test_the_engine_of_a_coefficients_file_counts_where_the_log_has_none(tmp_path: Path, run: Command):
    coefficients = {"format": 1, "kind": "linear", "parameters": {"fixed_us": 9000}, "source": "a log", "n": 77}
    dump_yaml({**coefficients, "engine": "original"}, tmp_path / "c.yaml")
    log = request_log(tmp_path)
    _, err = run("calibrate", log, "--coefficients", tmp_path / "c.yaml", "--log", "info")
    assert "c.yaml: engine original" in err and "assumed are max_running 256, max_scheduled_tokens 2048\n" in err


def test_a_log_of_another_version_is_simulated_with_the_engine_of_the_fit_which_is_told(tmp_path: Path, run: Command):
    coefficients = {"format": 1, "kind": "linear", "parameters": {"fixed_us": 9000}, "source": "a log", "n": 77}
    dump_yaml({**coefficients, "engine": "original"}, tmp_path / "c.yaml")
    (tmp_path / "x.meta.json").write_text(json.dumps(META))
    command = ("calibrate", request_log(tmp_path), "--coefficients", tmp_path / "c.yaml", "--output", "json")
    out, err = run(*command)
    assert {one["key"]: one["simulated"] for one in json.loads(out)["configuration"]}["engine"] == "original"
    assert "warning: engine is 0.19.0 in the log and original in the simulation" in err
    out, _ = run(*command, "--engine", "vllm-2026")
    assert {one["key"]: one["simulated"] for one in json.loads(out)["configuration"]}["engine"] == "vllm-2026"


def test_a_difference_is_a_warning(tmp_path: Path, run: Command):
    (tmp_path / "x.meta.json").write_text(json.dumps(META))
    dump_yaml(LINEAR, tmp_path / "s.yaml")
    _, err = run("calibrate", request_log(tmp_path), "--config", tmp_path / "s.yaml")
    assert "blis: warning: max_running is 64 in the log and 256 in the simulation\n" in err
    assert run("calibrate", request_log(tmp_path), "--config", tmp_path / "s.yaml", "--log", "error")[1] == ""


def test_logs_of_clients(tmp_path: Path, run: Command):
    found = json.loads(run("calibrate", bench(tmp_path), *FLAGS, "--output", "json")[0])
    assert found["requests"]["failed"] == 1 and "left out" in found["notes"][0]
    log = trace(tmp_path, {"request_id": 0}, {"request_id": 1})
    found = json.loads(run("calibrate", log, *FLAGS, "--output", "json")[0])
    assert found["network"]["rtt_ms"] == 1.5 and found["requests"]["warm_up"] == 1
    assert json.loads(run("calibrate", log, *FLAGS, "--rtt-ms", 0, "--output", "json")[0])["network"]["rtt_ms"] == 0


def test_what_is_odd_about_a_log_is_a_warning(tmp_path: Path, run: Command):
    _, err = run("calibrate", bench(tmp_path), *FLAGS, "--rtt-ms", 800)
    assert "warning: bench.json: 2 of 2 requests had their first token before the network (round trip 800 ms)" in err


def test_a_picture(results: Path, run: Command):
    path = results.parent / "c.png"
    _, err = run("calibrate", results, *FLAGS, "--picture", path, "--log", "info")
    assert path.read_bytes().startswith(b"\x89PNG") and f"the picture is in {path}" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say how long the steps of the server take: --coefficients, --latency-model or --config"),
        ((*FLAGS, "--warm-up", -1), "--warm-up must be >= 0"),
        ((*FLAGS, "--warm-up", "two"), "argument --warm-up: 'two' is not a whole number"),
        ((*FLAGS, "--first", 1), "--first must be in [0, 0.99], got 1"),
        ((*FLAGS, "--first", "nan"), "--first must be finite"),
        ((*FLAGS, "--rtt-ms", -1), "--rtt-ms must be in [0, 1e+09]"),
        ((*FLAGS, "--bandwidth-mbps", "inf"), "--bandwidth-mbps must be finite"),
        ((*FLAGS, "--picture", "c.jpg"), "--picture must end in .png, got 'c.jpg'"),
        ((*FLAGS, "--engine", "vllm-1"), "vllm-1"),
        (("--latency-model", "linar"), "did you mean 'linear'?"),
        (("--config", "nowhere.yaml"), "nowhere.yaml: No such file"),
        ((*FLAGS, "--output", "text"), "argument --output: invalid choice: 'text'"),
    ],
)
def test_mistakes_are_found_first(tmp_path: Path, run: Command, arguments, said):
    assert said in run.fails("calibrate", request_log(tmp_path), *arguments)


def test_a_log_that_is_none(tmp_path: Path, run: Command):
    assert "none.jsonl: No such file" in run.fails("calibrate", tmp_path / "none.jsonl", *FLAGS)
    (tmp_path / "s.csv").write_text("duration_us,prefill_tokens,decodes\n1,2,3\n")
    assert "a step log says nothing of requests" in run.fails("calibrate", tmp_path / "s.csv", *FLAGS)
    assert "the following arguments are required: LOG" in run.fails("calibrate", *FLAGS)
