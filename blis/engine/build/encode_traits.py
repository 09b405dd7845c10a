"""What the control plane may know of requests, as one record a request; only what somebody reads is filled in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.build.arrays import Records, blank
from blis.engine.gateway.records import PLACE, TRAITS
from blis.engine.world import Array
from blis.tables.requests import RequestTable

#: Fields of TRAITS with the purpose that `RequestTable.draws` knows them by.
DRAWS = {"choice_1": "choice-1", "choice_2": "choice-2", "picker": "picker", "admission": "admission"}


def traits(scenario: Scenario, table: RequestTable, readers: Mapping[str, int], placed: bool) -> Array:
    """[n] TRAITS. readers: who reads a fact, by its name; placed: placements matter."""
    flow = scenario.cluster.flow_control
    found = blank(TRAITS, len(table))
    if readers["tenant"] or readers["tenants"] or flow.enabled:
        found.tenant = table.tenant
    if readers["session"]:
        found.session = table.session
    if placed and table.placement is not None:
        found.placement = table.placement
    if readers["exact_home"]:
        found.prompt = prompts(table, scenario.replicas[0].instance.kv.block_size_tokens)
    if readers["priority"]:
        found.priority = _priorities(scenario, table)[table.slo_class]
    if flow.enabled:
        found.band = _bands(scenario, table)[table.slo_class]
        found.rank = _ranks(scenario, table)
    for field, purpose in DRAWS.items():
        if readers[purpose]:
            found[field] = table.draws(purpose)
    return found


def places(scenario: Scenario, table: RequestTable) -> Array:
    """[placements, I] PLACE: where the requests of a placement may run, and how much they like it."""
    pools = [(pool.labels, pool.count) for pool in scenario.pools] or [({}, scenario.cluster.places)]
    found = np.zeros((len(table.placements), len(pools)), PLACE)
    for row, placement in enumerate(table.placements):
        for column, (labels, _) in enumerate(pools):
            found[row, column] = (placement.preference(labels), placement.allows(labels))
    return np.repeat(found, [count for _, count in pools], axis=1).view(Records)


def prompts(table: RequestTable, block_tokens: int) -> NDArray[np.int32]:
    """[n] numbers from 0, equal for prompts that are equal up to the end of their last full block.

    Of prompts shorter than a block the whole must be equal. Made once and kept with the table.
    """
    key = f"engine/prompts/{block_tokens}"
    if key not in table.cache:
        tokens = table.input_tokens
        last = np.where(tokens >= block_tokens, tokens // block_tokens * block_tokens, tokens) - 1
        # Where a node is entered, and how far into the sequence: together they are what came before.
        longest = int(table.path_end_token.max(initial=0)) + 1
        row = np.arange(len(table))
        ends = np.repeat(row, np.diff(table.path_offset)) * longest + table.path_end_token
        node = table.path_node[np.searchsorted(ends, row * longest + last, side="right")]
        pairs = np.stack([node.astype(np.int64), last], axis=1)
        table.cache[key] = np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)
    return table.cache[key]  # type: ignore[return-value]


def band_priorities(scenario: Scenario, table: RequestTable) -> list[float]:
    """The priorities that classes have, the highest first: a band of the gateway queue each."""
    return sorted({scenario.tier(name).priority for name in table.slo_names}, reverse=True)


def _bands(scenario: Scenario, table: RequestTable) -> NDArray[np.int64]:
    """[classes] the band of each class, 0 = the highest priority."""
    priorities = band_priorities(scenario, table)
    return np.array([priorities.index(priority) for priority in _priorities(scenario, table)])


def _priorities(scenario: Scenario, table: RequestTable) -> NDArray[np.float64]:
    """[classes] the priority of each class."""
    return np.array([scenario.tier(name).priority for name in table.slo_names])


def _ranks(scenario: Scenario, table: RequestTable) -> NDArray[np.int64]:
    """[n] place in the order in which the gateway queue serves requests of a band."""
    rows = np.arange(len(table))
    if table.closed:
        return np.zeros(len(table), np.int64)  # settled at arrivals
    if scenario.cluster.flow_control.ordering == "fcfs":
        return rows
    target_us = np.array([scenario.tier(name).ttft_ms * 1e3 for name in table.slo_names])
    ranks = np.empty_like(rows)
    ranks[np.argsort(table.arrival_us + target_us[table.slo_class], kind="stable")] = rows
    return ranks
