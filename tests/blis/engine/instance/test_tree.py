from random import Random
from typing import NamedTuple

import numpy as np
import pytest

from blis.engine.instance import tree
from blis.engine.records import NONE, ORDER
from tests.kernels import callable_kernel

with_one, without_first = (callable_kernel(kernel) for kernel in (tree.with_one, tree.without_first))


class Waiting(NamedTuple):
    """As much of a world as a tree needs."""

    order: np.recarray


def waiting(ranks, ties):
    """Requests of these ranks that wait nowhere yet."""
    order = np.zeros(len(ranks), ORDER).view(np.recarray)
    order.rank, order.tie = ranks, ties
    return Waiting(order)


@pytest.mark.parametrize("seed", range(10))
def test_requests_come_out_in_order_of_rank_then_tie_whoever_came_between(seed):
    rng, n = Random(seed), 300
    ranks, ties = [rng.randint(0, 9) for _ in range(n)], rng.sample(range(n), n)
    world, root, twin = waiting(ranks, ties), NONE, []
    for r in range(n):
        root = with_one(world, root, r)
        twin.append((ranks[r], ties[r], r))
        while twin and rng.random() < 0.45:
            assert root == min(twin)[2]
            root = without_first(world, root)
            twin.remove(min(twin))
    for _, _, r in sorted(twin):
        assert root == r
        root = without_first(world, root)
    assert root == NONE


@pytest.mark.parametrize("ranks", [range(20_000), range(20_000, 0, -1)])
def test_many_that_come_in_order_or_against_it(ranks):
    world = waiting(list(ranks), [0] * len(ranks))
    root = NONE
    for r in range(len(ranks)):
        root = with_one(world, root, r)
    out = []
    while root != NONE:
        out.append(ranks[root])
        root = without_first(world, root)
    assert out == sorted(ranks)


def test_trees_of_one_table_know_nothing_of_each_other():
    world = waiting([3, 1, 2], [0, 0, 0])
    first, second = with_one(world, NONE, 0), with_one(world, NONE, 2)
    first = with_one(world, first, 1)
    assert (first, second) == (1, 2)
    assert without_first(world, first) == 0 and without_first(world, second) == NONE
