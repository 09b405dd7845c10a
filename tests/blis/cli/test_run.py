"""`blis run`: recorded runs come out as recorded, precedence holds, mistakes are found before anything runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from blis.cli.main import main
from blis.yaml_strict import dump_yaml, load_mapping
from tests.blis.cli.commands import rows
from tests.places import REFERENCE

COMPARED = ("request_id", "status", "instance", "ttft_us", "e2e_us", "itl_mean_us", "scheduling_delay_us")
MODEL = "meta-llama/llama-3.1-8b-instruct"

WORKLOAD = {
    "version": "1",
    "aggregate_rate": 50.0,
    "num_requests": 30,
    "seed": 3,
    "clients": [
        {
            "rate_fraction": 1.0,
            "arrival": {"process": "poisson"},
            "input_distribution": {"type": "constant", "params": {"value": 100}},
            "output_distribution": {"type": "constant", "params": {"value": 4}},
        }
    ],
}


@pytest.fixture
def run(capsys):
    """Run the command; gives its metrics and what it said on stderr."""

    def call(*arguments: object) -> tuple[dict, str]:
        status = main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        assert status == 0, output.err
        return json.loads(output.out), output.err

    return call


@pytest.fixture
def fail(capsys):
    """Run the command with bad input; gives the one line on stderr."""

    def call(*arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 2
        output = capsys.readouterr()
        assert output.out == "" and output.err.count("\n") == 1
        return output.err

    return call


@pytest.mark.parametrize("case", ["token_bucket2", "oversized_drop2", "horizon_single"])
def test_recorded_runs_come_out_as_recorded(case: str, run, tmp_path: Path):
    metrics, said = run(
        *("run", "--config", REFERENCE / case / "config.yaml", "--requests", REFERENCE / case / "requests.csv"),
        *("--compat", "original", "--results-path", tmp_path / "out.csv"),
    )
    expected, found = rows(REFERENCE / case / "expected.csv"), rows(tmp_path / "out.csv")
    assert metrics["completed_requests"] == sum(row["status"] == "completed" for row in expected)
    assert list(found[0])[:7] == list(COMPARED)
    assert [[row[key] for key in COMPARED] for row in found] == [[row[key] for key in COMPARED] for row in expected]
    assert b"\r" not in (tmp_path / "out.csv").read_bytes()
    assert said.count("\n") <= 1  # at most a warning


@pytest.mark.parametrize("ending", [".yaml", ".jsonl"])
def test_a_run_that_was_recorded_can_be_run_again(small_run, small: Path, run, ending: str):
    first, _ = run(*small_run, "--record", small / f"again{ending}")
    rows_of = (small / f"again{ending}").with_suffix(".csv" if ending == ".yaml" else ending)
    again, _ = run("run", "--config", small / "scenario.yaml", "--requests", rows_of)
    assert again["completed_requests"] == first["completed_requests"]
    assert again["total_input_tokens"] == first["total_input_tokens"]


def test_the_same_run_gives_the_same_bytes(small_run, capsys):
    outputs = []
    for _ in range(2):
        assert main(small_run) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


def test_precedence_command_line_bundle_file_default(small_run, small: Path, run):
    def instances_used(*more: object) -> set[str]:
        run(*small_run, "--results-path", small / "out.csv", *more)
        return {row["instance"] for row in rows(small / "out.csv")}

    def statuses(*more: object) -> set[str]:
        run(*small_run, "--results-path", small / "out.csv", *more)
        return {row["status"] for row in rows(small / "out.csv")}

    dump_yaml({"admission": {"policy": "reject-all"}}, small / "bundle.yaml")
    assert instances_used() == {"0", "1"}  # the file's two instances
    assert instances_used("--num-instances", 1) == {"0"}
    assert statuses() == {"completed"}  # the default
    assert statuses("--policy-config", small / "bundle.yaml") == {"rejected"}
    assert statuses("--policy-config", small / "bundle.yaml", "--admission-policy", "always-admit") == {"completed"}
    assert statuses("--admission-policy", "token-bucket", "--token-bucket-capacity", 0) == {"rejected"}


def test_a_run_folder_reproduces_a_seed(run, small: Path):
    dump_yaml({**load_mapping(small / "scenario.yaml"), "workload": WORKLOAD}, small / "run.yaml")
    dump_yaml(WORKLOAD, small / "spec.yaml")
    embedded, _ = run("run", "--config", small / "run.yaml", "--seed", 12)
    given, _ = run("run", "--config", small / "scenario.yaml", "--workload-spec", small / "spec.yaml", "--seed", 12)
    other, _ = run("run", "--config", small / "run.yaml", "--seed", 13)
    own, _ = run("run", "--config", small / "run.yaml")
    own_seed, _ = run("run", "--config", small / "run.yaml", "--seed", WORKLOAD["seed"])
    assert embedded == given != other
    assert own == own_seed
    assert run("run", "--config", small / "run.yaml", "--num-requests", 7)[0]["completed_requests"] == 7


def test_flags_alone_make_a_scenario(run, small: Path):
    metrics, _ = run("run", "--model", MODEL, "--requests", small / "requests.csv", "--num-instances", 4)
    assert metrics["completed_requests"] == 3


def test_coefficients_on_the_command_line(run, fail, small_run):
    slow, _ = run(*small_run, "--beta-coeffs", "50000,20,30")
    fast, _ = run(*small_run)
    assert slow["ttft_mean_ms"] > fast["ttft_mean_ms"]
    by_model, _ = run(*small_run, "--model", MODEL)
    assert by_model["ttft_mean_ms"] != fast["ttft_mean_ms"]
    assert "alpha is given without beta" in fail(*small_run, "--model", MODEL, "--alpha-coeffs", "1,2,3")


def test_what_is_described_and_has_no_effect_is_said(run, small_run, small: Path):
    config = load_mapping(small / "scenario.yaml")
    late = {"scheduled": [{"instances": [0], "at_us": 10**12, "down_us": 5}]}
    off = {"flow_control": {"max_concurrency": 3}, "autoscaling": {"concurrency": 3}, "failures": late}
    dump_yaml({**config, "cluster": {**config["cluster"], **off}}, small / "scenario.yaml")
    told = run(*small_run)[1].splitlines()
    assert [line.split(" changes nothing")[0] for line in told] == [
        "blis: warning: flow_control",
        "blis: warning: autoscaling",
        "blis: warning: failures.scheduled[0], from 1000000000000 to 1000000000005 µs,",
    ]


@pytest.mark.parametrize(
    ("unit_us", "said"), [(1, "on the Unix clock, from 2023-11-14"), (1000, "1,000 times too large")]
)
def test_arrivals_on_the_clock_on_the_wall_are_told(run, small: Path, unit_us, said):
    header = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"
    (small / "late.csv").write_text(f"{header}\na,{1_700_000_000_000_000 * unit_us},5,2,,0,,\n")
    assert said in run("run", "--config", small / "scenario.yaml", "--requests", small / "late.csv")[1]


def test_fitness_of_the_original(run, small_run):
    metrics, _ = run(*small_run, "--fitness-weights", "throughput:1,mean_e2e:0")
    assert set(metrics["fitness"]["components"]) == {"throughput", "mean_e2e"}
    assert metrics["fitness"]["score"] == metrics["fitness"]["components"]["throughput"]


def test_warnings_go_to_stderr(run, small_run, small: Path):
    assert "the routing policy is 'least-loaded'" in run(*small_run, "--routing-scorers", "queue-depth:1")[1]
    bucket = ("--admission-policy", "token-bucket", "--token-bucket-capacity", 120)
    assert "1 requests have more tokens than the bucket holds (120)" in run(*small_run, *bucket)[1]
    assert "no request was completed: 3 rejected of 3" in run(*small_run, "--admission-policy", "reject-all")[1]
    assert "--seed changes nothing" in run(*small_run, "--seed", 4)[1]
    assert run(*small_run)[1] == ""


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--routing-policy", "weigthed"], "did you mean 'weighted'?"),
        (["--routing-scorers", "queue-depth:1,queue-depth:2"], "'queue-depth' twice"),
        (["--routing-scorers", "cash:1"], "unknown routing scorer 'cash'"),
        (["--token-bucket-capacity", "nan"], "admission.token_bucket_capacity must be finite"),
        (["--max-num-running-reqs", "0"], "max_running must be"),
        (["--num-instances", "0"], "cluster.instances must be"),
        (["--horizon", "-5"], "horizon_us must be"),
        (["--results-path", "out.txt"], "--results-path must end in .csv or .json"),
        (["--record", "out.csv"], "--record must end in .yaml or .jsonl"),
        (["--num-requests", "5"], "--num-requests is for drawn requests"),
        (["--policy-config", "nothing.yaml"], "nothing.yaml: No such file"),
        (["--fitness-weights", "throughput"], "'throughput' must be key:weight"),
        (["--fitness-weights", "thruput:1"], "thruput"),
    ],
)
def test_mistakes_are_one_line(more, part, fail, small_run):
    assert part in fail(*small_run, *more)


def test_wrong_files_are_named(fail, small: Path):
    (small / "bad.yaml").write_text("cluster:\n  instances: 1\n  instances: 2\n")
    assert "bad.yaml: line 3: duplicate key 'instances'" in fail("run", "--config", small / "bad.yaml")
    assert "no requests: give --requests" in fail("run", "--config", small / "scenario.yaml")
    assert "give alpha and beta, or the model" in fail("run", "--requests", small / "requests.csv")
    (small / "typo.yaml").write_text("clutser: {}\ninstance: {latency_model: {model: " + MODEL + "}}\n")
    assert "typo.yaml: unknown key 'clutser'" in fail(
        "run", "--config", small / "typo.yaml", "--requests", small / "requests.csv"
    )


def test_an_engine_by_its_name(run, fail, tmp_path):
    """Of two that come one after the other the second waits for a step more where batches are chosen ahead."""
    dump_yaml({"instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [1000, 0, 0]}}}, tmp_path / "scenario.yaml")
    columns = (
        "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,session_id"
    )
    (tmp_path / "requests.csv").write_text(f"{columns}\na,0,9,9,,0,,,\nb,500,9,1,,0,,,\n")
    given = ("run", "--config", tmp_path / "scenario.yaml", "--requests", tmp_path / "requests.csv")
    assert run(*given)[0]["ttft_max_ms"] == 1.5
    assert run(*given, "--engine", "vllm-0.8")[0]["ttft_max_ms"] == 1.5
    assert run(*given, "--engine", "vllm-2026")[0]["ttft_max_ms"] == 2.5
    assert "did you mean 'vllm-2026'?" in fail(*given, "--engine", "vllm-26")


def test_a_latency_model_that_is_faster_than_its_gpus_is_a_warning_unless_that_is_allowed(run, tmp_path):
    latency = {"kind": "linear", "parameters": {"fixed_us": 100}, "model": MODEL, "gpu": "H100", "tp": 1}
    dump_yaml({"instance": {"latency_model": latency}}, tmp_path / "fast.yaml")
    dump_yaml({"instance": {"latency_model": latency | {"allow_implausible": True}}}, tmp_path / "allowed.yaml")
    few = ("--num-requests", 5, "--rate", 9)
    found, err = run("run", "--config", tmp_path / "fast.yaml", *few)
    assert err.startswith("blis: warning: implausible: a step") and "1 x H100 at their peaks need" in err
    assert run("run", "--config", tmp_path / "allowed.yaml", *few) == (found, "")


def test_the_range_over_an_ensemble_is_told_and_one_member_of_it_can_be_run(run, tmp_path):
    latency = {"kind": "linear", "parameters": {"fixed_us": 9000, "prefill_us_token": 50}, "ensemble": 3}
    dump_yaml({"instance": {"latency_model": latency}}, tmp_path / "s.yaml")
    few = ("run", "--config", tmp_path / "s.yaml", "--num-requests", 20, "--rate", 9)
    ensemble = run(*few)[0]["ensemble"]
    alone = [run(*few, "--ensemble-member", number)[0]["e2e_mean_ms"] for number in range(3)]
    assert ensemble["members"] == 3 and ensemble["low_middle_high"]["e2e_mean_ms"] == sorted(alone)


@pytest.mark.parametrize(
    ("ensemble", "part"), [(3, r"must be in \[0, 2\], got 3"), (0, "needs latency_model.ensemble")]
)
def test_a_member_that_is_not_there(ensemble, part, tmp_path, capsys):
    latency = {"kind": "linear", "parameters": {"fixed_us": 9000}, "ensemble": ensemble}
    dump_yaml({"instance": {"latency_model": latency}}, tmp_path / "s.yaml")
    assert main(["run", "--config", str(tmp_path / "s.yaml"), "--num-requests", "5", "--ensemble-member", "3"]) == 2
    assert re.search(f"blis: error: --ensemble-member {part}", capsys.readouterr().err)
