"""Random scenarios that hurt: tight caches, tiny budgets, ties, shared and branching content, any control plane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import islice
from random import Random

import numpy as np

from blis.config import (
    KV,
    Batch,
    Compat,
    Failures,
    Instance,
    LatencyModel,
    Pool,
    Scenario,
)
from blis.engine.observe import Observe
from blis.tables.requests import RequestTable
from blis.workload.assemble import table_from_tokens
from tests.laws.random_control import (
    dressed,
    random_autoscaling,
    random_breaker,
    random_clients,
    random_cluster,
    random_disaggregation,
    random_failures,
    random_hedging,
    random_labels,
    random_retries,
    random_roles,
    random_startup,
    random_tiers,
    random_transfer,
)
from tests.laws.random_engines import with_engines

LONG_TOKENS = 260


@dataclass(frozen=True)
class Case:
    """One random simulation."""

    scenario: Scenario
    table: RequestTable
    compat: Compat
    observe: Observe


def random_case(rng: Random, max_requests: int = 14) -> Case:
    """Draw a case; small numbers so that everything collides."""
    block_tokens = rng.choice([1, 2, 3, 3, 4, 16])
    compat = random_compat(rng)
    prompts, outputs = _content(rng, rng.randint(1, max_requests), block_tokens)
    arrivals, now_us = [], 0
    for _ in prompts:
        now_us += rng.choice([0, 0, 1, 7, 20, 50, rng.randint(0, 400)])
        arrivals.append(now_us)
    table = table_from_tokens(arrivals, prompts, outputs)
    scenario = Scenario(
        instance=Instance(
            latency_model=LatencyModel(
                alpha=(rng.choice([0, 1, 20]), rng.choice([0, 1, 0.7]), rng.choice([0, 3])),
                beta=(rng.choice([1, 10, 25.5]), rng.choice([0, 1, 2.3]), rng.choice([0, 1, 0.4])),
            ),
            kv=_kv(rng, prompts, outputs, block_tokens),
            batch=Batch(
                max_running=rng.choice([1, 2, 3, 4, 8, 100]),
                max_scheduled_tokens=rng.choice([rng.randint(1, 8), rng.randint(1, 40), 1000]),
                long_prefill_threshold=rng.choice([0, 0, 1, 2, 3, 7, 20]),
            ),
        ),
        horizon_us=rng.choice([None, None, None, rng.randint(1, 3000)]),
    )
    scenario, table = _with_control(rng, _with_tier(rng, scenario), table)
    scenario, table = with_engines(rng, scenario, table)
    observe = _observe(rng, table, scenario.cluster.instances)
    scenario = _with_linear(rng, scenario) if rng.random() < 0.15 else scenario
    return Case(scenario, table if compat.ids_as_text or rng.random() < 0.6 else looped(rng, table), compat, observe)


def failing_case(rng: Random, max_requests: int = 14) -> Case:
    """A case in which instances fail."""
    return failing(rng, random_case(rng, max_requests))


def failing(rng: Random, case: Case) -> Case:
    """The case, with instances that fail."""
    cluster = case.scenario.cluster
    last_us = 2 * int(case.table.arrival_us.max()) + rng.choice([20, 400, 3000])
    failing = replace(
        cluster,
        failures=random_failures(rng, cluster.places, last_us),
        retries=random_retries(rng),
        breaker=random_breaker(rng),
        startup=random_startup(rng),
    )
    return replace(case, scenario=replace(case.scenario, cluster=failing), compat=Compat())


def scaling_case(rng: Random, max_requests: int = 14) -> Case:
    """A case in which instances come and go, in half of all cases fail, too, and in some clients give up."""
    return scaling(rng, rng.choice([random_case, random_case, impatient_case])(rng, max_requests))


def scaling(rng: Random, case: Case) -> Case:
    """The case, with an autoscaler."""
    cluster = replace(
        case.scenario.cluster,
        retries=random_retries(rng),
        breaker=random_breaker(rng),
        startup=random_startup(rng),
    )
    scaling = random_autoscaling(rng, cluster.flow_control.enabled)
    cluster = replace(cluster, autoscaling=scaling, failures=Failures())
    forced = case.observe.forced_instance < cluster.places
    observe = case.observe if forced else replace(case.observe, forced_row=-1, forced_instance=-1)
    found = replace(case, scenario=replace(case.scenario, cluster=cluster, pools=()), compat=Compat(), observe=observe)
    return failing(rng, found) if rng.random() < 0.5 else found


def apart_case(rng: Random, max_requests: int = 14) -> Case:
    """A case in which prompts are computed by other instances than those that generate."""
    return apart(rng, random_case(rng, max_requests))


def apart(rng: Random, case: Case) -> Case:
    """The case, with two to six instances that have roles, some of them both, and no tier below the GPU."""
    scenario = case.scenario
    pools = [replace(pool, kv=pool.kv and replace(pool.kv, cpu_blocks=0)) for pool in scenario.pools]
    pools = pools or [Pool(scenario.cluster.instances)]
    pools += [replace(rng.choice(pools), count=1)] if sum(pool.count for pool in pools) == 1 else []
    instances = sum(pool.count for pool in pools)
    first = rng.randint(1, instances - 1) if rng.random() < 0.5 else 0
    if not first:
        pools = [replace(pool, role=role) for pool, role in zip(pools, random_roles(rng, len(pools)), strict=True)]
        if {pool.role for pool in pools} == {"prefill"}:
            pools[-1] = replace(pools[-1], role="decode")
    apart = random_disaggregation(rng, first)
    policies = {scenario.cluster.routing.policy, apart.prefill.policy if apart.prefill else ""}
    if policies == {"prefix-affinity", "prefix-affinity-exact"}:  # refused
        apart = replace(apart, prefill=None)
    cluster = replace(
        scenario.cluster,
        instances=instances,
        disaggregation=apart,
        kv_transfer=random_transfer(rng),
    )
    instance = replace(scenario.instance, kv=replace(scenario.instance.kv, cpu_blocks=0))
    changed = replace(scenario, cluster=cluster, pools=tuple(pools), instance=instance)
    return replace(case, scenario=changed, compat=Compat())


def impatient_case(rng: Random, max_requests: int = 14) -> Case:
    """A case in which clients do not wait for ever, and in some instances fail besides."""
    return impatient(rng, rng.choice([random_case, failing_case])(rng, max_requests))


def impatient(rng: Random, case: Case) -> Case:
    """The case, with clients that give up or ask again."""
    clients = random_clients(rng, case.scenario.cluster.admission.latency_us)
    return replace(case, scenario=replace(case.scenario, clients=clients), compat=Compat())


def hedged_case(rng: Random, max_requests: int = 14) -> Case:
    """A case in which copies of requests are sent, and in most instances fail besides."""
    return hedged(rng, rng.choice([random_case, failing_case, failing_case])(rng, max_requests))


def hedged(rng: Random, case: Case) -> Case:
    """The case, with copies."""
    cluster = replace(case.scenario.cluster, hedging=random_hedging(rng))
    return replace(case, scenario=replace(case.scenario, cluster=cluster), compat=Compat())


def looped(rng: Random, table: RequestTable) -> RequestTable:
    """The table with some rows that follow one of those before them in their session, some of these the same one."""
    arrival_us, think_us = table.arrival_us.copy(), np.zeros(len(table), np.int64)
    predecessor = np.full(len(table), -1, np.int32)
    thoughts, share, opener = rng.choice([[1], [1, 2, 7], [1, 50, 400], [2000]]), rng.choice([0.3, 0.7, 1]), 0
    for row in range(1, len(table)):
        if rng.random() < share:
            arrival_us[row], think_us[row] = -1, rng.choice(thoughts)
            predecessor[row] = rng.choice([row - 1, rng.randint(opener, row - 1)])
        else:
            opener = row
    if (predecessor < 0).all():
        return table
    return replace(table, arrival_us=arrival_us, predecessor=predecessor, think_us=think_us, cache={})


def _kv(rng: Random, prompts: list[list[int]], outputs: list[list[int]], block_tokens: int) -> KV:
    """Room for the largest request and little or much more, for its beginning, for hardly anything, or for all."""
    prompt = -(-max(map(len, prompts)) // block_tokens)
    largest = -(-max(len(a) + len(b) for a, b in zip(prompts, outputs, strict=True)) // block_tokens)
    sizes = [
        largest,
        rng.randint(largest, 3 * largest),
        rng.randint(prompt, largest),
        rng.randint(1, 2 * largest),
        500,
    ]
    return KV(max(1, rng.choice(sizes)), block_tokens)


def _with_control(rng: Random, scenario: Scenario, table: RequestTable) -> tuple[Scenario, RequestTable]:
    """Put one to six instances under any control plane, often in pools with labels."""
    counts = [rng.randint(1, 2) for _ in range(rng.randint(1, 3))]
    pools = tuple(Pool(count, random_labels(rng)) for count in counts)
    scenario = replace(
        scenario,
        cluster=random_cluster(rng, sum(counts)),
        pools=rng.choice([(), pools, pools]),
        slo_tiers=random_tiers(rng),
    )
    return scenario, dressed(rng, table) if rng.random() < 0.9 else table


def _observe(rng: Random, table: RequestTable, instances: int) -> Observe:
    """Everything is watched, what takes long less often; sometimes one request is sent elsewhere."""
    forced = (rng.randrange(len(table)), rng.randrange(instances)) if rng.random() < 0.2 else (-1, -1)
    long = table.output_tokens.max() >= LONG_TOKENS
    sample_us = rng.choice([0, 0, 300, 5000] if long else [0, 1, 10, 17, 300])
    decisions = rng.random() < 0.8
    return Observe(sample_us, decisions, forced_row=forced[0], forced_instance=forced[1])


def _with_tier(rng: Random, scenario: Scenario) -> Scenario:
    """Put a second KV tier under every other cache, some with steps so long that nothing thrashes."""
    instance = scenario.instance
    model = instance.latency_model
    if rng.random() < 0.3:
        model = replace(model, beta=(rng.choice([400.0, 990.5, 1000.0, 3000.0]), *model.beta[1:]))
    kv = replace(
        instance.kv,
        cpu_blocks=rng.choice([0, 0, 1, 3, rng.randint(1, instance.kv.blocks), 4 * instance.kv.blocks, 10_000]),
        transfer_bandwidth=rng.choice([100.0, 1.0, 0.3]),
        transfer_base_latency_us=rng.choice([0, 5, 40]),
    )
    return replace(scenario, instance=replace(instance, latency_model=model, kv=kv))


def _with_linear(rng: Random, scenario: Scenario) -> Scenario:
    """The same steps and more, told as a sum of terms; without those of context, now and then, so that it leaps."""
    model = scenario.instance.latency_model
    fixed_us, prefill_us, decode_us = model.beta
    parameters = {
        "fixed_us": fixed_us,
        "prefill_us_token": prefill_us,
        "prefill_us_request": rng.choice([0, 3.3]),
        "decode_us_request": decode_us,
        "context_us_token": rng.choice([0, 0, 0.01, 1.5]),
        "pair_us": rng.choice([0, 0, 0.02]),
        "ramp_us": rng.choice([0, 40.5, 700.0]),
        "ramp_tokens": rng.choice([1.0, 8.0, 32.0]),
    }
    linear = LatencyModel("linear", model.alpha, (), parameters=parameters)
    return replace(scenario, instance=replace(scenario.instance, latency_model=linear))


def random_compat(rng: Random) -> Compat:
    """STRICT half of the time, `compat: original`, a few of its switches, or the one under which requests outgrow."""
    kind = rng.random()
    if kind < 0.5:
        return Compat()
    if kind < 0.65:
        return Compat(fit_prompt_only=True)
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
    if rng.random() < 0.15:
        lengthen(rng, outputs, unique)
    return prompts, outputs


def lengthen(rng: Random, outputs: list[list[int]], unique: Iterator[int]) -> None:
    """Make one output or two so long that no byte can count the tokens; the last one, for which nobody waits, leaps."""
    for _ in range(rng.choice([1, 1, 2])):
        row = rng.choice([-1, rng.randrange(len(outputs))])
        outputs[row] = list(islice(unique, rng.randint(LONG_TOKENS, LONG_TOKENS + 40)))
