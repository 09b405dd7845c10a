"""The library: what `import blis` offers, from files, mappings and objects alike."""

from __future__ import annotations

from pathlib import Path

import pytest

import blis
from blis.config import Compat
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle
from blis.yaml_strict import dump_yaml, load_mapping


def test_the_public_names():
    for name in blis.__all__:
        assert getattr(blis, name).__doc__
    assert set(blis.__all__) <= set(dir(blis))
    with pytest.raises(AttributeError, match="simulat"):
        _ = blis.simulat


def test_files_mappings_and_objects_give_the_same(small: Path):
    scenario = blis.load_scenario(small / "scenario.yaml")
    requests = blis.load_requests(small / "requests.csv")
    policy = {"routing": {"policy": "round-robin"}}
    dump_yaml(policy, small / "policy.yaml")
    frames = [
        blis.simulate(scenario, requests, policy).to_frame(),
        blis.simulate(small / "scenario.yaml", small / "requests.csv", small / "policy.yaml").to_frame(),
        blis.simulate(load_mapping(small / "scenario.yaml"), requests, blis.load_policy(policy)).to_frame(),
    ]
    assert frames[0].equals(frames[1]) and frames[0].equals(frames[2])
    assert list(frames[0].instance) == [0, 1, 0]


def test_a_result_is_shown_in_a_line(small: Path):
    result = blis.simulate(small / "scenario.yaml", small / "requests.csv")
    assert str(result) == f"<Result: 3 of 3 requests completed, {result.table.end_us / 1e6:.3f} simulated seconds>"
    assert repr(result) == str(result)


def test_a_policy_replaces_only_what_it_says(small: Path):
    result = blis.simulate(small / "scenario.yaml", small / "requests.csv", PolicyBundle())
    assert result.scenario == blis.load_scenario(small / "scenario.yaml")
    rejected = blis.simulate(result.scenario, result.requests, {"admission": {"policy": "reject-all"}})
    assert rejected.metrics.to_dict()["completed_requests"] == 0
    assert rejected.to_frame().ttft_us.isna().all()


def test_compat_is_a_name_or_switches(small: Path):
    scenario, requests = blis.load_scenario(small / "scenario.yaml"), blis.load_requests(small / "requests.csv")
    named = blis.simulate(scenario, requests, compat="original").to_frame()
    assert named.equals(blis.simulate(scenario, requests, compat=Compat.original()).to_frame())
    assert not named.equals(blis.simulate(scenario, requests).to_frame())
    with pytest.raises(InputError, match="did you mean 'original'"):
        blis.simulate(scenario, requests, compat="orignal")


def test_generate_uses_the_specifications_seed_unless_told():
    spec = {
        "aggregate_rate": 10,
        "num_requests": 20,
        "seed": 5,
        "clients": [
            {
                "rate_fraction": 1,
                "arrival": {"process": "poisson"},
                "input_distribution": {"type": "constant", "params": {"value": 100}},
                "output_distribution": {"type": "constant", "params": {"value": 4}},
            }
        ],
    }
    own, same, other = blis.generate(spec), blis.generate(spec, seed=5), blis.generate(spec, seed=6)
    assert (own.arrival_us == same.arrival_us).all()
    assert (own.arrival_us != other.arrival_us).any()
    assert len(blis.generate(spec, n=7)) == 7


def test_a_sequence_that_ends_early_has_its_real_length_in_every_number(small: Path):
    """Prompts of 100, 200 and 50 tokens, outputs of 3, 1 and 5."""
    mapping = load_mapping(small / "scenario.yaml")
    instance = {**mapping["instance"], "engine": {"max_model_len": 102}}
    result = blis.simulate({**mapping, "instance": instance}, small / "requests.csv")
    assert result.requests.output_tokens.tolist() == [2, 1, 5]
    assert result.to_frame().status.tolist() == ["completed", "dropped", "completed"]
    assert result.metrics.output_tokens == 2 + 5
