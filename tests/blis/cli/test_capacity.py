"""`blis capacity`: the command finds what its library finds, and refuses what cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.scenario import load_scenario
from blis.sizing.sizing import Promise, Sizing
from blis.workload.draw.spec import load_spec
from blis.yaml_strict import dump_yaml, load_mapping
from tests.blis.cli.commands import Command
from tests.blis.cli.test_run import WORKLOAD
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake


@pytest.fixture
def files(small: Path) -> tuple[str, ...]:
    """Flags that name a scenario, a policy and a workload."""
    dump_yaml({"routing": {"policy": "least-loaded"}}, small / "policy.yaml")
    dump_yaml({**WORKLOAD, "num_requests": 60}, small / "chat.yaml")
    named = {"config": "scenario", "policy-config": "policy", "workload-spec": "chat"}
    return tuple(f"--{flag}={small / name}.yaml" for flag, name in named.items())


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def test_json_is_what_the_library_finds(command: Command, files: tuple[str, ...], small: Path):
    asked = ("--seeds", 2, "--seed", 5, "--slo", "default=50/30", "--target", 0.9, "--instances", "1:4", "--rate", 30)
    out, said = command("capacity", *files, *asked, "--output", "json")
    found = json.loads(out)
    scenario = load_scenario(small / "scenario.yaml")
    assert (said, found["tables"], found["target"]) == ("", 2, 0.9)
    assert found["promises"] == {"default": {"ttft_ms": 50.0, "tpot_ms": 30.0}}
    assert (found["now"]["instances"], found["now"]["rate"]) == (scenario.cluster.instances, 30.0)
    spec = load_spec({**load_mapping(small / "chat.yaml"), "aggregate_rate": 30.0})
    routing = {**load_mapping(small / "scenario.yaml")["cluster"], "routing": {"policy": "least-loaded"}}
    routed = load_scenario({**load_mapping(small / "scenario.yaml"), "cluster": routing})
    sizing = Sizing(routed, spec, (5, 6), 0.9, {"default": Promise(50.0, 30.0)})
    assert found["now"]["share"] == sizing.now()[0]
    assert tuple(found["least_instances"]["by_table"]) == sizing.least_instances(1, 4).by_table
    assert found["highest_rate"]["mean"] == sizing.highest_rate().mean
    assert found["latency_model"]["state"]


def test_text_has_both_numbers(command: Command, files: tuple[str, ...]):
    out, _ = command("capacity", *files, "--seeds", 2)
    assert out.startswith("95 % of the requests in time (default: TTFT 1000 ms); 2 tables")
    assert "least instances at " in out and "highest rate with " in out


def test_a_trace_and_a_workload_in_the_scenarios_file(command: Command, small: Path):
    path = write_mooncake(small / "trace.jsonl", random_mooncake_rows(seed=8, n=60, gap_ms=100))
    scenario = load_mapping(small / "scenario.yaml")
    dump_yaml({**scenario, "workload": {"path": str(path)}}, small / "with.yaml")
    out, _ = command("capacity", "--config", small / "with.yaml")
    assert "one table, no interval" in out
    for flag in ("--rate", "--num-requests", "--seeds"):
        said = command.fails("capacity", "--config", small / "with.yaml", flag, 2)
        assert f"{flag} is for drawn requests" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "1.5"], "--target must be in (0, 1], got 1.5"),
        (["--slo", "critical"], "'critical' is no promise; write CLASS=TTFT or CLASS=TTFT/TPOT, in ms"),
        (["--slo", "critical=-1"], "'critical=-1': a promise must be in [0.001, 1e+09] ms"),
        (["--slo", "defualt=100"], "'defualt'"),
        (["--instances", "4"], "'4' is no range; write LEAST:MOST, as in 1:16"),
        (["--instances", "4:2"], "'4:2': a range must have 1 <= LEAST <= MOST <= 1024"),
        (["--seeds", "0"], "--seeds"),
        (["--rate", "-3"], "aggregate_rate"),
    ],
)
def test_what_cannot_be_asked(command: Command, files: tuple[str, ...], arguments: list[str], said: str):
    assert said in command.fails("capacity", *files, *arguments)


def test_requests_must_come_from_somewhere(command: Command, small: Path):
    said = command.fails("capacity", "--config", small / "scenario.yaml")
    assert "no requests: give --workload-spec, or a --config that holds a workload" in said


def test_besides_those_that_only_prefill_one_generates(command: Command, files: tuple[str, ...], small: Path):
    cluster = {"instances": 3, "disaggregation": {"prefill_instances": 1}, "kv_transfer": {"bytes_per_token": 1000}}
    dump_yaml({**load_mapping(small / "scenario.yaml"), "cluster": cluster}, small / "scenario.yaml")
    out, _ = command("capacity", *files, "--seeds", 2, "--output", "json")
    assert json.loads(out)["least_instances"]["tried"] == [2, 17]
