"""Prompts that another instance computed: how many, and what their first token waited for (docs/disaggregation.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blis.evaluation.distribution import Distribution, distribution
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

#: What the time to the first token consists of, one after the other.
PARTS = ("prefill_wait", "prefill", "kv_wait", "kv_transfer", "decode_wait")


@dataclass(frozen=True)
class HandoverMetrics:
    """Numbers of the requests whose KV was moved and that have their first token; times in ms."""

    prefilled_elsewhere: int  # requests whose prompt another instance has computed, whether its KV was moved or not
    moved: int  # those whose KV was
    moved_blocks: int
    parts: dict[str, Distribution]  # by PARTS; their means add up to that of the TTFT of these requests

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        values: dict[str, Any] = {
            "prefilled_elsewhere": self.prefilled_elsewhere,
            "kv_moved_requests": self.moved,
            "kv_moved_blocks": self.moved_blocks,
        }
        for name, part in self.parts.items():
            values |= part.flat(name)
        return values


def prefills(result: ResultTable) -> int:
    """Prefills that were sent to an instance of their own, beside the requests that they are of."""
    return 0 if result.prefills is None else int(np.count_nonzero(result.prefills.instance >= 0))


def prefill_tokens(table: RequestTable, result: ResultTable) -> int:
    """Input tokens of prefills that entered a wait queue, of requests that enter another one."""
    if result.prefills is None:
        return 0
    entered = np.flatnonzero(result.prefills.queued_us >= 0)
    return int(table.input_tokens[entered % max(len(table), 1)].sum())


def handover_metrics(result: ResultTable) -> HandoverMetrics | None:
    """The numbers of a run; None where instances have no roles."""
    moved = result.handovers
    if moved is None:
        return None
    there = (moved.there_us >= 0) & (result.ttft_us >= 0)
    first_us = result.arrival_us + result.ttft_us
    turns = (
        result.arrival_us,
        moved.scheduled_us,
        moved.completed_us,
        moved.asked_us,
        moved.there_us,
        first_us,
    )
    spans = zip(PARTS, turns[:-1], turns[1:], strict=True)
    return HandoverMetrics(
        prefilled_elsewhere=int(np.count_nonzero(moved.completed_us >= 0)),
        moved=int(np.count_nonzero(moved.there_us >= 0)),
        moved_blocks=int(moved.blocks[moved.there_us >= 0].sum()),
        parts={name: distribution((to_us - from_us)[there]) for name, from_us, to_us in spans},
    )
