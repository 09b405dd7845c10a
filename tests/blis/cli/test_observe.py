"""`blis observe`: a server recorded, and what it recorded read by all that read recordings."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from blis.cli.main import main
from blis.observe import endpoint
from blis.yaml_strict import dump_yaml
from tests.blis.cli.commands import Command, rows
from tests.blis.observe.server import Asked, answers, served
from tests.blis.observe.test_endpoint import closed_port
from tests.places import ROOT

KEY = "sk-very-secret-0123456789"
SCENARIO = {"instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [2000, 10, 5]}}}
HEADER = (
    "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,session_id,round\n"
)
ROWS = (
    "a,0,100,5,sys,64,fast,t1,s,0\nb,5000,80,9,sys,64,slow,t1,,\nc,90000,70,3,sys,32,fast,t2,s,1\nd,95000,40,1,,0,,,,\n"
)


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """In a folder with requests and a scenario."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(endpoint, "_BACKOFF_S", 0.01)
    dump_yaml(SCENARIO, "scenario.yaml")
    Path("requests.csv").write_text(HEADER + ROWS)
    Path("one.csv").write_text(HEADER + ROWS.splitlines()[0])
    return Command(capsys)


@pytest.fixture
def server():
    with served(answers(first_s=0.03, gap_s=0.01)) as server:
        yield server


def to(server, *more: object) -> tuple[object, ...]:
    return ("observe", "--url", server.url, "--model", "m", "--workload", "requests.csv", *more)


def test_what_is_observed_can_be_replayed_calibrated_and_run(command, server):
    command(*to(server, "--record", "seen.yaml", "--chunks", "seen.jsonl"))
    found = {row["request_id"]: row for row in rows(Path("seen.csv"))}
    assert [found[name]["status"] for name in "0123"] == ["ok"] * 4
    assert [found[name]["input_tokens"] for name in "0123"] == ["100", "80", "70", "40"]
    assert [found[name]["prefix_length"] for name in "0123"] == ["64", "64", "32", "0"]
    assert int(found["2"]["arrival_time_us"]) - int(found["0"]["arrival_time_us"]) == 90_000
    assert len(Path("seen.jsonl").read_text().splitlines()) == 4

    out, _ = command("replay", "seen.yaml", "--config", "scenario.yaml", "--results-path", "replayed.csv")
    assert json.loads(out)["completed_requests"] == 4
    assert {row["input_tokens"] for row in rows(Path("replayed.csv"))} == {"100", "80", "70", "40"}
    out, _ = command("calibrate", "seen.yaml", "--config", "scenario.yaml", "--output", "json")
    found = json.loads(out)
    assert found["requests"]["matched"] == 4 and found["requests"]["token_mismatches"] == 0
    out, _ = command("run", "--requests", "seen.yaml", "--config", "scenario.yaml")
    assert json.loads(out)["completed_requests"] == 4
    out, _ = command("traces", "--check", "seen.csv")
    assert "trace-v2" in out


def test_several_servers_are_one_recording(command):
    with served(answers(first_s=0.5)) as server, served(answers(first_s=0.5)) as other:
        files = ("--record", "seen.yaml", "--chunks", "seen.jsonl", "--metrics", "seen.timeseries.csv")
        command(*to(server, "--url", other.url, *files, "--max-concurrency", 1))
    lines = [json.loads(line) for line in Path("seen.jsonl").read_text().splitlines()]
    assert [line["endpoint"] for line in lines] == [0, 1, 0, 1]
    out, _ = command("calibrate", "seen.yaml", "--config", "scenario.yaml", "--num-instances", 4, "--output", "json")
    instances = next(one for one in json.loads(out)["configuration"] if one["key"] == "instances")
    assert (instances["simulated"], instances["state"]) == ("4", "matched")  # two engines each


def test_turns_wait_for_their_answers(command, server):
    command(*to(server, "--record", "seen.yaml", "--turns", "closed"))
    first, third = (
        next(row for row in rows(Path("seen.csv")) if row["round_index"] == r and row["session_id"]) for r in "01"
    )
    assert int(third["arrival_time_us"]) > int(first["last_chunk_time_us"])


def test_figures_are_printed(command, server):
    out, _ = command(*to(server, "--slo", "fast=1/1", "--slo", "slow=100000", "--output", "json", "--warm-up", "2"))
    found = json.loads(out)
    assert found["requests"] == {"ok": 4, "error": 0, "timeout": 0, "not_sent": 0, "tried_again": 0, "warm_up": 2}
    assert found["good_requests"] == 2 and found["ttft_mean_ms"] >= 30 and found["itl_count"] == 4 + 8 + 2
    out, _ = command(*to(server, "--no-stream"))
    assert "e2e" in out and "ttft" not in out


def test_a_named_workload_is_drawn_as_fast_as_wanted(command, server):
    command(
        *("observe", "--url", server.url, "--model", "m", "--workload", "chatbot", "--num-requests", 6, "--seed", 3),
        *("--rate-scale", 100, "--record", "seen.yaml", "--api", "chat", "--max-concurrency", 4),
    )
    assert len(rows(Path("seen.csv"))) == 6
    assert {asked.path for asked in server.asked} == {"/v1/chat/completions"}


