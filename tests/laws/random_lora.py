"""Random cases in which requests are for LoRA adapters: few places, and many who want them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from blis.config import Compat, Lora, Scorer, Signal
from blis.workload.content.adapters import with_adapters
from tests.laws.random_cases import Case, failing_case, hedged_case, impatient_case, random_case, scaling_case


def adapted_case(rng: Random, max_requests: int = 14) -> Case:
    """A case with adapters, in some of which instances fail, come and go, clients give up, or copies are sent."""
    draw = rng.choice([random_case, random_case, random_case, failing_case, impatient_case, scaling_case, hedged_case])
    return adapted(rng, draw(rng, max_requests))


def adapted(rng: Random, case: Case) -> Case:
    """The case with one to six adapters, where at least one request is for one of them."""
    names = tuple(f"lora-{number}" for number in range(rng.choice([1, 2, 3, 6])))
    adapter = np.array([rng.randrange(-1, len(names)) for _ in range(len(case.table))], np.int32)
    adapter[rng.randrange(len(adapter))] = 0
    table = with_adapters(case.table, adapter, names)
    scenario = case.scenario
    pools = tuple(replace(pool, lora=rng.choice([None, random_lora(rng)])) for pool in scenario.pools)
    routing = scenario.cluster.routing
    if routing.policy == "weighted" and rng.random() < 0.8:
        others = tuple(scorer for scorer in routing.scorers if scorer.name != "lora-affinity")
        routing = replace(routing, scorers=(Scorer("lora-affinity", rng.choice([0.5, 1, 3])), *others))
    ages = replace(routing.signals, lora=Signal(rng.choice([0, 0, 7, 60, 400])))
    cluster = replace(scenario.cluster, routing=replace(routing, signals=ages))
    instance = replace(scenario.instance, lora=random_lora(rng))
    scenario = replace(scenario, cluster=cluster, instance=instance, pools=pools)
    return replace(case, scenario=scenario, table=table, compat=Compat())


def random_lora(rng: Random) -> Lora:
    """One place or a few, as many or more in memory, and times that are nothing or much."""
    places = rng.choice([1, 1, 2, 3])
    return Lora(
        max_loras=places,
        max_cpu_loras=rng.choice([0, places, places + 1, places + 3]),
        load_us=rng.choice([0, 1, 30, 500]),
        fetch_us=rng.choice([0, 7, 900]),
        step_factor=rng.choice([1, 1, 1.3, 2.05]),
    )
