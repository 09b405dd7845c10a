"""`blis compose`: specifications merged, or refused in one line."""

from __future__ import annotations

import pytest

from blis.workload.source import load_workload
from tests.blis.cli.commands import Command
from tests.blis.workload.trace_files import write_mooncake
from tests.places import CONF


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


def test_two_named_workloads_are_one(command):
    out, _ = command("compose", "rag", "chatbot", "--out", "both.yaml")
    parts = [load_workload(CONF / f"workload/{name}.yaml") for name in ("rag", "chatbot")]
    whole = load_workload("both.yaml")
    assert whole.aggregate_rate == sum(part.aggregate_rate for part in parts)
    assert out == f"both.yaml: 2 senders, {whole.aggregate_rate:g} requests a second\n"
    assert command("validate", "both.yaml")[0].startswith("both.yaml: workload, valid: 1 clients and a population")
    assert "requests" in command("workload", "both.yaml", "--num-requests", 50)[0]


def test_parts_that_end_in_different_ways_end_together_if_that_is_said(command, tmp_path):
    text = (CONF / "workload/chatbot.yaml").read_text()
    (tmp_path / "hour.yaml").write_text(text.replace("num_requests: 4000\n", "horizon: 3600000000\n"))
    assert "num_requests" in command.fails("compose", "rag", "hour.yaml", "--out", "both.yaml")
    command("compose", "rag", "hour.yaml", "--out", "both.yaml", "--num-requests", 700)
    whole = load_workload("both.yaml")
    assert whole.num_requests == 700 and whole.horizon is None


def test_of_two_seeds_one_is_taken_and_that_is_said(command, tmp_path):
    for seed in (0, 3):
        text = (CONF / "workload/chatbot.yaml").read_text().replace("\nseed: 0\n", f"\nseed: {seed}\n")
        (tmp_path / f"s{seed}.yaml").write_text(text)
    out, _ = command("compose", "s3.yaml", "s0.yaml", "--out", "both.yaml")
    assert out.splitlines()[1:] == ["seed 3 for all, so that some draw other requests than alone: s0.yaml has 0"]
    assert load_workload("both.yaml").seed == 3


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        (("rag",), "give two specifications or more"),
        (("rag", "rag"), "named twice"),
        (("rag", "two_peaks"), "population: rag and two_peaks have one each"),
        (("rag", "t.jsonl"), "t.jsonl: is a trace"),
        (("rag", "chatbott"), "did you mean 'chatbot'?"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(command, tmp_path, sources, problem):
    write_mooncake(tmp_path / "t.jsonl", [(0, 10, 1, [1])])
    assert problem in command.fails("compose", *sources, "--out", "c.yaml")
    assert not (tmp_path / "c.yaml").exists()
