from __future__ import annotations

from pathlib import Path

import pytest

from tests.blis.cli.commands import Command
from tests.places import ROOT

CLUSTER = ("run", "--config", ROOT / "conf/cluster/h100x4.yaml")
DRAWN = (*CLUSTER, "--workload-spec", "chat_prefix", "--num-requests", 1500)


@pytest.fixture
def blis(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def test_the_same_is_printed_and_written(blis, tmp_path: Path):
    more = ("--seed", 3, "--rate-scale", 1.5, "--warm-up", 5, "--fitness-weights", "throughput:1")
    whole = blis(*DRAWN, *more, "--results-path", tmp_path / "whole.csv")
    assert blis(*DRAWN, *more, "--results-path", tmp_path / "streamed.csv", "--stream") == whole
    assert (tmp_path / "streamed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--record", "a.jsonl"), "--record needs the whole run at hand; leave it or --stream out"),
        (("--trace-level", "decisions"), "--trace-level needs the whole run"),
        (("--counterfactual-k", 2), "--counterfactual-k needs the whole run"),
        (("--compat", "original"), "--compat needs the whole run"),
        (("--output", "original"), "--output needs the whole run"),
        (("--results-path", "a.json"), r"--results-path must end in .csv with --stream, got 'a.json'"),
        (("--max-model-len", 100), "--max-model-len is for requests that are held all at once"),
        (("--prefix-tokens", 100), "has its own lengths"),
    ],
)
def test_what_needs_the_whole_run_is_refused_by_name(blis, flags, words, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in blis.fails(*DRAWN, "--stream", *flags)


def test_conversations_are_refused_by_name(blis):
    error = blis.fails(*CLUSTER, "--workload-spec", "agentic", "--stream")
    assert "agentic.yaml" in error and "multi_turn: conversations cannot be drawn in chunks" in error


def test_instances_that_fail_are_refused_by_name(blis, tmp_path: Path):
    config = (ROOT / "conf/cluster/h100x4.yaml").read_text()
    failing = config.replace("cluster:", "cluster:\n  failures: {mtbf_us: 1000000, mttr_us: 1000}", 1)
    (tmp_path / "c.yaml").write_text(failing)
    error = blis.fails("run", "--config", tmp_path / "c.yaml", "--workload-spec", "chat_prefix", "--stream")
    assert "cluster.failures" in error and "streamed" in error


def test_the_originals_workloads_are_refused(blis):
    assert "--stream: requests are drawn from --workload-spec" in blis.fails(*CLUSTER, "--rate", 5, "--stream")


def test_without_a_flag_nothing_is_streamed(blis):
    out, err = blis(*DRAWN, "--trace-level", "none", "--stream")
    assert '"requests": 1500' in out and err == ""


def test_a_csv_of_requests_gives_the_same_too(blis, tmp_path: Path):
    blis("convert", "mixed_slo", tmp_path / "requests.csv", "--to", "requests", "--num-requests", 800)
    file = (*CLUSTER, "--requests", tmp_path / "requests.csv", "--rate-scale", 2)
    whole = blis(*file, "--results-path", tmp_path / "whole.csv")
    assert blis(*file, "--results-path", tmp_path / "streamed.csv", "--stream") == whole
    assert (tmp_path / "streamed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_other_traces_are_refused_by_the_name_of_their_format(blis, tmp_path: Path):
    (tmp_path / "azure.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:01:51.1630340,4808,10\n"
    )
    error = blis.fails(*CLUSTER, "--requests", tmp_path / "azure.csv", "--stream")
    assert "format 'azure' is read all at once" in error and "blis convert" in error
