"""Trace v2: header and rows, arrivals that were not recorded, prefix groups, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest

from blis.tables.network import Network
from blis.workload.content.reuse import seen_tokens
from blis.workload.recorded.recording import Server
from blis.workload.recorded.trace_v2 import COLUMNS, load_replay, load_trace_v2
from tests.blis.workload.recorded.logs import CELLS, HEADER, refused, trace

SENT = 1_700_000_000_000_000


def at(number: int, **cells: object) -> dict[str, object]:
    """A request that was sent so many times 50 µs after the first, and answered 100 µs later."""
    sent = SENT + 50 * number
    times = {"send_time_us": sent, "first_chunk_time_us": sent + 100, "last_chunk_time_us": sent + 300}
    return {"request_id": number, **times, **cells}


def test_header_and_rows(tmp_path: Path):
    path = trace(
        tmp_path, at(1, slo_class="fast", tenant_id="t"), at(0), at(2, status="timeout", first_chunk_time_us=0)
    )
    for given in (path, path.with_suffix(".yaml")):
        found = load_trace_v2(given)
        assert found.requests.request_ids == ("0", "1") and found.failed == 1
        assert found.requests.arrival_us.tolist() == [0, 50]
        assert found.ttft_us.tolist() == [100, 100] and found.tpot_us.tolist() == [100, 100]
        assert found.warm_up.tolist() == [True, False] and found.client_side
        assert found.server == Server(model="org/model", tp=2, max_running=64, block_size_tokens=32, max_model_len=5000)
        assert found.network == Network(rtt_us=1500)
        assert [found.requests.slo_names[number] for number in found.requests.slo_class] == ["", "fast"]


def test_requests_arrive_when_they_were_sent(tmp_path: Path):
    """Latencies count from there; an observer that never wrote arrivals is no different."""
    rows = [at(0, arrival_time_us=1000), at(1, arrival_time_us=1010)]
    found = load_trace_v2(trace(tmp_path, *rows))
    assert found.requests.arrival_us.tolist() == [0, 50]
    assert found.notes == ("requests were sent up to 0.0 ms late; latencies count from when they were sent",)
    assert load_trace_v2(trace(tmp_path, at(0), at(1))).notes == ()


def test_a_prefix_length_is_a_part_of_the_input(tmp_path: Path):
    rows = [at(number, prefix_group="g", prefix_length=4) for number in range(2)]
    found = load_trace_v2(trace(tmp_path, *rows, columns=(*COLUMNS, "prefix_length")))
    table = found.requests
    assert table.input_tokens.tolist() == [10, 10]
    first = table.path_node[table.path_offset[:-1]]
    assert first[0] == first[1] and table.path_end_token[0] == 4
    without = load_trace_v2(trace(tmp_path, *[at(number, prefix_group="g") for number in range(2)]))
    assert without.notes == ("prefix groups without prefix_length: taken to share nothing",)


def test_who_got_no_token_and_whose_times_are_not_in_order_is_left_out_and_counted(tmp_path: Path):
    rows = [at(0), at(1, output_tokens=0), at(2, status="error"), at(3, first_chunk_time_us=SENT)]
    found = load_trace_v2(trace(tmp_path, *rows))
    assert (len(found), found.failed, found.invalid) == (1, 2, 1)
    assert found.notes == (
        "2 requests got no answer and are left out, '1' first",
        "1 requests have times that are not in order and are left out, '3' first",
    )


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"request_id": "one"}, "line 2: column request_id: 'one' is not a whole number"),
        ({"send_time_us": "1.7e15"}, "line 2: column send_time_us: '1.7e15' is not a whole number"),
        ({"last_chunk_time_us": -1}, "line 2: column last_chunk_time_us: '-1' must be >= 0"),
        ({"last_chunk_time_us": 2**63}, "line 2: column last_chunk_time_us"),
        ({"input_tokens": 0}, "line 2: column input_tokens: '0' must be >= 1"),
        ({"input_tokens": 10**10}, "line 2: column input_tokens: '10000000000' must be <="),
        ({"output_tokens": ""}, "line 2: column output_tokens: '' is not a whole number"),
        ({"status": "OK"}, "line 2: column status: 'OK' is none of ok, error, timeout"),
        ({"status": "error"}, "no request was answered"),
        ({"first_chunk_time_us": 0}, "no request was answered, with its times in order"),
        ({"error_message": "a,b"}, "line 2: 23 columns, but the header has 22"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(tmp_path: Path, cells, said):
    refused(load_trace_v2, trace(tmp_path, at(0) | cells), said)


def test_ids_and_columns(tmp_path: Path):
    refused(load_trace_v2, trace(tmp_path, at(5), at(5)), "line 3: column request_id: '5' is already in line 2")
    refused(load_trace_v2, trace(tmp_path, at(0), columns=COLUMNS[:-1]), "column 'error_message' is missing")
    more = trace(tmp_path, at(0, more=1), columns=(*COLUMNS, "more"))
    refused(load_trace_v2, more, "line 1: unknown column 'more'")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("trace_version: 2", "trace_version: 1", "trace_version must be 2, got 1"),
        ("microseconds", "ms", "time_unit must be microseconds, got 'ms'"),
        ("mode: real\n", "", "mode"),
        ("warm_up_requests: 1", "warm_up_requests: -1", "warm_up_requests must be"),
        ("warm_up_requests: 1", "warm_up_requests: some", "warm_up_requests"),
        ("mode: real", "mode: real\nmood: good", "mood"),
        ("tensor_parallel: 2", "tensor_parallel: -2", "server.tensor_parallel must be"),
        ("tensor_parallel: 2", "tp: 2", "tp"),
        ("1.5", "-1", "network.measured_rtt_ms must be"),
        ("1.5", ".nan", "measured_rtt_ms"),
        ("{type", "[type", "t.yaml"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, old, new, said):
    refused(load_trace_v2, trace(tmp_path, at(0), header=HEADER.replace(old, new)), said)


def test_a_missing_half_is_named(tmp_path: Path):
    path = trace(tmp_path, at(0))
    path.with_suffix(".yaml").unlink()
    refused(load_trace_v2, path, "the header of the trace, t.yaml, is missing beside it")
    path = trace(tmp_path, at(0))
    path.unlink()
    refused(load_trace_v2, path, "the rows of the trace, t.csv, are missing beside its header")


def test_every_column_has_a_cell():
    assert set(CELLS) == set(COLUMNS)


def test_an_answer_in_one_piece_does_not_say_when_its_first_token_came(tmp_path: Path):
    found = load_trace_v2(trace(tmp_path, at(0), at(1, streaming="false")))
    assert found.streamed.tolist() == [True, False]
    assert "1 answers were not streamed: of them only the end is known, no first token" in found.notes


def test_a_replay_sends_what_arrived_and_was_answered(tmp_path: Path):
    """A shared prefix is a part of the input, failures and warm-up are left out, and both are said."""
    rows = [
        at(1, arrival_time_us=5000, prefix_group="g", prefix_length=4, session_id="s", slo_class="fast"),
        at(2, arrival_time_us=4000, prefix_group="g", prefix_length=4, output_tokens=0),
        at(3, arrival_time_us=9000, session_id="s"),
        at(0, arrival_time_us=1000),
        at(4, arrival_time_us=9000, status="error"),
    ]
    rows = [{"prefix_length": "", **row} for row in rows]
    table = load_replay(trace(tmp_path, *rows, columns=(*COLUMNS, "prefix_length")))
    assert table.request_ids == ("request_2", "request_1", "request_3")
    assert table.arrival_us.tolist() == [0, 1000, -1] and table.input_tokens.tolist() == [10, 10, 10]
    assert seen_tokens(table).tolist() == [0, 4, 0]
    assert table.predecessor.tolist() == [-1, -1, 1] and table.think_us.tolist() == [0, 0, 4000 - 300]
    assert table.session.tolist() == [-1, 0, 0] and table.round.tolist() == [0, 0, 1]
    assert [table.slo_names[number] for number in table.slo_class] == ["", "fast", ""]
    assert table.notes[0] == "2 of 5 rows failed, or were there to warm the server up: left out"


def test_a_replay_of_an_observer_that_wrote_no_arrivals_sends_when_it_sent(tmp_path: Path):
    table = load_replay(trace(tmp_path, at(1), at(2), at(4)))
    assert table.arrival_us.tolist() == [0, 50, 150]
    assert table.notes[0] == "no arrivals are recorded: requests come when they were sent"


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_either_file_may_be_packed(tmp_path: Path, ending: str):
    path = trace(tmp_path, at(1), at(2))
    codec = {".gz": "gzip", ".zst": "zstd"}[ending]
    for part in (path, path.with_suffix(".yaml")):
        packed = part.with_name(part.name + ending)
        packed.write_bytes(pyarrow.compress(part.read_bytes(), codec=codec, asbytes=True))
        part.unlink()
        assert len(load_trace_v2(packed)) == 2


@pytest.mark.parametrize("load", [load_trace_v2, load_replay])
def test_a_request_that_is_there_twice_is_named_with_its_lines(tmp_path: Path, load):
    path = trace(tmp_path, {"request_id": 1}, {"request_id": 2}, {"request_id": 1})
    refused(load, path, "line 4: column request_id: '1' is already in line 2")


def test_what_the_server_said_of_itself_stands_beside_it(tmp_path):
    path = trace(tmp_path, at(0), at(1))
    assert load_trace_v2(path).timeline is None
    (tmp_path / "t.timeseries.csv").write_text("t,running,waiting,kv_cache_pct\n0.5,3,1,25\n")
    (moment,) = load_trace_v2(path).timeline.tolist()
    assert moment == (500_000, 3.0, 1.0, 0.25, 0)
