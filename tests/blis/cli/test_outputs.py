"""No command destroys what it reads, nor one of its outputs by another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blis.yaml_strict import dump_yaml
from tests.blis.cli.commands import Command
from tests.blis.workload.recorded.logs import trace
from tests.blis.workload.trace_files import write_mooncake

CLUSTER = {"instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [2000, 10, 5]}}}
TRAFFIC = {"workload": {"path": "in.jsonl", "format": "mooncake"}}
SPEC = {"aggregate_rate": 5, "num_requests": 3, "clients": [{"id": "a", "rate_fraction": 1}]}
RUN = ("run", "--config", "s.yaml")


@pytest.fixture
def command(capsys, tmp_path, monkeypatch) -> Command:
    """In a folder with a file of each kind that commands read."""
    monkeypatch.chdir(tmp_path)
    dump_yaml(CLUSTER, "s.yaml")
    dump_yaml(CLUSTER | TRAFFIC, "with_trace.yaml")
    dump_yaml(SPEC, "spec.yaml")
    dump_yaml({"routing": {"policy": "round-robin"}}, "b.yaml")
    write_mooncake(Path("in.jsonl"), [(9 * row, 10, 1 + row % 3, [row]) for row in range(60)])
    trace(tmp_path, {"request_id": 0}, {"request_id": 1})
    for name in ("t.meta.json", "t.timeseries.csv", "in.png", "serve.yaml", "other.yaml"):
        Path(name).write_text("{}")
    os.symlink("in.jsonl", "link.jsonl")
    return Command(capsys)


@pytest.mark.parametrize(
    ("arguments", "destroyed"),
    [
        ((*RUN, "--requests", "in.jsonl", "--record", "in.jsonl"), "in.jsonl"),
        ((*RUN, "--requests", "in.jsonl", "--record", "link.jsonl"), "link.jsonl"),
        ((*RUN, "--requests", "in.jsonl", "--trace-output", "./b/../in.jsonl"), "b/../in.jsonl"),
        ((*RUN, "--requests", "t.csv", "--results-path", "t.csv"), "t.csv"),
        ((*RUN, "--requests", "t.csv", "--record", "t.yaml"), "t.yaml"),
        ((*RUN, "--requests", "t.csv", "--results-path", "t.timeseries.csv"), "t.timeseries.csv"),
        ((*RUN, "--requests", "in.jsonl", "--trace-output", "t.meta.json", "--policy-config", "t.meta.json"),
         "t.meta.json"),
        (("run", "--config", "with_trace.yaml", "--record", "in.jsonl"), "in.jsonl"),
        (("run", "--config", "with_trace.yaml", "--record", "with_trace.yaml"), "with_trace.yaml"),
        ((*RUN, "--workload-spec", "spec.yaml", "--record", "spec.yaml"), "spec.yaml"),
        (("replay", "t.yaml", "--config", "s.yaml", "--results-path", "t.csv"), "t.csv"),
        (("replay", "t.csv", "--config", "s.yaml", "--record", "t.yaml"), "t.yaml"),
        (("convert", "in.jsonl", "in.jsonl", "--to", "mooncake"), "in.jsonl"),
        (("convert", "t.csv", "t.yaml", "--to", "trace-v2"), "t.yaml"),
        (("convert", "t.yaml", "t.csv", "--to", "requests"), "t.csv"),
        (("convert", "spec.yaml", "spec.yaml", "--to", "spec"), "spec.yaml"),
        (("compose", "spec.yaml", "other.yaml", "--out", "other.yaml"), "other.yaml"),
        (("profile", "t.csv", "--out", "t.yaml"), "t.yaml"),
        (("profile", "in.jsonl", "--policies", "b.yaml", "s.yaml", "--config", "s.yaml", "--out", "b.yaml"), "b.yaml"),
        (("workload", "in.png", "--picture", "in.png"), "in.png"),
        (("compare", "--config", "s.yaml", "--bundle", "in.png", "--bundle", "b", "--picture", "in.png"), "in.png"),
        (("calibrate", "in.png", "--picture", "in.png"), "in.png"),
        (("fit", "t.csv", "--out", "t.yaml"), "t.yaml"),
        (("export", "b.yaml", "--target", "vllm", "--out", "b.yaml"), "b.yaml"),
        (("import", "b.yaml", "--vllm", "serve.yaml", "--out", "serve.yaml"), "serve.yaml"),
    ],
)  # fmt: skip
def test_what_is_read_is_not_written_over(command, tmp_path, arguments, destroyed):
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert command.fails(*arguments) == f"blis: error: {destroyed}: would be written over by what is made of it\n"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("outputs", "twice"),
    [
        (("--results-path", "x.csv", "--record", "x.yaml"), "x.csv"),
        (("--record", "x.jsonl", "--trace-output", "x.jsonl"), "x.jsonl"),
        (("--results-path", "x.csv", "--trace-output", "y/../x.csv"), "y/../x.csv"),
    ],
)
def test_no_file_is_written_twice(command, outputs, twice):
    problem = command.fails(*RUN, "--requests", "in.jsonl", *outputs)
    assert problem.startswith(f"blis: error: {twice}: would be written twice")
    assert not Path("x.csv").exists() and not Path("x.jsonl").exists()


def test_names_that_are_only_alike_are_no_matter(command):
    """The scenario's name, a table of requests beside a file of another kind, and a device are free."""
    command(*RUN, "--requests", "in.jsonl", "--results-path", "s.csv", "--record", "in.yaml")
    command("convert", "in.jsonl", "other.csv", "--to", "requests")
    command(*RUN, "--requests", "other.csv", "--record", "s.jsonl", "--trace-output", "/dev/null")
    command("profile", "other.csv", "--out", "other.yaml")


def test_what_cannot_be_written_is_said_before_anything_is_read(command, capsys):
    from blis.cli.main import main

    assert main(["import", "missing.yaml", "--out", "s.yaml/out.yaml"]) == 1
    assert capsys.readouterr().err.startswith("blis: error: s.yaml/out.yaml: ")
