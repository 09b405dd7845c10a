"""Requests in pools: drawn ones are as many as one likes, recorded ones a window each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blis.errors import InputError
from blis.scenario import load_scenario
from blis.workload.draw.generate import generate
from blis.workload.draw.pools import REPORT_POOL, SEARCH_POOL, SELECTION_POOL
from blis.workload.draw.spec import load_spec, spec_mapping
from blis.workload.draw.who import population_prefix_tokens
from blis.workload.read.traces import TraceSpec, load_trace, trace_mapping
from blis.workload.windows import Windows
from search.problem.traffic import OFFERED_TOKENS, Drawn, Recorded, drawn_specification, make_traffic
from tests.blis.workload.read.test_servegen import EARLY, chunk
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.places import CONF

POOLS = (SEARCH_POOL, SELECTION_POOL, REPORT_POOL)
SPEC = load_spec(CONF / "workload" / "chat_prefix.yaml")
SCENARIO = load_scenario(CONF / "cluster" / "h100x4.yaml")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = write_mooncake(tmp_path_factory.mktemp("t") / "t.jsonl", random_mooncake_rows(seed=8, n=300, gap_ms=200))
    return make_traffic(TraceSpec(str(path), windows=Windows(warmup_s=3)))


class TestDrawn:
    def test_pools_never_overlap_and_a_larger_one_continues_a_smaller_one(self):
        traffic = make_traffic(SPEC)
        assert isinstance(traffic, Drawn)
        keys = [key for pool in POOLS for key in traffic.pool(pool, 50)]
        assert len(set(keys)) == 150
        assert traffic.pool(REPORT_POOL, 50)[:3] == traffic.pool(REPORT_POOL, 3)

    def test_a_table_is_drawn_from_its_seed(self):
        traffic = Drawn(replace(SPEC, num_requests=50))
        (seed,) = traffic.pool(SEARCH_POOL, 1)
        np.testing.assert_array_equal(traffic.table(seed).arrival_us, generate(SPEC, seed, n=50).arrival_us)
        assert traffic.facts(SEARCH_POOL, 1) == [seed]

    def test_the_rate_is_requests_times_their_tokens(self):
        long = [generate(SPEC, seed, n=20_000) for seed in range(3)]
        tokens_per_s = np.mean([table.input_tokens.sum() / table.arrival_us[-1] * 1e6 for table in long])
        assert Drawn(SPEC).rates == {OFFERED_TOKENS: pytest.approx(tokens_per_s, rel=0.04)}

    def test_a_redrawn_population_has_other_prefixes(self):
        other = Drawn(SPEC).redrawn()
        ours, theirs = (population_prefix_tokens(SPEC.population, t.spec.seed) for t in (Drawn(SPEC), other))
        assert (ours != theirs).mean() > 0.9
        assert replace(other.spec, seed=SPEC.seed) == SPEC

    def test_it_leaves_the_cluster_and_names_itself_by_what_it_is(self):
        traffic = Drawn(SPEC)
        assert traffic.sized(SCENARIO) is SCENARIO
        assert traffic.mapping() == traffic.identity() == spec_mapping(SPEC)
        assert drawn_specification(traffic) is SPEC

    def test_a_folder_of_data_enters_with_its_content(self, tmp_path):
        folders = [tmp_path / name for name in ("one", "same", "other")]
        for folder, rate in zip(folders, (5, 5, 6), strict=True):
            chunk(folder, 1, [f"0,{rate},1,"], {"0": EARLY})
        one, same, other = (Drawn(load_spec({"servegen_data": {"path": str(folder)}})) for folder in folders)
        assert one.mapping()["servegen_data"]["path"] == str(folders[0])
        assert one.identity()["servegen_data"] == same.identity()["servegen_data"] != other.identity()["servegen_data"]


class TestRecorded:
    def test_the_file_is_read_once_for_all_rates(self, tmp_path):
        path = write_mooncake(tmp_path / "t.jsonl", random_mooncake_rows(seed=8, n=300, gap_ms=200))
        spec = TraceSpec(str(path), seed=3, start_s=2, windows=Windows(warmup_s=3))
        traffic = make_traffic(spec)
        expected = load_trace(spec.faster(2).faster(0.7))
        assert len(traffic.trace) == len(expected)
        path.unlink()
        found = traffic.faster(2).faster(0.7).trace
        for column in ("arrival_us", "input_tokens", "path_node", "uniform"):
            assert np.array_equal(getattr(found, column), getattr(expected, column))

    def test_a_pool_is_its_window(self, recorded):
        assert isinstance(recorded, Recorded)
        assert [recorded.pool(pool, 7) for pool in POOLS] == [("search",), ("selection",), ("report",)]
        facts = [recorded.facts(pool, 7) for pool in POOLS]
        assert [found["end_s"] for found in facts[:-1]] == [found["start_s"] for found in facts[1:]]
        for found, pool in zip(facts, POOLS, strict=True):
            table = recorded.table(*recorded.pool(pool, 1))
            assert (found["warmup_requests"], found["requests"]) == (
                table.scored_rows.start,
                len(table) - table.scored_rows.start,
            )
            assert found["warmup_requests"] > 0

    def test_the_rate_is_that_of_the_search_window_without_its_warm_up(self, recorded):
        trace, facts = load_trace(recorded.spec), recorded.facts(SEARCH_POOL, 1)
        inside = (trace.arrival_us >= facts["start_s"] * 1e6) & (trace.arrival_us < facts["end_s"] * 1e6)
        tokens_per_s = trace.input_tokens[inside].sum() / (facts["end_s"] - facts["start_s"])
        assert recorded.rates == {OFFERED_TOKENS: pytest.approx(tokens_per_s)}

    def test_nobody_knows_another_population(self, recorded):
        assert recorded.redrawn() is None
        with pytest.raises(InputError, match="a trace is one sample"):
            drawn_specification(recorded)

    def test_its_path_is_in_the_files_and_its_content_in_the_identity(self, recorded, tmp_path):
        assert recorded.mapping() == trace_mapping(recorded.spec)
        assert recorded.identity()["path"].startswith("sha256:")
        copy = tmp_path / "copy.jsonl"
        copy.write_bytes(Path(recorded.spec.path).read_bytes())
        assert Recorded(replace(recorded.spec, path=str(copy))).identity() == recorded.identity()
        copy.write_text(copy.read_text() + "\n")
        assert Recorded(replace(recorded.spec, path=str(copy))).identity() != recorded.identity()

    def test_a_utilisation_sizes_the_cluster(self, recorded):
        assert recorded.sized(SCENARIO) is SCENARIO
        few, many = (Recorded(replace(recorded.spec, utilisation=share)).sized(SCENARIO) for share in (0.05, 0.01))
        assert few.cluster.instances < many.cluster.instances
        assert replace(many, cluster=SCENARIO.cluster) == SCENARIO
