from dataclasses import replace

import numpy as np
import pytest

from blis.config import KV, Cluster, Instance, LatencyModel, Routing, Scenario, Scorer
from blis.engine.run import simulate
from blis.errors import InputError
from blis.tables.placement import Placement
from blis.workload.assemble import table_from_tokens
from blis.workload.content.reuse import ideal_hits
from blis.workload.follow import closed_loop
from blis.workload.read.mooncake import load_mooncake
from blis.workload.windows import POOLS, Windows, slice_rows, split
from tests.blis.workload.trace_files import (
    MOONCAKE_CONVERSATION,
    needs_samples,
    random_mooncake_rows,
    write_mooncake,
)

N = 300


@pytest.fixture
def rows():
    return random_mooncake_rows(seed=5, n=N, gap_ms=400)


@pytest.fixture
def table(tmp_path, rows):
    return load_mooncake(write_mooncake(tmp_path / "all.jsonl", rows))


def simulated(table):
    """Per-request results on a cluster whose router and caches see all that content decides."""
    latency = LatencyModel(alpha=(100, 1, 0), beta=(5000, 20, 30))
    scorers = (Scorer("prefix-affinity", 3), Scorer("queue-depth", 2))
    routing = Routing(policy="weighted", scorers=scorers, tie_break="random")
    scenario = Scenario(Instance(latency, KV(blocks=400)), Cluster(instances=3, routing=routing))
    result = simulate(scenario, table)
    return [result.ttft_us.tolist(), result.e2e_us.tolist(), result.instance.tolist(), result.cached_tokens.tolist()]


def n_scored(table):
    return table.scored_rows.stop - table.scored_rows.start


class TestSlice:
    def test_a_slice_behaves_as_a_file_of_its_rows(self, tmp_path, rows, table):
        first, last, origin_ms = 100, 250, rows[100][0] - 7
        part = slice_rows(table, first, last, origin_ms * 1000)
        again = load_mooncake(
            write_mooncake(tmp_path / "part.jsonl", [(t - origin_ms, *rest) for t, *rest in rows[first:last]])
        )
        assert ideal_hits(part, 48) == ideal_hits(again, 48)
        assert simulated(part) == simulated(replace(again, uniform=table.uniform[first:last]))

    def test_rows_are_the_same_but_for_the_time(self, table):
        part = slice_rows(table, 10, 20, 5)
        assert len(part) == 10
        np.testing.assert_array_equal(part.arrival_us, table.arrival_us[10:20] - 5)
        for name in ("input_tokens", "output_tokens", "output_node", "slo_class", "tenant", "session", "round"):
            np.testing.assert_array_equal(getattr(part, name), getattr(table, name)[10:20])
        assert part.request_id(0) == "request_10"

    def test_placements_are_kept(self, table):
        placement = (np.arange(N) % 2).astype(np.int16)
        both = (Placement(), Placement({"gpu": "H100"}))
        part = slice_rows(replace(table, placement=placement, placements=both), 11, 14, 0)
        assert part.placement.tolist() == [1, 0, 1] and part.placements == both
        assert slice_rows(table, 11, 14, 0).placement is None

    def test_the_tree_is_not_copied_and_blocks_keep_their_identity(self, table):
        part = slice_rows(table, 50, 60, 0)
        for name in ("parent", "start_token", "end_token"):
            assert getattr(part.tree, name) is getattr(table.tree, name)
        assert np.shares_memory(part.path_node, table.path_node)
        begin, end = table.path_offset[50], table.path_offset[60]
        np.testing.assert_array_equal(part.path_node, table.path_node[begin:end])
        np.testing.assert_array_equal(np.diff(part.path_offset), np.diff(table.path_offset[50:61]))

    def test_shared_are_the_nodes_that_two_rows_of_the_slice_touch(self, table):
        part = slice_rows(table, 50, 60, 0)
        touches = np.bincount(part.path_node, minlength=len(part.tree.parent))
        np.testing.assert_array_equal(part.tree.shared >= 0, touches > 1)
        assert 0 < part.tree.n_shared < table.tree.n_shared
        assert part.tree.shared[part.tree.shared >= 0].tolist() == list(range(part.tree.n_shared))
        # Below what two rows share, each goes on alone.
        parent = part.tree.parent
        assert not ((part.tree.shared >= 0) & (parent >= 0) & (part.tree.shared[parent] < 0)).any()

    def test_what_the_engine_kept_of_the_whole_is_not_taken_over(self, table):
        simulated(table)
        part = slice_rows(table, 50, 60, 0)
        assert table.cache and not part.cache
        simulated(part)

    def test_which_rows_are_scored_is_not_taken_over(self, table):
        assert slice_rows(replace(table, scored=(0, 7)), 50, 60, 0).scored_rows == slice(1, 9)

    def test_arrays_are_read_only(self, table):
        part = slice_rows(table, 50, 60, 0)
        for column in (part.arrival_us, part.path_offset, part.path_node, part.tree.shared, part.uniform):
            assert not column.flags.writeable

    @pytest.mark.parametrize(("first", "last", "origin"), [(5, 5, 0), (-1, 5, 0), (5, N + 1, 0), (5, 6, 10**12)])
    def test_no_rows_or_negative_times_are_refused(self, table, first, last, origin):
        with pytest.raises(InputError):
            slice_rows(table, first, last, origin)


