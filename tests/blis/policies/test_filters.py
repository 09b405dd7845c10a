"""Every filter on situations whose outcome can be told by hand."""

from __future__ import annotations

import pytest

from tests.blis.policies.situations import instances, kept, question


@pytest.mark.parametrize(
    ("matched", "tokens", "eligible", "blocks", "given", "left"),
    [
        ([8, 7, 10], [0, 0, 0], [1, 1, 1], 10, {}, [0, 2]),
        ([8, 7, 10], [0, 0, 0], [1, 1, 0], 10, {}, [0]),
        ([0, 0, 0], [0, 0, 0], [1, 1, 1], 10, {}, []),
        ([0, 0, 0], [0, 0, 0], [1, 1, 1], 0, {}, []),
        ([0, 5, 0], [0, 0, 0], [1, 1, 1], 10, {"threshold": 0.5}, [1]),
        ([0, 0, 10], [0, 500, 2049], [1, 1, 1], 10, {"max_queueing_penalty_ms": 100}, [0, 1, 2]),
        ([0, 0, 10], [0, 500, 2048], [1, 1, 1], 10, {"max_queueing_penalty_ms": 100}, [2]),
        ([0, 0, 10], [0, 500, 2049], [0, 1, 1], 10, {"max_queueing_penalty_ms": 100}, [2]),
        ([9, 0, 10], [2048, 0, 9999], [1, 1, 1], 10, {"max_queueing_penalty_ms": 100}, [0, 2]),
    ],
)
def test_prefix_affinity_is_sticky_until_saturated(matched, tokens, eligible, blocks, given, left):
    views = instances(3, eligible=eligible, matched_blocks=matched, in_flight_tokens=tokens)
    assert kept("prefix-affinity", views, question(prompt_blocks=blocks), **given) == left


def test_load_leaves_out_long_queues():
    assert kept("load", instances(3, queue_depth=[128, 129, 0]), question()) == [0, 2]
    assert kept("load", instances(3, queue_depth=[1, 2, 0]), question(), max_waiting=0) == [2]
    assert kept("load", instances(2, queue_depth=[5, 5]), question(), max_waiting=4) == []
