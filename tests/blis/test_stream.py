from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pytest

from blis import api
from blis.errors import EngineError, InputError
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.stream import StreamedResult, simulate_stream
from blis.tables.streams import RequestStream
from blis.workload.draw.generate import generate
from blis.workload.draw.in_chunks import generate_in_chunks
from blis.workload.draw.spec import WorkloadSpec, load_spec
from tests.laws.stream_cases import chunks_of, stream_case
from tests.places import ROOT


def deployed(policy: str = "llm-d-default"):
    scenario = load_scenario(ROOT / "conf/cluster/h100x4.yaml")
    return apply_bundle(scenario, load_bundle(ROOT / f"conf/policy/{policy}.yaml"))


def workload(name: str = "chat_prefix") -> WorkloadSpec:
    return load_spec(ROOT / f"conf/workload/{name}.yaml")


def assert_same(got: StreamedResult, got_csv: Path, want: api.Result, folder: Path) -> None:
    """Metrics and results to the byte."""
    assert json.dumps(got.metrics.to_dict()) == json.dumps(want.metrics.to_dict())
    want.save(folder / "want.csv")
    assert got_csv.read_bytes() == (folder / "want.csv").read_bytes()


@pytest.mark.parametrize(
    ("policy", "name", "horizon_us"),
    [
        ("llm-d-default", "chat_prefix", None),
        ("lmetric", "mixed_slo", 20_000_000),
        ("least-loaded", "unfair_tenants", None),
    ],
)
def test_it_gives_the_bytes_of_a_whole_run(tmp_path: Path, policy, name, horizon_us):
    scenario, n = replace(deployed(policy), horizon_us=horizon_us), 4000
    got = simulate_stream(scenario, generate_in_chunks(workload(name), 2, n, size=300), tmp_path / "got.csv")
    assert_same(got, tmp_path / "got.csv", api.simulate(scenario, generate(workload(name), 2, n)), tmp_path)


def test_it_does_for_random_cases(tmp_path: Path):
    found = 0
    for seed in range(24):
        if (case := stream_case(seed)) is not None:
            scenario, table = case
            stream = RequestStream(table, chunks_of(table, Random(seed)))
            named = replace(stream, chunks=(each._replace(table=_unnamed(each.table)) for each in stream.chunks))
            got = simulate_stream(scenario, named, tmp_path / "got.csv")
            assert_same(got, tmp_path / "got.csv", api.simulate(scenario, _unnamed(table)), tmp_path)
            found += 1
    assert found > 8


def _unnamed(table):
    return replace(table, request_ids=None, cache={})


def test_a_request_costs_no_more_than_120_bytes():
    """Beyond what is the same for any number of them."""

    def peak(n: int) -> int:
        tracemalloc.start()
        _ = simulate_stream(scenario, generate_in_chunks(workload(), 1, n, size=1000)).metrics
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    scenario = deployed()
    peak(3000)
    assert peak(60_000) - peak(20_000) < 120 * 40_000


def test_what_is_interrupted_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "out.csv"
    path.write_text("before")
    stream = generate_in_chunks(workload(), 1, 3000, size=300)

    def breaks():
        yield from islice(stream.chunks, 6)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_stream(deployed(), replace(stream, chunks=breaks()), path)
    assert path.read_text() == "before" and [each.name for each in tmp_path.iterdir()] == ["out.csv"]


def test_rows_are_written_before_the_run_is_over(tmp_path: Path):
    sizes, stream = [], generate_in_chunks(workload(), 1, 5000, size=300)

    def watched():
        for chunk in stream.chunks:
            sizes.append(sum(each.stat().st_size for each in tmp_path.iterdir()))
            yield chunk

    simulate_stream(deployed(), replace(stream, chunks=watched()), tmp_path / "out.csv")
    assert sizes[-1] > 0 and sizes[len(sizes) // 2] < sizes[-1] < (tmp_path / "out.csv").stat().st_size


def test_a_stream_without_requests_is_refused():
    stream = generate_in_chunks(workload(), 1, 5)
    with pytest.raises(InputError, match="no requests"):
        simulate_stream(deployed(), replace(stream, chunks=iter([])))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    with pytest.raises(EngineError, match="is_a_file"):
        (tmp_path / "is_a_file").write_text("")
        simulate_stream(deployed(), generate_in_chunks(workload(), 1, 5), tmp_path / "is_a_file/out.csv")


def test_arrivals_beyond_the_horizon_take_no_room():
    """A whole day is asked for and a second is simulated."""
    scenario = replace(deployed(), horizon_us=1_000_000)
    got = simulate_stream(scenario, generate_in_chunks(workload(), 1, 20_000, size=500))
    assert got.metrics.requests == 20_000 and got.metrics.not_arrived > 19_000
    assert np.count_nonzero(got.table.status == 0) == got.metrics.completed
