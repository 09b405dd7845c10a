"""`blis traces`: the list of public traces, and what a file holds."""

from __future__ import annotations

import pytest

from blis.cli.main import main
from blis.workload.read.known_traces import KNOWN_TRACES
from blis.yaml_strict import dump_yaml
from tests.blis.workload.trace_files import MOONCAKE_CONVERSATION, needs_samples, write_mooncake


def facts(output: str) -> dict[str, str]:
    return {key.strip(): value.strip() for key, _, value in (line.partition("  ") for line in output.splitlines())}


def test_the_list_says_where_each_trace_is(capsys):
    assert main(["traces"]) == 0
    output = capsys.readouterr().out
    for trace in KNOWN_TRACES:
        for text in (trace.name, trace.repository, trace.commit, trace.path, trace.licence, trace.sha256):
            assert text in output
    assert max(map(len, output.splitlines())) < 160


def test_a_file_is_described(tmp_path, capsys):
    path = write_mooncake(tmp_path / "t.jsonl", [(0, 1024, 10, [1, 2]), (2500, 1536, 20, [1, 2, 3])])
    assert main(["traces", "--check", str(path), "--block-size-in-tokens", "512"]) == 0
    found = facts(capsys.readouterr().out)
    assert found["file"] == str(path)
    assert found["known as"] == "not a known file"
    assert len(found["sha256"]) == 64
    assert (found["format"], found["rows"], found["time span"]) == ("mooncake", "2", "2.500 s")
    assert (found["mean input"], found["mean output"]) == ("1280.0 tokens", "15.0 tokens")
    assert found["ideal hit rate"] == "0.4000 of full prompt blocks of 512 tokens"


def test_what_was_done_to_a_file_is_said_and_what_it_leaves_open_can_be(tmp_path, capsys):
    path = write_mooncake(tmp_path / "t.jsonl", [(9, 100, 10, [1, 2, 3]), (8, 100, 20, [1, 4, 5])])
    assert main(["traces", "--check", str(path)]) == 2
    assert "say block_tokens=N in the workload" in capsys.readouterr().err
    assert main(["traces", "--check", str(path), "--block-tokens", "40", "--time-unit", "s", "--turns", "closed"]) == 0
    output = capsys.readouterr().out
    assert "note            the first request comes at 8 s: times count from there\n" in output
    assert "note            1 of 2 rows come before the row above: sorted by time\n" in output
    assert facts(output)["time span"] == "1.000 s"


@pytest.mark.parametrize(("factor", "unit"), [(0.001, "s"), (1000, "us")])
def test_a_file_in_another_unit_stops_though_its_arrivals_stand_together(tmp_path, capsys, factor, unit):
    path = write_mooncake(tmp_path / "t.jsonl", [(round(i // 9 * 3000 * factor), 512, 10, [i]) for i in range(90)])
    assert main(["traces", "--check", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"time_unit={unit}, else time_unit=ms" in error
    assert main(["traces", "--check", str(path), "--time-unit", unit]) == 0
    assert facts(capsys.readouterr().out)["time span"] == "27.000 s"


def test_the_load_is_always_said_and_that_of_a_scenario_if_there_is_one(tmp_path, capsys):
    path = write_mooncake(tmp_path / "t.jsonl", [(100 * i, 512, 10, [i]) for i in range(101)])
    assert main(["traces", "--check", str(path)]) == 0
    alone = facts(capsys.readouterr().out)
    deployment = {"model": "meta-llama/llama-3.1-8b-instruct", "gpu": "H100", "tp": 2}
    dump_yaml({"cluster": {"instances": 4}, "instance": {"latency_model": deployment}}, tmp_path / "four.yaml")
    assert main(["traces", "--check", str(path), "--config", str(tmp_path / "four.yaml")]) == 0
    four = facts(capsys.readouterr().out)
    assert alone["offered"] == four["offered"] == "10 requests/s"
    assert "1 x meta-llama/llama-3.1-8b-instruct H100 TP 2" in alone["served"] and "by 4 x" in four["served"]
    shares = [float(found["utilisation"].rstrip("%")) for found in (alone, four)]
    assert 10 < shares[0] < 100 and shares[1] == pytest.approx(shares[0] / 4, abs=0.1)


@needs_samples
def test_a_sample_is_recognised_and_so_is_the_trace_it_was_cut_from(tmp_path, capsys):
    assert main(["traces", "--check", str(MOONCAKE_CONVERSATION)]) == 0
    assert facts(capsys.readouterr().out)["known as"] == "mooncake-conversation, first 4000 lines"
    longer = tmp_path / "t.jsonl"
    lines = MOONCAKE_CONVERSATION.read_bytes()
    longer.write_bytes(lines + lines.splitlines()[-1] + b"\n")
    assert main(["traces", "--check", str(longer)]) == 0
    assert facts(capsys.readouterr().out)["known as"] == "mooncake-conversation, with more than the first 4000 lines"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--check", "missing.jsonl"], "missing.jsonl: No such file or directory"),
        (["--check", __file__], "is of no known format"),
        (["--check", __file__, "--format", "compact"], "line 1: columns 'arrived_at', 'num_prefill_tokens', 'num_d"),
        (["--check", __file__, "--format", "other"], "invalid choice: 'other'"),
        (["--check", __file__, "--block-size-in-tokens", "x"], "'x'"),
    ],
)
def test_mistakes_are_one_line_and_status_2(arguments, problem, capsys):
    assert main(["traces", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert problem in output.err and output.err.count("\n") == 1


@pytest.mark.parametrize("size", ["0", "99999999999999999999"])
def test_a_block_size_that_is_none_is_refused(tmp_path, capsys, size):
    path = write_mooncake(tmp_path / "t.jsonl", [(0, 10, 10, [1])])
    assert main(["traces", "--check", str(path), "--block-size-in-tokens", size]) == 2
    assert f"block_tokens must be in [1, 1.04858e+06], got {float(size):g}" in capsys.readouterr().err
