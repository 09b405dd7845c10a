"""The laws of prompts that another instance computes: nobody generates before the KV is there, each moves once.

The prefills themselves keep the laws of all requests (laws.py looks at them as at such without output). Looked at only
where instances have roles.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.tables.handovers import Handovers
from blis.tables.records import ABANDONED, COMPLETED, DROPPED, IN_TRANSIT, LOST
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Mask = NDArray[np.bool_]


def broken_handovers(scenario: Scenario, table: RequestTable, result: ResultTable, moved: Handovers) -> Iterator[str]:
    """One line for each law that is broken, with the first request that shows it."""
    roles = np.array([*(replica.role for replica in scenario.replicas), "nowhere"])
    block_tokens = scenario.replicas[0].instance.kv.block_size_tokens
    lacked = -(-table.input_tokens // block_tokens) - result.cached_tokens // block_tokens
    asked, there = moved.asked_us >= 0, moved.there_us >= 0
    laws: list[tuple[str, Mask]] = [
        ("generates on an instance that only computes prompts", roles[result.instance] == "prefill"),
        ("has its prompt computed by an instance that only generates", roles[moved.instance] == "decode"),
        ("has its prompt computed elsewhere by the instance that generates", _same(result, moved)),
        ("reached a queue before its prompt was computed", _before(result.queued_us, moved.completed_us)),
        ("has other events than its prefill lets it have", _early(result, moved)),
        ("had its KV moved before it was computed", _before(moved.asked_us, moved.completed_us)),
        ("had its KV moved before it was queued", _before(moved.asked_us, result.queued_us)),
        ("had KV that was never asked for", there & ~asked),
        ("generates before its KV is there", asked & (result.scheduled_us >= 0) & ~_after(result, moved)),
        (
            "moved another number of blocks than it lacked",
            asked & (moved.blocks != lacked),
        ),
    ]
    if not scenario.cluster.failures.any:  # else links were busy for those who are not known of any more
        laws.append(("had its KV at another time than its sender's link says", _off_the_link(scenario, moved)))
    for words, broken in laws:
        if broken.any():
            yield f"request {int(np.argmax(broken))} {words}" + _others(int(np.count_nonzero(broken)))


def held_blocks(result: ResultTable, moved: Handovers) -> NDArray[np.int64]:
    """[instances] requests that hold blocks and do not run: they wait for their KV, or for it to be fetched."""
    count = len(result.instances)
    waits = (moved.asked_us >= 0) & (moved.there_us < 0)
    here = waits | ((moved.asked_us >= 0) & (result.scheduled_us < 0))
    held = (moved.status == COMPLETED) & (moved.there_us < 0)
    return np.bincount(result.instance[here], minlength=count) + np.bincount(moved.instance[held], minlength=count)


def _others(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def _same(result: ResultTable, moved: Handovers) -> Mask:
    return (moved.instance >= 0) & (moved.instance == result.instance)


def _before(first_us: NDArray[np.int64], second_us: NDArray[np.int64]) -> Mask:
    """[n] whether the one was before the other, where both were."""
    return (first_us >= 0) & (second_us >= 0) & (first_us < second_us)


def _early(result: ResultTable, moved: Handovers) -> Mask:
    """[n] whether one is in a queue whose prompt is still being computed elsewhere."""
    under_way = (moved.instance >= 0) & ~np.isin(moved.status, (COMPLETED, DROPPED, LOST, ABANDONED))
    elsewhere = np.isin(result.status, (IN_TRANSIT, LOST))  # of those lost a step behind the horizon may still run
    return under_way & (~elsewhere | (result.queued_us >= 0))


def _after(result: ResultTable, moved: Handovers) -> Mask:
    return (moved.there_us >= 0) & (result.scheduled_us >= moved.there_us)


def _off_the_link(scenario: Scenario, moved: Handovers) -> Mask:
    """[n] whose KV came at another time than that at which a link that serves one after the other has moved it."""
    transfer, wrong = scenario.cluster.kv_transfer, np.zeros(len(moved.blocks), np.bool_)
    block_bytes = scenario.token_bytes * scenario.replicas[0].instance.kv.block_size_tokens
    took_us = -(-moved.blocks * block_bytes // transfer.bytes_per_us)
    for sender in np.unique(moved.instance[moved.asked_us >= 0]):
        rows = np.flatnonzero((moved.instance == sender) & (moved.asked_us >= 0))
        total_us = took_us[rows]
        end_us = moved.there_us[rows] - transfer.latency_us
        done = moved.there_us[rows] >= 0
        wrong[rows] = done & (end_us - total_us < moved.asked_us[rows])
        order = np.argsort(np.where(done, end_us, np.iinfo(np.int64).max), kind="stable")
        first, second = order[:-1], order[1:]
        begun_us = np.maximum(moved.asked_us[rows][second], end_us[first])
        wrong[rows[second]] |= done[second] & (end_us[second] - total_us[second] != begun_us)
    return wrong
