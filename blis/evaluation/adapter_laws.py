"""The laws of LoRA adapters: no batch has too many, every load is counted, and nobody runs without one (docs/lora.md).

Looked at only where requests are for adapters. n requests, those that are asked for again among them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Ints = NDArray[np.int64]


def broken_adapters(scenario: Scenario, table: RequestTable, result: ResultTable) -> Iterator[str]:
    """One line for each law that is broken, with the first request or instance that shows it."""
    assert table.adapter is not None and result.adapter_us is not None
    loras = [replica.instance.lora for replica in scenario.replicas]
    load_us, fetch_us, places = (
        np.array([getattr(lora, name) for lora in loras]) for name in ("load_us", "fetch_us", "max_loras")
    )
    counters, instance = result.instances, result.instance
    admitted = (result.scheduled_us >= 0) & (table.adapter >= 0)
    waited_us = np.bincount(instance[admitted], result.adapter_us[admitted], len(loras)).astype(np.int64)  # exact
    known = np.unique(instance[admitted] * len(table.adapter_names) + table.adapter[admitted])
    different = np.bincount(known // len(table.adapter_names), minlength=len(loras))
    charged_us = counters["adapter_loads"] * load_us + counters["adapter_fetches"] * fetch_us
    too_little = (
        counters["adapter_us"] < waited_us if result.retries is not None else counters["adapter_us"] != waited_us
    )
    for words, broken in (
        ("request {} has waited for an adapter, or has not, against what it is", admitted != (result.adapter_us >= 0)),
        ("instance {} waited for other times than its loads take", counters["adapter_us"] != charged_us),
        ("instance {} fetched more adapters than it loaded", counters["adapter_fetches"] > counters["adapter_loads"]),
        ("instance {} waited for adapters for other times than its requests", too_little),
        ("instance {} served an adapter that it never fetched", different > counters["adapter_fetches"]),
        ("instance {} had more adapters in a batch than places for them", _at_once(table, result) > places),
    ):
        if broken.any():
            count = int(np.count_nonzero(broken))
            yield words.format(int(np.argmax(broken))) + (f" (and {count - 1} more)" if count > 1 else "")


def _at_once(table: RequestTable, result: ResultTable) -> Ints:
    """[instances] adapters that a batch had at most, as far as tokens tell: of who was never out of it in between."""
    assert table.adapter is not None
    rows = np.flatnonzero((table.adapter >= 0) & (result.first_step >= 0) & (result.preemptions == 0))
    order = rows[np.lexsort((result.first_step[rows], table.adapter[rows], result.instance[rows]))]
    first, last = result.first_step[order].astype(np.int64), result.last_step[order].astype(np.int64)
    instance = result.instance[order].astype(np.int64)
    group = instance * len(table.adapter_names) + table.adapter[order]
    begins, ends = _joined(group, first, last)
    of = np.concatenate([instance[begins], instance[begins]])
    change = np.repeat([1, -1], len(begins))
    turns = np.lexsort((change, np.concatenate([first[begins], ends + 1]), of))
    found = np.zeros(len(result.instances), np.int64)
    np.maximum.at(found, of[turns], np.cumsum(change[turns]))
    return found


def _joined(group: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Spans of steps of each group, by their begin, as such that do not overlap: which begin one, and where it ends."""
    if not len(group):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    beyond = int(last.max()) + 2
    reach = np.maximum.accumulate(group * beyond + last)
    new = np.ones(len(group), np.bool_)
    new[1:] = group[1:] * beyond + first[1:] > reach[:-1]
    begins = np.flatnonzero(new)
    return begins, reach[np.append(begins[1:], len(group)) - 1] - group[begins] * beyond