def test_a_key_comes_from_the_environment_and_goes_nowhere_else(command, monkeypatch, tmp_path):
    async def wrong_key(asked: Asked) -> None:
        if len(server.asked) <= 3:
            await answers()(asked)
        else:
            await asked.whole({"error": {"message": f"wrong key: {asked.headers['authorization']}"}}, 401)

    monkeypatch.setenv("MY_KEY", KEY)
    with served(wrong_key) as server:
        arguments = to(
            server, "--api-key-env", "MY_KEY", "--record", "seen.yaml", "--chunks", "seen.jsonl", "--log", "trace"
        )
        assert main([str(word) for word in arguments]) == 1
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    output = command._capsys.readouterr()
    assert "no request got a whole answer" in output.err and "HTTP 401: wrong key" in output.err
    for text in (output.out, output.err, *(path.read_text() for path in tmp_path.iterdir())):
        assert "very-secret" not in text and server.url not in text


def fails(capsys, *arguments: object) -> str:
    """A failure that is nobody's fault here: one line, status 1."""
    assert main([str(word) for word in arguments]) == 1
    output = capsys.readouterr()
    assert output.out == "" and output.err.count("\n") == 1
    return output.err


def test_a_server_that_is_not_there_is_one_line_and_status_1(command, capsys):
    url = f"http://127.0.0.1:{closed_port()}"
    said = fails(capsys, "observe", "--url", url, "--model", "m", "--workload", "one.csv", "--record", "seen.yaml")
    assert "error: the server at --url answers no request" in said and not Path("seen.yaml").exists()


def test_a_full_disk_is_one_line_and_status_1(command, server, capsys, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("blis.files.os.replace", full)
    assert "seen.csv: No space left on device" in fails(
        capsys, *to(server, "--workload", "one.csv", "--record", "seen.yaml")
    )


def test_a_server_that_dies_in_the_middle_leaves_a_row_for_everybody(command, capsys):
    async def dies(asked: Asked) -> None:
        if len(server.asked) == 5:
            asked.hang_up()
        else:
            await answers()(asked)

    with served(dies) as server:
        command(*to(server, "--record", "seen.yaml", "--retries", 0))
    statuses = [row["status"] for row in rows(Path("seen.csv"))]
    assert len(statuses) == 4 and statuses.count("ok") >= 2 and "error" in statuses


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--url", "http://me:pw@h:1"), "--url must have no user and no password"),
        (("--url", "localhost"), "--url must be http://HOST:PORT"),
        (("--timeout-s", 0), "--timeout-s must be > 0"),
        (("--retries", -1), "--retries"),
        (("--warm-up", -1), "--warm-up"),
        (("--max-concurrency", 0), "--max-concurrency"),
        (("--rate-scale", 0), "--rate-scale"),
        (("--num-requests", 0), "--num-requests"),
        (("--record", "seen.csv"), "--record must end in .yaml"),
        (("--metrics", "seen.json"), "--metrics must end in .csv"),
        (("--record", "seen.yaml", "--metrics", "seen.csv"), "seen.csv: would be written twice"),
        (("--chunks", "one.csv"), "one.csv: would be written over"),
        (("--slo", "fast=1", "--no-stream"), "--slo needs first tokens"),
        (("--slo", "fats=1"), "did you mean 'fast'?"),
        (("--slo", "fast"), "is no promise"),
        (("--api", "chats"), "invalid choice: 'chats'"),
        (("--api-key-env", "NO_SUCH_KEY"), "the environment has no variable 'NO_SUCH_KEY'"),
        (("--workload", "chatbott"), "did you mean 'chatbot'?"),
        (("--tokenizer", "tokenizer.json"), "tokenizer"),
        *(((flag, ""), f"{flag}: must not be empty") for flag in ("--model", "--url", "--workload", "--tokenizer")),
        *(((flag, ""), f"{flag}: must not be empty") for flag in ("--record", "--chunks", "--metrics")),
    ],
)
def test_mistakes_are_one_line(command, arguments, problem):
    given = ("observe", "--url", "http://127.0.0.1:1", "--model", "m", "--workload", "one.csv", *arguments)
    assert problem in command.fails(*given)


def test_ctrl_c_keeps_what_was_recorded(command, tmp_path):
    """In a process of its own, by the signal itself."""

    async def slow_after_the_first(asked: Asked) -> None:
        if len(server.asked) > 4:
            asked.head()
            await asked.send(asked.piece("x"))
            process.send_signal(signal.SIGINT)
            await asyncio.sleep(3600)
        await answers()(asked)

    with served(slow_after_the_first) as server:
        words = [
            str(word) for word in to(server, "--record", "seen.yaml", "--chunks", "seen.jsonl", "--max-concurrency", 1)
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "blis", *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in err
    assert "ok 1, error 3" in out
    found = {row["request_id"]: row["error_message"] for row in rows(tmp_path / "seen.csv")}
    assert sorted(found.values()) == ["", "interrupted", "not sent: interrupted", "not sent: interrupted"]
    assert len((tmp_path / "seen.jsonl").read_text().splitlines()) == 2
