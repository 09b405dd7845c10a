"""`blis convert`: a workload in another format, read back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import blis
from tests.blis.cli.commands import Command
from tests.blis.cli.test_any_workload import servegen
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.places import CONF

COLUMNS = ("arrival_us", "input_tokens", "output_tokens", "uniform", "path_node", "path_end_token")


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


def test_what_is_drawn_is_written_as_it_would_be_run(command):
    out, err = command("convert", "rag", "r.csv", "--to", "requests", "--seed", 3, "--num-requests", 200)
    assert (out, err) == ("r.csv: requests, 200 requests\n", "")
    command("workload", "r.csv")
    drawn, again = blis.generate(CONF / "workload/rag.yaml", seed=3, n=200), blis.load_requests("r.csv")
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(again, name), getattr(drawn, name))


def test_hashes_are_as_many_as_a_prompt_starts_blocks(command):
    _, err = command("convert", "rag", "m.jsonl", "--to", "mooncake", "--drop", "classes,tenants", "--num-requests", 90)
    with open("m.jsonl") as stream:
        rows = [json.loads(line) for line in stream]
    assert all(len(row["hash_ids"]) == -(-row["input_length"] // 512) for row in rows)
    sizes = {
        (block, min(512, row["input_length"] - 512 * at)) for row in rows for at, block in enumerate(row["hash_ids"])
    }
    assert len(sizes) == len({block for block, _ in sizes})
    assert err.startswith("blis: m.jsonl: ") and "are rounded to ms\n" in err


def test_a_trace_goes_there_and_back(command, tmp_path):
    path = write_mooncake(tmp_path / "a.jsonl", random_mooncake_rows(seed=4, n=60))
    command("convert", path, "b.jsonl", "--to", "mooncake")
    for name in COLUMNS:
        np.testing.assert_array_equal(
            getattr(blis.load_requests("b.jsonl"), name), getattr(blis.load_requests(path), name)
        )
    command("convert", "b.jsonl", "v.yaml", "--to", "trace-v2", "--drop", "sharing")
    command("convert", "v.yaml", "r.csv", "--to", "requests")
    for name in ("arrival_us", "input_tokens", "output_tokens"):
        np.testing.assert_array_equal(
            getattr(blis.load_requests("r.csv"), name), getattr(blis.load_requests(path), name)
        )


def test_data_of_servegen_become_a_specification(command, tmp_path):
    folder = servegen(tmp_path / "data")
    out, _ = command("convert", folder, "s.yaml", "--to", "spec")
    assert out == "s.yaml: spec, 1 senders, 2 requests a second\n"
    drawn, again = blis.generate({"servegen_data": {"path": str(folder)}}, seed=1), blis.generate("s.yaml", seed=1)
    assert len(drawn) > 50
    np.testing.assert_array_equal(again.arrival_us, drawn.arrival_us)


def test_recorded_times_stand_for_turns_if_asked_for(command, tmp_path):
    row = {"input_length": 5, "output_length": 1, "session_id": "s"}
    lines = [json.dumps({"timestamp": time_ms, **row}) for time_ms in (0, 40, 90)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    problem = command.fails("convert", "t.jsonl", "r.csv", "--to", "requests", "--log", "error")
    assert "requests cannot say who waits for whose answer here: `blis run --record` writes the times" in problem
    command("convert", "t.jsonl", "r.csv", "--to", "requests", "--turns", "arrivals")
    assert blis.load_requests("r.csv").arrival_us.tolist() == [0, 40_000, 90_000]
    assert "--turns is for a recorded trace" in command.fails("workload", "rag", "--turns", "closed")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("rag", "r.json", "--to", "requests"), "--to requests writes a file that ends in .csv, got 'r.json'"),
        (("rag", "r.csv", "--to", "csv"), "invalid choice: 'csv'"),
        (("rag", "r.jsonl", "--to", "mooncake"), "--drop classes,tenants leaves that out"),
        (("rag", "r.csv", "--to", "requests", "--drop", "sharin"), "did you mean 'sharing'?"),
        (("rag", "s.yaml", "--to", "spec", "--seed", "3"), "--seed is for requests; --to spec writes none"),
        (("t.jsonl", "s.yaml", "--to", "spec"), "t.jsonl: a trace has requests; `blis profile` fits"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(command, tmp_path, arguments, problem):
    write_mooncake(tmp_path / "t.jsonl", [(0, 10, 1, [1])])
    assert problem in command.fails("convert", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["t.jsonl"]
