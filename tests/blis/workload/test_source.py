"""A workload is drawn or recorded, and either gives its requests in one way."""

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.read.traces import TraceSpec
from blis.workload.source import load_requests, load_workload, requests_of
from blis.yaml_strict import dump_yaml, load_mapping
from tests.blis.workload.trace_files import write_azure
from tests.places import CONF

CHAT = CONF / "workload" / "chat_prefix.yaml"


@pytest.fixture
def trace(tmp_path):
    return write_azure(tmp_path / "a.csv", [f"2023-11-16 18:17:0{second},10,5" for second in range(8)])


def test_a_path_makes_it_a_trace(trace, tmp_path):
    dump_yaml({"path": str(trace)}, tmp_path / "w.yaml")
    assert load_workload(tmp_path / "w.yaml") == TraceSpec(str(trace))
    assert load_workload(CHAT) == load_workload(load_mapping(CHAT))


def test_the_file_is_named_in_errors(tmp_path):
    dump_yaml({"path": "x", "frist": 3}, tmp_path / "w.yaml")
    with pytest.raises(InputError, match=r"w.yaml: unknown key 'frist' \(did you mean 'first'\?\)"):
        load_workload(tmp_path / "w.yaml")


def test_its_own_seed_unless_another_is_given():
    spec = load_workload(CHAT)
    own, given, other = (requests_of(spec, seed, 50) for seed in (None, spec.seed, spec.seed + 1))
    np.testing.assert_array_equal(own.arrival_us, given.arrival_us)
    assert len(own) == 50 and (own.arrival_us != other.arrival_us).any()


def test_scales_multiply(trace):
    spec = TraceSpec(str(trace), rate_scale=2)
    assert (requests_of(spec, rate_scale=2.5).arrival_us / 1e6).tolist() == [second / 5 for second in range(8)]


def test_classes_of_a_trace_follow_the_seed(trace):
    spec = TraceSpec(str(trace), classes={"a": 0.5, "b": 0.5})
    assert {tuple(requests_of(spec, seed).slo_class.tolist()) for seed in range(5)} != {
        tuple(requests_of(spec, 0).slo_class.tolist())
    }


def test_a_file_is_all_of_its_requests(trace):
    assert len(load_requests(trace)) == len(load_requests(str(trace))) == 8
