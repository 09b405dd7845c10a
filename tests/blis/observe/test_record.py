"""What was seen, in files that others read."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from blis.errors import EngineError
from blis.observe.record import save_chunks, save_observed
from blis.workload.recorded.trace_v2 import load_replay, load_trace_v2
from blis.yaml_strict import load_mapping
from tests.blis.cli.commands import rows
from tests.blis.observe.seens import MS, SEEN, START_US, observed


def test_a_recording_has_the_times_that_were_seen(tmp_path):
    assert save_observed(tmp_path / "seen.yaml", observed())
    found = load_trace_v2(tmp_path / "seen.yaml")
    assert found.failed == 3 and len(found) == 2
    np.testing.assert_array_equal(found.ttft_us, [30 * MS, 50 * MS])
    np.testing.assert_array_equal(found.e2e_us, [70 * MS, 90 * MS])
    assert found.requests.input_tokens.tolist() == [40, 41] and found.requests.output_tokens.tolist() == [4, 5]
    assert found.requests.tree.n_shared == 1  # what both begin with
    assert found.server.model == "m" and found.client_side


def test_every_request_has_a_row(tmp_path):
    save_observed(tmp_path / "seen.yaml", observed())
    found = rows(tmp_path / "seen.csv")
    assert [row["status"] for row in found] == ["ok", "ok", "error", "timeout", "error"]
    assert [row["error_message"] for row in found] == ["", "", "broke, off", "too late", "not sent: interrupted"]
    assert [row["num_chunks"] for row in found] == ["4", "2", "1", "0", "0"]
    assert [int(row["arrival_time_us"]) for row in found] == [START_US + due * MS for due in (0, 100, 200, 300, 400)]
    assert [int(row["send_time_us"]) - START_US for row in found[1:]] == [120 * MS, 201 * MS, 300 * MS, 400 * MS]


def test_what_was_in_the_cache_is_found_there_again(tmp_path):
    seen = (replace(SEEN[0], cached_tokens=0), replace(SEEN[1], cached_tokens=16))
    save_observed(tmp_path / "seen.yaml", observed(seen))
    assert [row["cached_tokens"] for row in rows(tmp_path / "seen.csv")] == ["0", "16"]
    tree = load_trace_v2(tmp_path / "seen.yaml").requests.tree
    assert (tree.end_token - tree.start_token)[tree.shared >= 0].tolist() == [16]
    save_observed(tmp_path / "silent.yaml", observed())
    assert "cached_tokens" not in rows(tmp_path / "silent.csv")[0]


def test_a_replay_has_the_arrivals_of_what_was_answered(tmp_path):
    save_observed(tmp_path / "seen.yaml", observed())
    assert load_replay(tmp_path / "seen.yaml").arrival_us.tolist() == [0, 100 * MS]


def test_a_warm_up_is_counted_and_takes_nobody_away(tmp_path):
    save_observed(tmp_path / "seen.yaml", observed(warmed_up=2))
    header = load_mapping(tmp_path / "seen.yaml")
    assert header["warm_up_requests"] == 2 and header["mode"] == "real" and header["workload_spec"] == "w.yaml"
    assert header["created_at"] == "2027-01-15T08:00:00+00:00"
    found = load_trace_v2(tmp_path / "seen.yaml")
    assert not found.warm_up.any() and found.requests.request_ids == ("2", "3")


@pytest.mark.parametrize("rtt_us", [0, 250])
def test_the_way_there_and_back_is_kept_if_it_is_known(tmp_path, rtt_us):
    save_observed(tmp_path / "seen.yaml", replace(observed(), rtt_us=rtt_us))
    assert load_trace_v2(tmp_path / "seen.yaml").network.rtt_us == rtt_us


def test_answers_in_one_piece_have_no_first_token(tmp_path):
    save_observed(tmp_path / "seen.yaml", observed(streamed=False))
    assert not load_trace_v2(tmp_path / "seen.yaml").streamed.any()


def test_chunks_of_whoever_was_sent(tmp_path):
    save_chunks(tmp_path / "chunks.jsonl", observed(warmed_up=1))
    found = [json.loads(line) for line in (tmp_path / "chunks.jsonl").read_text().splitlines()]
    assert [line["request_id"] for line in found] == [1, 2, 3, 4]
    assert found[0] == {
        "request_id": 1,
        "endpoint": 0,
        "status": "ok",
        "output_tokens": 4,
        "send_time_us": START_US,
        "chunk_times_us": [START_US + ms * MS for ms in (30, 40, 50, 70)],
    }
    assert found[3]["chunk_times_us"] == list(SEEN[3].chunk_us)


def test_a_full_disk_is_an_error_in_one_line(monkeypatch, tmp_path):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("blis.files.os.replace", full)
    with pytest.raises(EngineError, match=r"seen\.csv: No space left on device"):
        save_observed(tmp_path / "seen.yaml", observed())
    assert list(tmp_path.iterdir()) == []
