"""Prefill and decode apart: engine against oracle on random scenarios, and what must hold of every such run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Compat, Disaggregation, KVTransfer, Pool, Scenario
from blis.engine.run import simulate
from tests.laws.against_oracle import compare
from tests.laws.random_cases import Case, apart, apart_case, failing_apart_case, random_case
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("number", range(100))
def test_engine_equals_oracle_where_prompts_are_computed_elsewhere(number: int):
    compare(apart_case(Random(number), max_requests=2 + number // 6))
    compare(apart(Random(number), tight_case(number)))


def test_a_prompt_that_one_instance_is_chosen_for_twice_is_noted_once():
    """What only it has would take up twice the room in the router's index."""
    compare(apart_case(Random(20835)))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1500, 250))
def test_engine_equals_oracle_in_three_thousand_cases_of_roles(first: int):
    for number in range(1000 + first, 1250 + first):
        compare(apart_case(Random(number)))
        compare(apart(Random(number), tight_case(number)))


@pytest.mark.parametrize("number", range(60))
def test_engine_equals_oracle_where_those_instances_fail(number: int):
    compare(failing_apart_case(Random(number), max_requests=4 + number // 4))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 3000, 250))
def test_engine_equals_oracle_in_three_thousand_cases_of_roles_that_fail(first: int):
    for number in range(1000 + first, 1250 + first):
        compare(failing_apart_case(Random(number)))


def with_idle_one(case: Case) -> tuple[Scenario, Scenario]:
    """The case's scenario without a tier below the GPU, and the same with one more instance that nobody asks."""
    scenario = case.scenario
    pools = scenario.pools or (Pool(scenario.cluster.instances),)
    pools = tuple(replace(pool, kv=pool.kv and replace(pool.kv, cpu_blocks=0)) for pool in pools)
    instance = replace(scenario.instance, kv=replace(scenario.instance.kv, cpu_blocks=0))
    without = replace(scenario, pools=pools, instance=instance)
    cluster = replace(
        scenario.cluster,
        instances=scenario.cluster.instances + 1,
        disaggregation=Disaggregation("never"),
        kv_transfer=KVTransfer(bytes_per_token=1),
    )
    return without, replace(without, cluster=cluster, pools=(*pools, replace(pools[-1], count=1, role="prefill")))


@pytest.mark.parametrize("seed", range(60))
def test_an_instance_that_is_never_asked_changes_nothing(seed: int):
    case = random_case(Random(seed))
    if case.scenario.cluster.flow_control.enabled:
        return  # its detectors look at all instances, idle ones too
    without, with_one = with_idle_one(case)
    a, b = simulate(with_one, case.table, Compat()), simulate(without, case.table, Compat())
    for name in ("status", "instance", "scheduled_us", "first_token_us", "completed_us", "cached_tokens"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert a.instances["routed"][-1] == 0


@pytest.mark.parametrize("draw", [apart_case, failing_apart_case])
@pytest.mark.parametrize("seed", range(60))
def test_without_a_horizon_everything_ends_and_no_block_is_held(seed: int, draw: Callable[[Random], Case]):
    case = draw(Random(seed))
    scenario = replace(case.scenario, horizon_us=None)
    result = simulate(scenario, case.table)
    assert result.instances["used_blocks"].sum() == 0
    assert not {"queued", "running", "in_transit"} & {*result.status_names()}
