"""`blis workload`: figures of a workload, and its picture."""

from __future__ import annotations

import json

import pytest

from blis.yaml_strict import dump_yaml
from tests.blis.cli.commands import Command
from tests.blis.workload.trace_files import write_mooncake
from tests.places import CONF

FOUR = CONF / "cluster/h100x4.yaml"


@pytest.fixture
def command(capsys):
    return Command(capsys)


def test_a_trace_in_figures(command, tmp_path):
    path = write_mooncake(tmp_path / "t.jsonl", [(0, 1024, 10, [1, 2]), (500, 1536, 20, [1, 2, 3])])
    found = json.loads(command("workload", path, "--output", "json", "--config", FOUR)[0])
    assert (found["requests"], found["span_s"], found["requests_per_s"]["mean"]) == (2, 0.5, 2.0)
    assert found["sharing"]["ideal_hit_rate"] == pytest.approx(64 / 160)
    load = found["load"]
    assert load["utilisation"] == pytest.approx(load["offered_per_s"] / load["served_per_s"])


def test_the_text_says_the_same_and_nothing_of_what_there_is_none(command, tmp_path):
    path = write_mooncake(tmp_path / "t.jsonl", [(0, 1024, 10, [1, 2]), (500, 1536, 20, [1, 2, 3])])
    out, _ = command("workload", path, "--config", FOUR)
    assert "requests       2\n" in out and "\nseconds        0.5\n" in out
    assert "\ngaps, ms       mean 500, p50 500, p90 500, p99 500, max 500, cv 0\n" in out
    assert "classes" not in out and "sessions" not in out
    assert "by 4 x meta-llama/llama-3.1-8b-instruct H100 TP 2" in out and "\nutilisation " in out


def test_a_named_workload_is_drawn_as_asked(command):
    one, other, same = (
        json.loads(command("workload", "rag", "--num-requests", 50, "--seed", seed, "--output", "json")[0])
        for seed in (1, 2, 1)
    )
    assert one == same != other
    assert one["requests"] == 50 and one["classes"]


def test_requests_of_one_instant_have_no_rate(command, tmp_path):
    path = write_mooncake(tmp_path / "t.jsonl", [(0, 10, 1, [1]), (0, 10, 1, [2])])
    out, _ = command("workload", path)
    assert "\noffered        all at once, or when" in out and "requests/s " not in out.split("offered")[0]


def test_a_picture_of_the_same_workload_is_the_same(command, tmp_path):
    for name in ("a.png", "b.png"):
        command("workload", "two_peaks", "--num-requests", 200, "--picture", tmp_path / name)
    data = (tmp_path / "a.png").read_bytes()
    assert data.startswith(b"\x89PNG") and data == (tmp_path / "b.png").read_bytes()


def test_mistakes_are_one_line(command, tmp_path):
    dump_yaml({"aggregate_rat": 1.0}, tmp_path / "w.yaml")
    assert "--picture must end in .png" in command.fails("workload", "rag", "--picture", "x.pdf")
    assert "--num-requests must be >= 1, got -1" in command.fails("workload", "rag", "--num-requests", "-1")
    assert "did you mean 'rag'?" in command.fails("workload", "ragg")
    assert "w.yaml: unknown key 'aggregate_rat'" in command.fails("workload", tmp_path / "w.yaml")


def test_gaps_of_a_closed_loop_are_called_what_they_are(command):
    out, _ = command("workload", "agentic", "--num-requests", 200)
    assert "\ngaps between starts, ms  mean " in out and "\ngaps, ms" not in out
