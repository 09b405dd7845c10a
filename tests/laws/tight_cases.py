"""Small scenarios that collide: a handful of requests that share a text, on a cache that hardly holds one of them.

`random_case` spreads its requests over every control plane; here nearly all meet on one instance. A case is known
by its number, and the smallest come first, so that the first one to fail is short enough to be read.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from blis.config import (
    KV,
    PREEMPTIONS,
    Batch,
    Cluster,
    Instance,
    LatencyModel,
    Routing,
    Scenario,
    Scorer,
    Signal,
    Signals,
)
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.workload.assemble import table_from_tokens
from tests.laws.random_cases import Case, lengthen, random_compat
from tests.laws.random_control import dressed, random_cluster, random_tiers
from tests.laws.random_engines import with_switches
from tests.oracle.known import SCHEDULER_NAMES

Tokens = list[list[int]]

STEP_US = 10


def tight_case(number: int) -> Case:
    """The case with this number: three requests at first, one more every ten cases."""
    rng = Random(number)
    block_tokens = rng.choice([1, 2, 2, 3, 4])
    prompts, outputs = _content(rng, min(3 + number // 10, 12), block_tokens)
    gaps_us = rng.choice([[0, 0, 0, 1, 7, STEP_US], [0, 0, STEP_US, 2 * STEP_US, 3 * STEP_US], [0, 150, 300]])
    table = table_from_tokens(np.cumsum([rng.choice(gaps_us) for _ in prompts]), prompts, outputs)
    compat = random_compat(rng)
    grows = compat.fit_prompt_only and rng.random() < 0.6  # beyond the cache, soon after it has begun
    stored = [len(a) + (0 if grows else len(b)) for a, b in zip(prompts, outputs, strict=True)]
    instance = _instance(rng, -(-max(stored) // block_tokens), block_tokens)
    if instance.scheduler != "fcfs" or instance.preemption != "tail" or rng.random() < 0.3:
        table = dressed(rng, table)
    scenario = Scenario(instance, _cluster(rng), slo_tiers=random_tiers(rng))
    observe = Observe(rng.choice([0, 0, STEP_US, 7]), rng.random() < 0.5)
    if rng.random() < 0.6:
        scenario = with_switches(rng, scenario, table)
    scenario = replace(scenario, horizon_us=_horizon(rng, Case(scenario, table, compat, observe)))
    return Case(scenario, table, compat, observe)


def _content(rng: Random, count: int, block_tokens: int) -> tuple[Tokens, Tokens]:
    """Prompts and outputs.

    Prompts are beginnings of one text that end anywhere, some with tokens of their own, and turns of a conversation
    that goes on. Outputs are new, or go on with the text, so that those who read and those who write it meet; one is
    long now and then.
    """
    unique = iter(range(1000, 10**9))
    text = list(range(rng.randint(2, 9) * block_tokens + rng.choice([0, rng.randrange(block_tokens)])))
    prompts: Tokens = []
    outputs: Tokens = []
    for _ in range(count):
        own = rng.choice([0, 0, 1, block_tokens, rng.randint(0, 3 * block_tokens)])
        length = rng.choice([0, 1, 2, block_tokens, *[rng.randint(block_tokens, 6 * block_tokens)] * 3])
        end = rng.choice([len(text), len(text), rng.randint(1, len(text)), block_tokens, 0])
        prompt, output = text[:end], [next(unique) for _ in range(length)]
        if own == 0 and rng.random() < 0.5:
            output[: len(text) - end] = text[end : end + length]
        elif prompts and rng.random() < 0.3:
            turn = rng.randrange(len(prompts))
            prompt = (prompts[turn] + outputs[turn])[: 12 * block_tokens]
        prompts.append([*prompt, *(next(unique) for _ in range(own))] or [next(unique)])
        outputs.append(output)
    if rng.random() < 0.1:
        lengthen(rng, outputs, unique)
    return prompts, outputs


def _instance(rng: Random, largest: int, block_tokens: int) -> Instance:
    """Room for the largest request and hardly more, a few tokens a step, any order of service."""
    blocks = max(1, largest + rng.choice([-2, -1, 0, 0, 1, 2, rng.randint(0, largest)]))
    return Instance(
        latency_model=LatencyModel(
            alpha=(rng.choice([0, 0, 1]), 0, rng.choice([0, 3])),
            beta=(rng.choice([STEP_US, STEP_US, 1, 1000]), rng.choice([0, 0, 1]), rng.choice([0, 0, 0.4])),
        ),
        kv=KV(
            blocks=blocks,
            block_size_tokens=block_tokens,
            cpu_blocks=rng.choice([0, 0, 2, 3, rng.randint(1, blocks), 10_000]),
            transfer_bandwidth=rng.choice([1.0, 0.3]),
            transfer_base_latency_us=rng.choice([0, 5]),
        ),
        batch=Batch(
            max_running=rng.choice([1, 2, 3, 8, 8]),
            max_scheduled_tokens=rng.choice([rng.randint(1, 6), rng.randint(4, 16), 1000]),
            long_prefill_threshold=rng.choice([0, 0, 1, 2, 3]),
        ),
        scheduler=rng.choice(["fcfs", "fcfs", "fcfs", "least-attained-service", *SCHEDULER_NAMES]),
        preemption=rng.choice(["tail", *PREEMPTIONS]),
    )


def _cluster(rng: Random) -> Cluster:
    """One instance or two, in turn, by what their caches hold, or behind a control plane of any kind."""
    instances = rng.choice([1, 1, 1, 2])
    kind = rng.random()
    if kind < 0.3:
        return random_cluster(rng, instances)
    if kind < 0.5:
        signals = Signals(cache=Signal(rng.choice([0, 7, 3 * STEP_US, 50 * STEP_US])))
        return Cluster(2, routing=Routing("weighted", scorers=(Scorer("precise-prefix-cache", 1),), signals=signals))
    return Cluster(instances, routing=Routing("round-robin"))


def _horizon(rng: Random, case: Case) -> int | None:
    """None, or an instant at which something happens, or a microsecond beside it."""
    if rng.random() < 0.75:
        return None
    result = simulate(case.scenario, case.table, case.compat)
    times = (case.table.arrival_us, result.queued_us, result.scheduled_us, result.first_token_us, result.completed_us)
    return max(int(rng.choice(np.unique(times))) + rng.choice([-1, 0, 0, 0, 1]), 1)
