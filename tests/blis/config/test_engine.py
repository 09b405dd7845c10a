"""Engines by the name of a profile, or with single switches; mistakes name the key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import PROFILES, Engine
from blis.errors import InputError
from blis.scenario import load_scenario, scenario_mapping
from blis.yaml_strict import parse_yaml

MODEL = {"alpha": [0, 0, 0], "beta": [1000, 2, 3]}
LATEST = PROFILES["vllm-2026"]


def engines(engine: object, *pools: object) -> list[Engine]:
    """The engine of a file's instance, or those of its pools."""
    instance = {"latency_model": MODEL, **({} if engine is None else {"engine": engine})}
    scenario = load_scenario({"instance": instance, "pools": [{} if own is None else {"engine": own} for own in pools]})
    assert load_scenario(scenario_mapping(scenario)) == scenario
    return [replica.instance.engine for replica in scenario.replicas]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, Engine()),
        ("original", Engine()),
        ("vllm-2026", LATEST),
        ({"profile": "vllm-2026", "async_scheduling": False}, replace(LATEST, async_scheduling=False)),
        ({"unkeyed_first": True, "max_model_len": 100}, Engine(unkeyed_first=True, max_model_len=100)),
    ],
)
def test_a_profile_or_switches_of_one(given: object, expected: Engine):
    assert engines(given) == [expected]


def test_a_pool_has_the_instances_switches_but_for_its_own():
    given = {"profile": "vllm-2026", "max_model_len": 100}
    shared = replace(LATEST, max_model_len=100)
    expected = [shared, replace(shared, unkeyed_first=False), Engine("vllm-0.8", max_model_len=100)]
    assert engines(given, None, {"unkeyed_first": False}, "vllm-0.8") == expected


def test_a_scenario_that_says_nothing_is_written_as_before():
    assert "engine" not in scenario_mapping(load_scenario({"instance": {"latency_model": MODEL}}))["instance"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("vllm-2025", r"unknown instance.engine 'vllm-2025' \(did you mean 'vllm-2026'"),
        ({"profile": "vllm"}, "unknown instance.engine.profile 'vllm'"),
        ({"asynchronous": True}, "instance.engine: unknown key 'asynchronous'"),
        ({"async_scheduling": 1}, "instance.engine.async_scheduling must be true or false, got 1"),
        ({"max_model_len": -1}, "engine.max_model_len must be"),
        (7, "instance.engine must be a mapping of keys to values, got 7"),
    ],
)
def test_mistakes_name_the_key(given: object, problem: str):
    with pytest.raises(InputError, match=problem):
        engines(given)


@pytest.mark.parametrize("engine", [*PROFILES.values(), replace(LATEST, async_scheduling=False, max_model_len=9)])
def test_the_text_of_an_engine_is_read_again_as_it(engine: Engine):
    assert engines(parse_yaml(engine.text, "engine")) == [engine]
    assert (engine.text == engine.profile) == (engine in PROFILES.values())


def test_sequences_end_at_one_length_in_all_pools():
    with pytest.raises(InputError, match=r"engine.max_model_len must be one for all pools, got \[0, 9\]"):
        engines("original", None, {"max_model_len": 9})
