"""Sessions of agents: who waits for whom, what prompts share, and one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blis.errors import InputError
from blis.workload.content.reuse import seen_tokens
from blis.workload.read.agentic import load_agentic
from blis.workload.read.trace_formats import detect_format
from tests.places import TRACES

AGENTIC = TRACES / "agentic"


def step(t: float, tokens: int, ids: list[int], **more: Any) -> dict[str, Any]:
    """A request so many s after the session began; its answer takes 2 s unless it is said otherwise."""
    return {"t": t, "type": "n", "in": tokens, "out": 7, "hash_ids": ids, "api_time": 2.0, **more}


def session(path: Path, *steps: dict[str, Any], **above: Any) -> Path:
    row = {"id": path.stem, "block_size": 64, "hash_id_scope": "local", "tool_tokens": 9, "requests": steps, **above}
    path.write_text(json.dumps(row))
    return path


def test_turns_wait_for_the_answer_and_think(tmp_path):
    path = session(
        tmp_path / "s.json", step(0, 100, [1]), step(5, 200, [1, 2, 3], think_time=4.5), step(9, 256, [1, 2, 3, 4])
    )
    assert detect_format(path) == "agentic"
    table = load_agentic(path)
    assert table.arrival_us.tolist() == [0, -1, -1] and table.predecessor.tolist() == [-1, 0, 1]
    assert table.think_us.tolist() == [0, 4_500_000, 2_000_000]
    assert table.request_ids == ("s/0", "s/1", "s/2") and table.round.tolist() == [0, 1, 2]


def test_only_complete_blocks_are_shared(tmp_path):
    path = session(tmp_path / "s.json", step(0, 100, [1]), step(5, 127, [1]), step(9, 128, [1, 2]))
    assert seen_tokens(load_agentic(path)).tolist() == [0, 64, 64]


def test_who_got_no_answer_releases_nobody(tmp_path):
    steps = [step(0, 64, [1]), step(5, 64, [1], api_time=None), step(6, 64, [1]), step(9, 64, [1])]
    table = load_agentic(session(tmp_path / "s.json", *steps))
    assert table.predecessor.tolist() == [-1, 0, 0, 2]
    assert table.think_us.tolist() == [0, 3_000_000, 4_000_000, 1_000_000]


def test_who_comes_before_any_answer_opens(tmp_path):
    table = load_agentic(session(tmp_path / "s.json", step(0, 64, [1]), step(0.5, 64, [1]), step(9, 64, [1])))
    assert table.arrival_us.tolist() == [0, 500_000, -1] and table.predecessor.tolist() == [-1, -1, 1]


@pytest.mark.parametrize("shift", [0, 10])  # of a sub-agent's times: its own clock or the session's
def test_sub_agents_begin_after_their_caller_who_waits_for_the_last(tmp_path, shift):
    nested = {"t": 10, "type": "subagent", "requests": [step(shift, 64, [9]), step(shift + 4, 128, [9, 8])]}
    table = load_agentic(session(tmp_path / "s.json", step(0, 64, [1]), nested, step(20, 64, [1])))
    assert table.predecessor.tolist() == [-1, 0, 1, 2]
    assert table.think_us.tolist() == [0, 8_000_000, 2_000_000, 4_000_000]


@pytest.mark.parametrize(("scope", "seen"), [("local", 0), ("global", 64)])
def test_hashes_are_a_files_own_unless_it_says_otherwise(tmp_path, scope, seen):
    for name in ("a", "b"):
        session(tmp_path / f"{name}.json", step(0, 100, [1]), step(5, 100, [1]), hash_id_scope=scope)
    table = load_agentic(tmp_path)
    assert detect_format(tmp_path) == "agentic"
    assert table.request_ids == ("a/0", "a/1", "b/0", "b/1")
    assert seen_tokens(table).tolist() == [0, 64, seen, 64]
    assert table.notes[0] == "2 sessions, all of which begin at 0: when they began is not recorded"


def test_a_line_may_be_a_session(tmp_path):
    texts = [session(tmp_path / f"{name}.json", step(0, 100, [1])).read_text() for name in "ab"]
    (tmp_path / "all.jsonl").write_text("\n".join(texts))
    assert load_agentic(tmp_path / "all.jsonl").request_ids == ("a/0", "b/0")


def test_recorded_times_instead_of_a_loop(tmp_path):
    table = load_agentic(session(tmp_path / "s.json", step(0, 100, [1]), step(5, 200, [1])), "arrivals")
    assert table.arrival_us.tolist() == [0, 5_000_000]


@pytest.mark.parametrize(
    ("steps", "above", "problem"),
    [
        ([], {}, "a session with a list of requests is expected"),
        ([step(0, 64, [1])], {"block_size": 0}, "block_size: 0 is not a whole number of tokens >= 1"),
        ([step(-1, 64, [1])], {}, "s: requests: item 0: t: -1 is not a time in s >= 0"),
        ([step(0, 64, [1]), step(1, 64, [1], api_time="x")], {}, "s: requests: item 1: api_time: 'x' is not a time"),
        (
            [step(0, 63, [1])],
            {},
            r"s: requests: item 0: column hash_ids: \[1\] are more than the complete blocks",
        ),
        ([step(0, 0, [])], {}, "s: requests: item 0: column in: 0 is not a whole number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, steps, above, problem):
    with pytest.raises(InputError, match=problem):
        load_agentic(session(tmp_path / "s.json", *steps, **above))


def test_sessions_of_different_blocks_are_refused(tmp_path):
    session(tmp_path / "a.json", step(0, 100, [1]))
    session(tmp_path / "b.json", step(0, 100, [1]), block_size=32)
    with pytest.raises(InputError, match="sessions with blocks of 32 and 64 tokens"):
        load_agentic(tmp_path)


def test_a_folder_of_servegen_is_no_trace(tmp_path):
    (tmp_path / "chunk-1-trace.csv").write_text("0,1.0,1.0,Gamma,1,1\n")
    (tmp_path / "chunk-1-dataset.json").write_text("{}")
    with pytest.raises(InputError, match="ServeGen says rates, not requests"):
        detect_format(tmp_path)


def test_a_folder_without_sessions_is_refused(tmp_path):
    with pytest.raises(InputError, match="a folder without JSON files"):
        detect_format(tmp_path)


@pytest.mark.skipif(not AGENTIC.is_dir(), reason="the trace samples are not on this machine")
def test_the_samples_hold_as_many_requests_and_tokens_as_they_say():
    table = load_agentic(AGENTIC)
    said = [json.loads(file.read_text())["totals"]["parent_tokens"] for file in sorted(AGENTIC.glob("*.json"))]
    assert table.input_tokens.sum() == sum(totals["input"] for totals in said)
    assert table.output_tokens.sum() == sum(totals["output"] for totals in said)
    assert (table.predecessor < 0).sum() == len(said)


@pytest.mark.parametrize("packed", [False, True])
def test_a_session_that_is_there_twice_is_named_with_both_files(tmp_path, packed):
    session(tmp_path / "a.json", step(0, 64, [1]), id="s")
    session(tmp_path / ("b.json.gz" if packed else "b.json"), step(0, 64, [1]), id="s")
    with pytest.raises(InputError) as found:
        load_agentic(tmp_path)
    assert str(found.value) == f"{max(tmp_path.iterdir())}: session 's' is already in {tmp_path / 'a.json'}"


def test_a_session_that_is_in_a_file_twice_is_named_with_both_lines(tmp_path):
    line = session(tmp_path / "s.json", step(0, 64, [1])).read_text()
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join([line] * 2))
    with pytest.raises(InputError, match=r"all.jsonl: line 2: session 's' is already in .*all.jsonl: line 1"):
        load_agentic(path)
