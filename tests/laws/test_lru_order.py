"""Cached blocks leave in the order in which they became free, the end of a sequence before its beginning.

What became free when is seen from outside, step by step: no oracle says it.
"""

from __future__ import annotations

from itertools import count, islice
from random import Random

import numpy as np
import pytest

from blis.config import KV, Batch, Cluster, Compat, Instance, LatencyModel, Scenario
from blis.engine.build.state import encode
from blis.engine.observe import Observe
from blis.engine.run import resume, simulate
from blis.workload.assemble import table_from_tokens
from tests.laws.against_oracle import BlockLabels, free_list
from tests.laws.random_cases import Case

SEEDS = range(40)


def crowd(seed: int) -> Case:
    """Requests that begin alike and live for two steps at least, in a cache that holds hardly two of them."""
    rng, unique = Random(seed), count(1000)
    block_tokens = rng.choice([1, 2, 3])
    prompts = [[*range(rng.randint(0, 24)), *islice(unique, rng.randint(1, 6))] for _ in range(10)]
    outputs = [list(islice(unique, rng.randint(2, 12))) for _ in prompts]
    table = table_from_tokens(np.cumsum([rng.choice([0, 5, 20, 60]) for _ in prompts]), prompts, outputs)
    largest = -(-int((table.input_tokens + table.output_tokens).max()) // block_tokens)
    kv = KV(rng.randint(largest, 2 * largest), block_tokens)
    instance = Instance(LatencyModel(alpha=(0, 0, 0), beta=(10, 0, 0)), kv, Batch(4, rng.choice([6, 30])))
    return Case(Scenario(instance, Cluster(1)), table, Compat(), Observe())


def test_blocks_of_the_crowd_are_found_again_and_lack():
    results = [simulate(crowd(seed).scenario, crowd(seed).table) for seed in SEEDS]
    assert sum(int(found.instances["hit_blocks"].sum()) for found in results) > 1000
    assert sum(int(found.preemptions.sum()) for found in results) > 50


@pytest.mark.parametrize("seed", SEEDS)
def test_free_blocks_leave_in_the_order_in_which_they_became_free(seed: int):
    case = crowd(seed)
    labels = BlockLabels(case)
    blocks = case.table.input_tokens // labels.block_tokens
    prompts = [[labels.of_row(row, block) for block in range(blocks[row])] for row in range(len(blocks))]
    state = encode(case.scenario, case.table, case.compat)
    since: dict[tuple[str, int, int], int] = {}
    for step in count():
        if not resume(state, steps=1):
            break
        free = [label for label in free_list(state.arrays, 0, labels) if label is not None]
        since = {label: since.get(label, step) for label in free}
        assert list(since.values()) == sorted(since.values())
        place = {label: position for position, label in enumerate(free)}
        for prompt in prompts:
            places = [place[label] for label in prompt if label in place]
            assert places == sorted(places, reverse=True)