class TestSplit:
    def test_windows_follow_each_other_and_their_scored_rows_make_up_the_trace(self, table):
        windows = Windows(warmup_s=5, search=0.5, selection=0.2, report=0.3)
        found = split(table, windows)
        assert tuple(found) == POOLS == ("search", "selection", "report")
        scored = [name for w in found.values() for name in w.table.request_ids[w.table.scored_rows]]
        after = int((table.arrival_us < table.arrival_us[0] + 5_000_000).sum())
        assert scored == [f"request_{row}" for row in range(after, N)]

    def test_lengths_follow_the_shares(self, table):
        found = split(table, Windows(warmup_s=5, search=0.5, selection=0.2, report=0.3))
        duration = int(table.arrival_us[-1]) + 1 - 5_000_000
        lengths = [window.end_us - window.start_us for window in found.values()]
        assert sum(lengths) == duration
        assert np.array(lengths) / duration == pytest.approx([0.5, 0.2, 0.3], abs=1e-6)

    def test_the_warm_up_is_what_came_just_before(self, table):
        for window in split(table, Windows(warmup_s=5)).values():
            times, scored = window.table.arrival_us, window.table.scored_rows
            origin = window.start_us - 5_000_000  # of the table's time
            assert times[0] >= 0 and times[scored.start - 1] + origin < window.start_us
            assert window.start_us <= times[scored.start] + origin
            assert scored.stop == len(times) and times[-1] + origin < window.end_us
            assert scored.start == ((table.arrival_us >= origin) & (table.arrival_us < window.start_us)).sum()

    def test_without_warm_up_every_row_is_scored(self, table):
        found = split(table, Windows(warmup_s=0))
        assert all(window.table.scored_rows == slice(0, len(window.table)) for window in found.values())
        assert sum(len(window.table) for window in found.values()) == N

    def test_equal_times_stay_together(self):
        table = table_from_tokens([0, 40, 40, 40, 60, 80], [[1]] * 6, [[1]] * 6)
        found = split(table, Windows(warmup_s=0, search=0.5, selection=0.25, report=0.25))
        assert [len(window.table) for window in found.values()] == [1, 4, 1]

    def test_a_trace_that_is_too_short_says_so(self, table):
        with pytest.raises(InputError, match=r"the trace lasts 5\d\.\d+ s, all of it within the warm-up of 120 s"):
            split(table, Windows(warmup_s=120))
        gap = table_from_tokens([0, 10**6, 10**8], [[1]] * 3, [[1]] * 3)
        with pytest.raises(InputError, match=r"no request in the selection window, 20 s long"):
            split(gap, Windows(warmup_s=0))

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"search": 0.5}, "the shares of search, selection, report must sum to 1, got 1.2"),
            ({"search": 0.8, "selection": 0.0, "report": 0.2}, "selection must be > 0"),
            ({"warmup_s": -1.0}, "warmup_s"),
        ],
    )
    def test_bad_shares_are_refused(self, values, problem):
        with pytest.raises(InputError, match=problem):
            Windows(**values)

    @needs_samples
    def test_the_conversation_sample_gives_three_windows_that_reuse_alike(self):
        found = split(load_mooncake(MOONCAKE_CONVERSATION), Windows())
        assert [n_scored(window.table) for window in found.values()] == pytest.approx([1090, 725, 1820], rel=0.1)
        for window in found.values():
            hits, looked_up = ideal_hits(window.table, 16)
            assert 0.15 < hits / looked_up < 0.4

    def test_conversations_that_all_begin_at_once_are_cut_where_windows_are(self, table):
        n = 40
        open_ = slice_rows(table, 0, n, 0)
        follows = np.where(np.arange(n) < 4, -1, np.arange(n) - 4)  # four conversations of ten turns, 2 s apart
        talks = closed_loop(open_, np.where(follows < 0, 0, -1), follows, np.full(n, 2_000_000))
        found = split(talks, Windows(warmup_s=4, search=0.4, selection=0.3, report=0.3))
        scored = [name for w in found.values() for name in w.table.request_ids[w.table.scored_rows]]
        assert sorted(scored) == sorted(talks.request_ids[r] for r in range(n) if talks.soonest_us[r] >= 4_000_000)
        for window in found.values():
            part, origin = window.table, window.start_us - 4_000_000
            came = dict(zip(talks.request_ids, talks.soonest_us.tolist(), strict=True))
            assert (part.soonest_us + origin).tolist() == [came[name] for name in part.request_ids]
            inside = (part.soonest_us + origin >= window.start_us) & (part.soonest_us + origin < window.end_us)
            assert np.flatnonzero(inside).tolist() == list(range(len(part)))[part.scored_rows]
