"""Random scenarios that hurt: tight caches, tiny budgets, ties, shared and branching content, stale signals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

from blis.config import (
    KV,
    Admission,
    Batch,
    Cluster,
    Compat,
    Instance,
    LatencyModel,
    Routing,
    Scenario,
    Scorer,
    Signal,
    Signals,
    TokenBucket,
)
from blis.policies.scorers import SCORERS
from blis.requests import RequestTable
from blis.workload.assemble import table_from_tokens


@dataclass(frozen=True)
class Case:
    """One random simulation."""

    scenario: Scenario
    table: RequestTable
    compat: Compat


def random_case(rng: Random, max_requests: int = 14) -> Case:
    """Draw a case; small numbers so that everything collides."""
    block_tokens = rng.choice([1, 2, 3, 3, 4, 16])
    compat = _compat(rng)
    prompts, outputs = _content(rng, rng.randint(1, max_requests), block_tokens)
    arrivals, now_us = [], 0
    for _ in prompts:
        now_us += rng.choice([0, 0, 1, 7, 20, 50, rng.randint(0, 400)])
        arrivals.append(now_us)
    table = table_from_tokens(arrivals, prompts, outputs)
    footprints = [len(p) + len(o) for p, o in zip(prompts, outputs, strict=True)]
    largest = -(-max(footprints) // block_tokens)
    scenario = Scenario(
        instance=Instance(
            latency_model=LatencyModel(
                alpha=(rng.choice([0, 1, 20]), rng.choice([0, 1, 0.7]), rng.choice([0, 3])),
                beta=(rng.choice([1, 10, 25.5]), rng.choice([0, 1, 2.3]), rng.choice([0, 1, 0.4])),
            ),
            kv=KV(
                blocks=max(
                    1, rng.choice([largest, rng.randint(largest, 3 * largest), rng.randint(1, 2 * largest), 500])
                ),
                block_size_tokens=block_tokens,
            ),
            batch=Batch(
                max_running=rng.choice([1, 2, 3, 4, 8, 100]),
                max_scheduled_tokens=rng.choice([rng.randint(1, 8), rng.randint(1, 40), 1000]),
                long_prefill_threshold=rng.choice([0, 0, 1, 2, 3, 7, 20]),
            ),
        ),
        cluster=_cluster(rng),
        horizon_us=rng.choice([None, None, None, rng.randint(1, 3000)]),
    )
    return Case(scenario, table, compat)


def _compat(rng: Random) -> Compat:
    """STRICT most of the time, `compat: original`, or a few of its switches."""
    kind = rng.random()
    if kind < 0.6:
        return Compat()
    if kind < 0.8:
        return Compat.original()
    return Compat(**{field.name: rng.random() < 0.3 for field in fields(Compat)})


def _content(rng: Random, count: int, block_tokens: int) -> tuple[list[list[int]], list[list[int]]]:
    """Prompts and outputs: shared prefixes of two groups, conversations that continue, tiny alphabets, repeats."""
    unique = iter(range(1000, 10**9))
    long = rng.choice([4, 12, 30]) * rng.choice([1, block_tokens])
    prompts: list[list[int]] = []
    outputs: list[list[int]] = []
    for _ in range(count):
        own = [next(unique) for _ in range(rng.randint(0, long))]
        kind = rng.random()
        if kind < 0.45:
            group = 100_000_000 * rng.randint(1, 2)
            prompt = [
                group + k for k in range(rng.choice([rng.randint(0, long), block_tokens * rng.randint(0, 4), long]))
            ]
            prompt += rng.choice([[], own])
        elif kind < 0.65 and prompts:
            turn = rng.randrange(len(prompts))
            sequence = prompts[turn] + outputs[turn]
            prompt = sequence[: rng.choice([len(sequence), rng.randint(1, len(sequence))])] + rng.choice([[], own])
        elif kind < 0.75:
            prompt = [rng.randint(0, 1) for _ in range(rng.randint(1, long))]
        elif kind < 0.85 and prompts:
            prompt = list(rng.choice(prompts))
        else:
            prompt = own
        prompts.append((prompt or [next(unique)])[: 4 * long + 1])
        length = rng.choice([0, 1, 2, 3, rng.randint(0, long), rng.randint(0, 3 * block_tokens)])
        alphabet = rng.random() < 0.15
        outputs.append([rng.randint(0, 1) if alphabet else next(unique) for _ in range(length)])
    return prompts, outputs


def _cluster(rng: Random) -> Cluster:
    """One to three instances, any routing and admission template, fresh or stale signals."""
    scorers = [Scorer(name, rng.choice([1.0, 2.0, 0.3, 5.0])) for name in rng.sample(list(SCORERS), rng.randint(1, 5))]
    ages = rng.choice(
        [(0, 0, 0), (30, 30, 30), (rng.choice([0, 13, 100]), rng.choice([0, 20]), rng.choice([0, 7, 50]))]
    )
    refresh_us = rng.choice([0, 0, 40]) if ages[2] == 0 else 0
    return Cluster(
        instances=rng.randint(1, 3),
        admission=Admission(
            policy=rng.choice(["always-admit", "always-admit", "always-admit", "token-bucket", "reject-all"])
            if rng.random() < 0.9
            else "always-admit",
            latency_us=rng.choice([0, 0, 5]),
            token_bucket=TokenBucket(rng.choice([5.0, 40.0, 200.0]), rng.choice([0.0, 1e4, 1e5, 1e6])),
        ),
        routing=Routing(
            policy=rng.choice(["round-robin", "least-loaded", "weighted", "weighted", "weighted"]),
            latency_us=rng.choice([0, 0, 3]),
            snapshot_refresh_us=refresh_us,
            scorers=tuple(scorers),
            tie_break=rng.choice(["first", "random"]),
            signals=Signals(*(Signal(age) for age in ages)),
            prefix_index_blocks=rng.choice([1, 2, 5, 20, 10_000]),
        ),
    )
