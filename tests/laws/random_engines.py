"""Random engines that hurt: every scheduler, priority policy and preemption, and instances that differ."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from blis.config import KV, PREEMPTIONS, PROFILES, Batch, Engine, LatencyModel, Pool, Scenario
from blis.tables.requests import RequestTable
from tests.laws.random_control import dressed, random_tiers
from tests.oracle.known import PRIORITY_POLICIES, SCHEDULER_NAMES


def with_engines(rng: Random, scenario: Scenario, table: RequestTable) -> tuple[Scenario, RequestTable]:
    """The scenario with another order of service, unequal pools or both; classes and tenants where there are none."""
    if rng.random() < 0.6:
        scenario = _with_order(rng, scenario)
        if len(table.slo_names) == 1:
            table = dressed(rng, table)
    if rng.random() < 0.3:
        scenario = _with_pools(rng, scenario)
    return with_switches(rng, scenario, table), table


def with_switches(rng: Random, scenario: Scenario, table: RequestTable) -> Scenario:
    """The scenario with any engine, in every pool another, and now and then with sequences that are too long."""
    limits = {}
    if rng.random() < 0.2:
        limits["max_model_len"] = int(rng.choice(table.input_tokens + rng.choice([0, 1, 2]))) + rng.randint(0, 5)
        if rng.random() < 0.5:
            most = min(int(rng.choice(table.input_tokens)), limits["max_model_len"]) - 1
            limits = rng.choice([limits, {}]) | {"truncate_prompt_tokens": max(most, 0)}
    pools = tuple(replace(pool, engine=rng.choice([None, random_switches(rng, **limits)])) for pool in scenario.pools)
    return replace(scenario, instance=replace(scenario.instance, engine=random_switches(rng, **limits)), pools=pools)


def random_switches(rng: Random, **limits: int) -> Engine:
    """A profile, or any of its switches, the one that touches most more often."""
    kind = rng.random()
    if kind < 0.4:
        return replace(PROFILES[rng.choice([*PROFILES])], **limits)
    names = ("reserve_full_prompt", "unkeyed_first", "whole_lone_prefill", "async_scheduling")
    if kind < 0.6:
        return Engine(**{rng.choice([*names, names[-1]]): True}, **limits)
    return Engine(**{name: rng.random() < 0.5 for name in names}, **limits)


def _with_order(rng: Random, scenario: Scenario) -> Scenario:
    scheduler = rng.choice([*SCHEDULER_NAMES, "fcfs", "priority-fcfs", "least-attained-service"])
    priority = rng.choice(PRIORITY_POLICIES)
    given = {
        "class-age": {"age_per_s": rng.choice([0, 0.1, 1e4, 1e5])},
        "slo-tiers": {"boost_per_minute": rng.choice([0, 1, 1e6])},
        "slack": {"prefill_us_token": rng.choice([0, 1, 20])},
    }
    kv = scenario.instance.kv
    if rng.random() < 0.6:  # so tight that somebody must go
        kv = replace(kv, blocks=rng.choice([max(1, kv.blocks // 2), min(kv.blocks, rng.randint(4, 20))]))
    instance = replace(
        scenario.instance,
        kv=kv,
        scheduler=scheduler,
        scheduler_parameters={"noise": rng.choice([0, 0.5, 2])} if scheduler == "shortest-predicted-output" else {},
        priority=priority,
        priority_parameters=given.get(priority, {}),
        preemption=rng.choice(PREEMPTIONS),
    )
    return replace(scenario, instance=instance, slo_tiers=scenario.slo_tiers or random_tiers(rng))


def _with_pools(rng: Random, scenario: Scenario) -> Scenario:
    """Every pool has one thing or several of its own."""
    pools = scenario.pools or (Pool(),) * scenario.cluster.instances
    return replace(scenario, pools=tuple(_unequal(rng, scenario, pool) for pool in pools))


def _unequal(rng: Random, scenario: Scenario, pool: Pool) -> Pool:
    kv = scenario.instance.kv
    blocks = max(1, rng.choice([kv.blocks, kv.blocks + 1, 2 * kv.blocks, kv.blocks // 2, 200]))
    latency = LatencyModel(
        alpha=(rng.choice([0, 1, 20]), rng.choice([0, 1, 0.7]), rng.choice([0, 3])),
        beta=(rng.choice([1, 10, 25.5]), rng.choice([0, 1, 2.3]), rng.choice([0, 1, 0.4])),
    )
    batch = Batch(
        max_running=rng.choice([1, 2, 4, 100]),
        max_scheduled_tokens=rng.choice([rng.randint(1, 8), rng.randint(1, 40), 1000]),
        long_prefill_threshold=rng.choice([0, 0, 1, 3, 20]),
    )
    return replace(
        pool,
        latency_model=rng.choice([None, latency]),
        kv=rng.choice([None, KV(blocks, kv.block_size_tokens), replace(kv, blocks=blocks)]),
        batch=rng.choice([None, batch]),
    )
