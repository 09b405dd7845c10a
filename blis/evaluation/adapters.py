"""LoRA adapters in the summary of a run: how often one was brought to a GPU, what its requests got (docs/lora.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blis.evaluation.distribution import US_PER_MS, Distribution, known
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

#: Adapters that are listed, those with the most requests.
LISTED = 20
BASE = "base model"


@dataclass(frozen=True)
class AdapterMetrics:
    """Numbers of a run in which requests are for adapters; times in ms."""

    asked_for: int  # different adapters
    loads: int  # adapters brought to a GPU
    fetches: int  # of these, from beyond CPU memory
    waited_ms: float  # what steps waited for that
    brought: int  # requests that were admitted with their adapter, which was not there
    ttft: dict[str, Distribution]  # of the most frequent ones and of the base model, by name

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "adapters_asked_for": self.asked_for,
            "adapter_loads": self.loads,
            "adapter_fetches": self.fetches,
            "adapter_wait_ms": self.waited_ms,
            "requests_that_waited_for_their_adapter": self.brought,
            "adapters": {name: ttft.flat("ttft") for name, ttft in self.ttft.items()},
        }


def adapter_metrics(table: RequestTable, result: ResultTable) -> AdapterMetrics | None:
    """The numbers of a run; None where all requests are for the base model."""
    if table.adapter is None or result.adapter_us is None:
        return None
    count = np.bincount(table.adapter[table.adapter >= 0], minlength=len(table.adapter_names))
    listed = np.argsort(-count, kind="stable")[:LISTED]
    ttft = {table.adapter_names[a]: known(result.ttft_us[table.adapter == a]) for a in listed.tolist() if count[a]}
    if (table.adapter < 0).any():
        ttft[BASE] = known(result.ttft_us[table.adapter < 0])
    return AdapterMetrics(
        asked_for=int(np.count_nonzero(count)),
        loads=int(result.instances["adapter_loads"].sum()),
        fetches=int(result.instances["adapter_fetches"].sum()),
        waited_ms=int(result.instances["adapter_us"].sum()) / US_PER_MS,
        brought=int(np.count_nonzero(result.adapter_us > 0)),
        ttft=ttft,
    )
