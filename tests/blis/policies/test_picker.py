"""The weighted-random picker: chances in proportion to scores, and even ones where no instance has any."""

from __future__ import annotations

import numpy as np

import blis
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups

SCENARIO = blis.load_scenario(
    {
        "cluster": {
            "instances": 4,
            "routing": {
                "policy": "weighted",
                "picker": "weighted-random",
                "scorers": [{"name": "prefix-affinity", "weight": 1}],
            },
        },
        "instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [10, 1, 1]}},
    }
)


def targets(group: np.ndarray) -> np.ndarray:
    """Where requests go that come far apart and start with 64 tokens of their group's; -1: with nothing shared."""
    n = len(group)
    lengths = np.full(n, 64)
    content = intern_prefix_groups(group, np.where(group < 0, 0, lengths), lengths, np.ones(n, int))
    table = assemble(content, arrival_us=1_000_000 * np.arange(n), input_tokens=lengths, output_tokens=np.ones(n))
    return blis.simulate(SCENARIO, table).table.instance


def test_nobody_has_a_score_and_all_are_alike():
    count = np.bincount(targets(np.full(2000, -1)), minlength=4)
    assert count.min() > 430 and count.max() < 570


def test_the_only_one_with_a_score_is_taken():
    chosen = targets(np.repeat(np.arange(50), 2))
    first, second = chosen[::2], chosen[1::2]
    np.testing.assert_array_equal(first, second)
    assert set(first.tolist()) == {0, 1, 2, 3}
