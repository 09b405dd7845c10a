import json
from dataclasses import replace

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.adapters import Adapters
from blis.workload.draw.senders import Tenants
from blis.workload.draw.streams import stream
from blis.workload.read.csv_requests import load_requests
from blis.workload.read.traces import TraceSpec, load_trace, load_window, trace_mapping, trace_spec
from blis.workload.windows import split
from blis.yaml_strict import load_mapping
from tests.blis.workload.trace_files import (
    MOONCAKE_CONVERSATION,
    needs_samples,
    random_mooncake_rows,
    write_azure,
    write_mooncake,
)
from tests.places import CONF

TRACE = CONF / "workload" / "trace.yaml"
CLASSES = {"critical": 0.2, "standard": 0.5, "batch": 0.3}
N = 400


@pytest.fixture
def spec(tmp_path):
    path = write_mooncake(tmp_path / "t.jsonl", random_mooncake_rows(seed=3, n=N, gap_ms=500))
    return TraceSpec(str(path), classes=CLASSES, tenants=Tenants(4, zipf=1.0))


@pytest.fixture
def requests_csv(tmp_path):
    path = tmp_path / "requests.csv"
    path.write_text(
        "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,uniform\n"
        "a,0,100,5,sys,64,fast,t1,0.25\nb,1000000,64,5,sys,64,slow,t2,0.5\n"
    )
    return path


