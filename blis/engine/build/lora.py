"""LoRA adapters as numbers and arrays; no rows where all requests are for the base model (docs/lora.md)."""

from __future__ import annotations

import numpy as np

from blis.config import Compat, Scenario
from blis.engine.build.arrays import blank
from blis.engine.records import ADAPTER, NONE
from blis.engine.world import Array
from blis.errors import InputError
from blis.tables.requests import RequestTable


def check_lora(scenario: Scenario, table: RequestTable, compat: Compat) -> None:
    """Raise InputError where requests ask for adapters that nobody serves, or in a run like the original's."""
    if table.adapter is None:
        return
    asks = f"requests ask for LoRA adapters such as {table.adapter_names[int(table.adapter.max())]!r}"
    if compat != Compat():
        raise InputError(f"compat: {asks}, which the original knows nothing of; leave one of the two out")
    without = [i for i, replica in enumerate(scenario.replicas) if not replica.instance.lora.any]
    if without:
        raise InputError(f"instance.lora.max_loras must be at least 1: {asks}, and instance {without[0]} serves none")


def encode_lora(scenario: Scenario, table: RequestTable) -> tuple[dict[str, float], dict[str, Array]]:
    """The numbers of CONFIG and the arrays of World."""
    adapters = 0 if table.adapter is None else len(table.adapter_names)
    arrays = {
        "adapters": blank(ADAPTER, (scenario.cluster.places, adapters)),
        "adapter": np.empty(0, np.int32) if table.adapter is None else np.array(table.adapter),
        "adapter_us": np.full(len(table) if adapters else 0, NONE),
    }
    return {"adapters": adapters}, arrays
