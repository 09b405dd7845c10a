"""Random scenarios in which tokens are guessed ahead (docs/speculative.md)."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from blis.config import Batch, Compat, Drafter
from tests.laws.random_cases import (
    Case,
    apart_case,
    failing_case,
    hedged_case,
    impatient_case,
    random_case,
    scaling_case,
)
from tests.laws.random_lora import adapted_case
from tests.laws.tight_cases import tight_case


def guessing_case(rng: Random, max_requests: int = 14) -> Case:
    """A case of any kind in which tokens are guessed ahead."""
    if rng.random() < 0.4:
        return guessing(rng, tight_case(rng.randrange(150)))
    kinds = [random_case, failing_case, scaling_case, apart_case, impatient_case, adapted_case, hedged_case]
    return guessing(rng, rng.choice(kinds)(rng, max_requests))


def guessing(rng: Random, case: Case) -> Case:
    """The case, with draft tokens on the instances, and now and then other ones in each pool."""
    scenario = case.scenario
    drafts = rng.choice([1, 1, 2, 3, 7])
    chances = sorted((rng.choice([0.0, 0.3, 0.7, 1.0, rng.random()]) for _ in range(drafts)), reverse=True)
    drafter = rng.choice([
        Drafter(rng.choice([0.2, 0.7, 0.95, 1.0]), draft_us=rng.choice([0, 0, 3, 50])),
        Drafter(accepted_per_position=tuple(chances), draft_us=rng.choice([0, 7])),
    ])  # fmt: skip
    kv = scenario.instance.kv
    if rng.random() < 0.7:  # else the largest request is often dropped, for want of room for its drafts
        kv = replace(kv, blocks=kv.blocks + -(-drafts // kv.block_size_tokens))
    instance = replace(scenario.instance, batch=_with_drafts(scenario.instance.batch, drafts), drafter=drafter, kv=kv)
    pools = tuple(
        replace(pool, batch=pool.batch and _with_drafts(pool.batch, rng.randint(0, drafts))) for pool in scenario.pools
    )
    return replace(case, scenario=replace(scenario, instance=instance, pools=pools), compat=Compat())


def _with_drafts(batch: Batch, drafts: int) -> Batch:
    tokens = max(batch.max_scheduled_tokens, 1 + drafts)
    return replace(batch, max_scheduled_tokens=tokens, speculative_tokens=drafts)
