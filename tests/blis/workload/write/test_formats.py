"""What each format can say, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

import blis
from blis.errors import InputError
from blis.workload.write.formats import save_as
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.blis.workload.write.test_requests import client, drawn

PLAIN = {"tenant_id": "", "slo_class": ""}
LOOP = """\
{"timestamp": 0, "input_length": 600, "output_length": 9, "hash_ids": [1, 2], "session_id": "s"}
{"timestamp": 50, "input_length": 512, "output_length": 9, "hash_ids": [1]}
{"delay": 70, "input_length": 1100, "output_length": 9, "hash_ids": [1, 3, 4], "session_id": "s"}
{"timestamp": 90, "input_length": 5, "output_length": 9, "hash_ids": [5], "session_id": "t"}
{"delay": 3, "input_length": 5, "output_length": 9, "hash_ids": [6], "session_id": "t"}
"""


@pytest.mark.parametrize(
    ("name", "clients", "problem"),
    [
        ("mooncake", [client("a")], "mooncake cannot say classes, tenants; --drop classes,tenants leaves that out"),
        ("trace-v2", [client("a", requires={"gpu": "H100"})], "trace-v2 cannot say labels of instances; --drop labels"),
        ("trace-v2", [client("a", adapters={"count": 2})], "trace-v2 cannot say LoRA adapters; --drop adapters"),
        ("requests", [client("a", network={"rtt_ms": 4})], "requests cannot say networks of clients; --drop networks"),
    ],
)
def test_what_a_format_cannot_say_is_refused_unless_it_may_be_left_out(tmp_path, name, clients, problem):
    path = str(tmp_path / "x.yaml")
    with pytest.raises(InputError) as info:
        save_as(name, path, drawn(*clients))
    assert str(info.value).startswith(problem) and list(tmp_path.iterdir()) == []
    save_as(name, path, drawn(*clients), problem.split("--drop ")[1].split()[0].split(","))
    assert list(tmp_path.iterdir())


def test_what_a_format_can_say_is_not_dropped(tmp_path):
    with pytest.raises(InputError, match="unknown part that requests cannot say 'classes'"):
        save_as("requests", str(tmp_path / "x.csv"), drawn(client("a")), ["classes"])


@pytest.mark.parametrize("name", ["requests", "trace-v2"])
def test_sharing_that_parts_is_for_hashes(tmp_path, name):
    table = blis.load_requests(write_mooncake(tmp_path / "t.jsonl", random_mooncake_rows(1, 60)))
    with pytest.raises(InputError, match=f"{name} cannot say sharing behind the common beginning of prompts; --drop s"):
        save_as(name, str(tmp_path / "x"), table)
    save_as(name, str(tmp_path / "x.yaml"), table, ["sharing"])


def test_who_waits_for_whom_is_read_back_equal(tmp_path):
    (tmp_path / "t.jsonl").write_text(LOOP)
    table = blis.load_requests(tmp_path / "t.jsonl")
    assert table.closed and save_as("mooncake", str(tmp_path / "u.jsonl"), table) == []
    again = blis.load_requests(tmp_path / "u.jsonl")
    for name in ("arrival_us", "predecessor", "think_us", "input_tokens", "session", "path_node", "path_end_token"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))


@pytest.mark.parametrize("name", ["requests", "trace-v2"])
def test_who_waits_has_no_arrival_to_write(tmp_path, name):
    (tmp_path / "t.jsonl").write_text(LOOP)
    with pytest.raises(InputError, match="cannot say who waits for whose answer here"):
        save_as(name, str(tmp_path / "x"), blis.load_requests(tmp_path / "t.jsonl"))


def test_what_is_rounded_is_said(tmp_path):
    table = drawn(client("a", **PLAIN, prefix_group="p", prefix_length=700), n=9)
    rounded, blocks = save_as("mooncake", str(tmp_path / "m.jsonl"), table)
    assert rounded == f"{(table.arrival_us % 1000 > 0).sum()} of 9 times are rounded to ms"
    assert blocks == "5600 tokens of prompts are shared, 4096 in blocks of 512"


def test_arrivals_of_sessions_are_kept_only_if_asked_for(tmp_path):
    (tmp_path / "r.csv").write_text(
        "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,session_id\n"
        "a,0,9,1,,0,,,s\nb,2000,9,1,,0,,,s\n"
    )
    table = blis.load_requests(tmp_path / "r.csv")
    for name, path in (("mooncake", "m.jsonl"), ("trace-v2", "v.yaml")):
        (note,) = save_as(name, str(tmp_path / path), table)
        assert note.startswith("sessions are read as turns")
        said = {"path": str(tmp_path / path), "format": name, "turns": "arrivals", "time_unit": None}
        np.testing.assert_array_equal(blis.generate(said).arrival_us, table.arrival_us)