class TestLoad:
    def test_the_format_is_told_from_the_content(self, spec, tmp_path, requests_csv):
        azure = write_azure(tmp_path / "a.csv", ["2023-11-16 18:17:03.9799600,10,5"])
        assert len(load_trace(spec)) == N
        assert len(load_trace(TraceSpec(str(azure)))) == 1
        assert len(load_trace(TraceSpec(str(requests_csv)))) == 2

    def test_a_format_that_is_given_is_not_questioned(self, spec):
        with pytest.raises(InputError, match="line 1"):
            load_trace(replace(spec, format="azure"))

    def test_what_a_file_leaves_open_can_be_said(self, tmp_path):
        rows = [(0, 100, 1, [1, 2, 3]), (0.5, 100, 1, [1, 4, 5])]
        path = str(write_mooncake(tmp_path / "m.jsonl", rows))
        with pytest.raises(InputError, match="block_tokens=N"):
            load_trace(TraceSpec(path))
        with pytest.raises(InputError, match="time_unit=s"):
            load_trace(TraceSpec(path, block_tokens=40))
        assert load_trace(TraceSpec(path, block_tokens=40, time_unit="s")).arrival_us.tolist() == [0, 500_000]

    @pytest.mark.parametrize("said", [{"time_unit": "s"}, {"block_tokens": 16}])
    def test_what_a_format_says_cannot_be_said_again(self, requests_csv, said):
        problem = f"{next(iter(said))} is given, but format 'requests' leaves no choice in that"
        with pytest.raises(InputError, match=problem):
            load_trace(TraceSpec(str(requests_csv), **said))

    def test_a_time_window_starts_at_zero(self, spec):
        whole = load_trace(spec)
        part = load_trace(replace(spec, start_s=20, end_s=50))
        inside = (whole.arrival_us >= 20_000_000) & (whole.arrival_us < 50_000_000)
        np.testing.assert_array_equal(part.arrival_us, whole.arrival_us[inside] - 20_000_000)
        np.testing.assert_array_equal(part.input_tokens, whole.input_tokens[inside])

    def test_first_counts_from_the_start_of_the_window(self, spec):
        part, later = load_trace(replace(spec, first=30)), load_trace(replace(spec, start_s=20, first=30))
        assert len(part) == len(later) == 30
        assert part.request_id(0) == "request_0"
        assert later.request_id(0) == f"request_{(load_trace(spec).arrival_us < 20_000_000).sum()}"
        assert len(load_trace(replace(spec, first=10 * N))) == N

    def test_notes_of_a_part_say_that_they_are_of_the_file(self, tmp_path):
        rows = [(100, 9, 1, [1]), (0, 9, 1, [2]), *((5_000 * at, 9, 1, [at]) for at in range(3, 100))]
        spec = TraceSpec(str(write_mooncake(tmp_path / "t.jsonl", rows)))
        late = "1 of 99 rows come before the row above: sorted by time"
        assert late in load_trace(spec).notes
        part = replace(spec, first=90)
        for table in (load_trace(part), load_trace(replace(spec, start_s=50)), load_window(part, "report")):
            assert f"in the file: {late}" in table.notes and all(note.count("in the file") == 1 for note in table.notes)

    def test_rate_scale_divides_the_gaps_and_changes_nothing_else(self, spec):
        whole, fast = load_trace(spec), load_trace(replace(spec, rate_scale=4))
        assert np.abs(fast.arrival_us - whole.arrival_us / 4).max() <= 0.5
        np.testing.assert_array_equal(fast.slo_class, whole.slo_class)
        np.testing.assert_array_equal(fast.path_node, whole.path_node)

    def test_rate_scale_divides_what_clients_think_too(self, talks):
        whole, fast = load_trace(talks), load_trace(replace(talks, rate_scale=4))
        assert whole.closed and fast.predecessor.tolist() == whole.predecessor.tolist()
        assert fast.soonest_us.tolist() == (whole.soonest_us // 4).tolist()
        assert fast.offered_per_s == pytest.approx(4 * whole.offered_per_s, rel=1e-4)

    def test_conversations_are_cut_where_a_part_of_the_time_begins_and_ends(self, talks):
        part = load_trace(replace(talks, start_s=3, end_s=9))
        assert part.soonest_us.tolist() == [0, 3_000_000, 1_000_000, 4_000_000]
        assert part.predecessor.tolist() == [-1, 0, -1, 2]
        assert part.request_ids == ("request_2", "request_4", "request_3", "request_5")

    def test_an_empty_window_says_how_long_the_file_is(self, spec):
        with pytest.raises(InputError, match=r"no request from start_s 1e\+06 on; the last one is at \d+"):
            load_trace(replace(spec, start_s=1e6))

    def test_a_rate_that_is_too_slow_for_the_clock_is_refused(self, tmp_path):
        path = write_mooncake(tmp_path / "t.jsonl", [(0, 1, 1, [1]), (2.0**60 / 1000, 1, 1, [1])])
        with pytest.raises(InputError, match=r"rate_scale 0\.001 puts arrivals beyond"):
            load_trace(TraceSpec(str(path), rate_scale=0.001))


@pytest.fixture
def talks(tmp_path):
    """Two conversations of four turns that begin at 0 and 1 s; a turn comes 3 s after the answer before."""
    rows = [(second * 1000, 100, 5, [second % 3]) for second in (0, 1, 3, 4, 6, 7, 9, 10)]
    keys = ("timestamp", "input_length", "output_length", "hash_ids", "session_id")
    lines = [json.dumps(dict(zip(keys, (*row, f"s{i % 2}"), strict=True))) for i, row in enumerate(rows)]
    path = tmp_path / "talks.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return TraceSpec(str(path))


class TestDraws:
    def test_classes_and_tenants_have_their_shares(self, tmp_path):
        path = write_azure(tmp_path / "a.csv", ["2023-11-16 18:17:03.9799600,10,5"] * 5000)
        table = load_trace(TraceSpec(str(path), classes=CLASSES, tenants=Tenants(3, zipf=1.0)))
        assert table.slo_names == tuple(CLASSES)
        assert table.tenant_names == ("tenant_0", "tenant_1", "tenant_2")
        assert np.bincount(table.slo_class) / 5000 == pytest.approx(list(CLASSES.values()), abs=0.03)
        assert np.bincount(table.tenant) / 5000 == pytest.approx([6 / 11, 3 / 11, 2 / 11], abs=0.03)
        assert abs(np.corrcoef(table.slo_class, table.tenant)[0, 1]) < 0.05

    def test_a_row_draws_the_same_in_every_part_of_the_file(self, spec):
        whole, part = load_trace(spec), load_trace(replace(spec, start_s=20, first=50))
        begin = int(part.request_id(0).removeprefix("request_"))
        for name in ("slo_class", "tenant", "uniform"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[begin : begin + 50])

    def test_the_seed_decides(self, spec):
        table, other = load_trace(spec), load_trace(replace(spec, seed=1))
        for name in ("slo_class", "tenant", "uniform"):
            np.testing.assert_array_equal(getattr(table, name), getattr(load_trace(spec), name))
            assert (getattr(table, name) != getattr(other, name)).any()
        np.testing.assert_array_equal(table.uniform, stream(0, "trace/uniform").random(N))

    def test_without_them_nobody_has_a_name(self, spec):
        table = load_trace(TraceSpec(spec.path))
        assert table.slo_names == table.tenant_names == ("",)

    def test_what_the_file_says_is_kept(self, requests_csv):
        table = load_trace(TraceSpec(str(requests_csv), classes=CLASSES, tenants=Tenants(4), seed=7))
        given = load_requests(requests_csv)
        assert (table.slo_names, table.tenant_names) == (given.slo_names, given.tenant_names)
        assert table.uniform.tolist() == [0.25, 0.5]

    def test_adapters_are_drawn_for_a_file_that_names_none(self, spec, requests_csv):
        table = load_trace(replace(spec, adapters=Adapters(count=3, zipf=1.0, share=0.5)))
        assert table.adapter_names == ("adapter_0", "adapter_1", "adapter_2")
        assert np.bincount(table.adapter + 1) / N == pytest.approx([0.5, 3 / 11, 3 / 22, 1 / 11], abs=0.08)
        assert not table.adapter.flags.writeable and load_trace(spec).adapter is None
        requests_csv.write_text(requests_csv.read_text().replace("uniform", "adapter").replace("0.25", "sql"))
        named = load_trace(TraceSpec(str(requests_csv), adapters=Adapters(count=9)))
        assert named.adapter_names == ("sql", "0.5")

    def test_a_session_stays_with_one_adapter_and_a_tenant_with_its_own(self, tmp_path):
        rows = [{"timestamp": 9 * k, "input_length": 5, "output_length": 1, "hash_ids": [k], "session_id": f"s{k % 7}"}
                for k in range(70)]  # fmt: skip
        path = tmp_path / "t.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        table = load_trace(TraceSpec(str(path), turns="arrivals", adapters=Adapters(count=4)))
        for session in range(7):
            assert len(set(table.adapter[table.session == session].tolist())) == 1
        given = TraceSpec(str(path), turns="arrivals", tenants=Tenants(4), adapters=Adapters(count=2, by="tenant"))
        table = load_trace(replace(given, first=20))
        opener = {}
        for session, tenant in zip(table.session.tolist(), table.tenant.tolist(), strict=True):
            opener.setdefault(session, tenant)
        assert table.adapter.tolist() == [opener[session] % 2 for session in table.session.tolist()]

    def test_columns_are_read_only(self, spec):
        table = load_trace(replace(spec, rate_scale=2))
        for name in ("arrival_us", "slo_class", "tenant", "uniform"):
            assert not getattr(table, name).flags.writeable
        assert table.slo_class.dtype == np.int16 and table.tenant.dtype == np.int32


class TestSpec:
    def test_conf_holds_the_keys_and_needs_only_a_path(self, spec):
        mapping = load_mapping(TRACE)
        with pytest.raises(InputError, match="path must name the trace file"):
            trace_spec(mapping)
        read = trace_spec({**mapping, "path": spec.path})
        assert read == TraceSpec(spec.path, classes=CLASSES, tenants=Tenants(1))

    def test_the_mapping_reads_back_equal(self, spec):
        for each in (spec, TraceSpec("x", first=3, end_s=4.5, utilisation=0.7)):
            assert trace_spec(trace_mapping(each)) == each

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"path": ""}, "path must name"),
            ({"format": "moncake"}, "did you mean 'mooncake'"),
            ({"first": 0}, "first must be"),
            ({"time_unit": "min"}, "unknown time_unit 'min'"),
            ({"block_tokens": 0}, "block_tokens must be"),
            ({"turns": "open"}, "unknown turns 'open'"),
            ({"start_s": -1.0}, "start_s must be"),
            ({"start_s": 5.0, "end_s": 5.0}, "end_s must be > 5"),
            ({"rate_scale": 0.0}, "rate_scale must be"),
            ({"classes": {"a": 0.5}}, "classes: the shares must sum to 1, got 0.5"),
            ({"classes": {"a": 1.5, "b": -0.5}}, "classes.a must be in"),
            ({"utilisation": 0.0}, "utilisation must be > 0"),
            ({"tenants": {"count": 0}}, "tenants: count must be"),
            ({"windows": {"search": 0.9}}, "windows: the shares"),
            ({"windows": {"warm_up_s": 3}}, "did you mean 'warmup_s'"),
            ({"rate": 3}, "unknown key 'rate'"),
        ],
    )
    def test_mistakes_are_named(self, values, problem):
        with pytest.raises(InputError, match=problem):
            trace_spec({"path": "x", **values})


@needs_samples
def test_a_sample_goes_from_file_to_windows():
    spec = trace_spec({**load_mapping(TRACE), "path": str(MOONCAKE_CONVERSATION), "first": 3000, "rate_scale": 1.5})
    found = split(load_trace(spec), spec.windows)
    assert sum(len(range(*window.table.scored_rows.indices(len(window.table)))) for window in found.values()) > 2000
