"""The results of a run as columns, one row a request, and as a CSV file (architecture.md section 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blis.files import write_text
from blis.tables.client_side import client_side_us
from blis.tables.records import COMPLETED, REASONS
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

if TYPE_CHECKING:
    import pandas as pd

    from blis.config import Instance

#: Integer columns of the ResultTable in file order; -1 (never happened) is written as blank.
_LATENCIES = ("ttft_us", "e2e_us")
_CLIENT_SIDE = ("client_ttft_us", "client_e2e_us")  # there, if any client has a network
_TIMES_AND_COUNTS = (
    "scheduling_delay_us",
    "queued_us",
    "scheduled_us",
    "first_token_us",
    "completed_us",
    "cached_tokens",
    "generated_tokens",
    "preemptions",
)

#: Columns of prompts that another instance computed, and what they are called there.
_HANDOVERS = {
    "prefill_instance": "instance",
    "prefill_queued_us": "queued_us",
    "prefill_scheduled_us": "scheduled_us",
    "prefilled_us": "completed_us",
    "prefill_cached_tokens": "cached_tokens",
    "kv_asked_us": "asked_us",
    "kv_there_us": "there_us",
    "kv_moved_blocks": "blocks",
}

#: What an instance was started with, as far as a server's log would say it: `blis fit` and `blis calibrate` read it.
_STARTED_WITH: dict[str, Callable[[Instance], int]] = {
    "max_running": lambda instance: instance.batch.max_running,
    "max_scheduled_tokens": lambda instance: instance.batch.max_scheduled_tokens,
    "kv_blocks": lambda instance: instance.kv.blocks,
    "block_size_tokens": lambda instance: instance.kv.block_size_tokens,
}


def results_frame(requests: RequestTable, result: ResultTable, instances: Sequence[Instance]) -> pd.DataFrame:
    """One row a request in table order; NA where an event never happened.

    `itl_mean_us` is (E2E - TTFT) / max(output tokens - 1, 1) of completed requests, 0 without output tokens.
    Columns of the recorded results come first, then more of the result, what was asked for, what the instance
    was started with, and last, if any client has a network, what clients saw.
    """
    import pandas as pd  # takes longer to import than a simulation to run

    columns: dict[str, object] = {
        "request_id": [requests.request_id(row) for row in range(len(requests))],
        "status": result.status_names(),
        "instance": _integers(result.instance),
    }
    columns |= {name: _integers(getattr(result, name)) for name in _LATENCIES}
    columns["itl_mean_us"] = pd.array(_itl_mean_us(requests, result), dtype="Float64")
    columns |= {name: _integers(getattr(result, name)) for name in _TIMES_AND_COUNTS}
    columns["arrival_us"] = _integers(result.arrival_us)
    columns |= {name: getattr(requests, name) for name in ("input_tokens", "output_tokens")}
    columns["slo_class"] = np.array(requests.slo_names, dtype=object)[requests.slo_class]
    columns["tenant"] = np.array(requests.tenant_names, dtype=object)[requests.tenant]
    columns["routed_us"] = _integers(result.routed_us)
    columns["reject_reason"] = np.array(REASONS, dtype=object)[result.reason]
    columns["retry_after_us"] = _integers(result.retry_after_us)
    if result.retries is not None:
        columns["retries"] = result.retries
    if result.hedged is not None:
        columns["hedged"] = result.hedged.astype(np.int64)
    if result.accepted is not None:
        columns["accepted_tokens"] = result.accepted
    if result.asked is not None:
        columns["attempts"] = result.asked
    if result.handovers is not None:
        columns |= {column: _integers(getattr(result.handovers, name)) for column, name in _HANDOVERS.items()}
    if requests.adapter is not None and result.adapter_us is not None:
        columns["adapter"] = np.array([*requests.adapter_names, ""], dtype=object)[requests.adapter]
        columns["adapter_wait_us"] = _integers(result.adapter_us)
    names = np.array([*requests.session_names, ""], dtype=object)  # the last one is for -1, no session
    columns["session_id"] = names[requests.session]
    columns["round"] = requests.round
    engines = [*(instance.engine.text for instance in instances), ""]  # the last one is for -1, no instance
    columns["engine"] = np.array(engines, dtype=object)[result.instance]
    for name, of in _STARTED_WITH.items():
        columns[name] = _integers(np.array([*map(of, instances), -1])[result.instance])
    if (seen := client_side_us(requests, result)) is not None:
        columns |= {name: _integers(values) for name, values in zip(_CLIENT_SIDE, seen, strict=True)}
    return pd.DataFrame(columns)


def save_results(path: str | Path, requests: RequestTable, result: ResultTable, instances: Sequence[Instance]) -> None:
    """Write the results CSV, whole or not at all; LF line ends, blank = not available."""
    write_text(path, results_frame(requests, result, instances).to_csv(index=False, lineterminator="\n"))


def _integers(values: NDArray[Any]) -> object:
    """A pandas column of integers in which negative ones are missing."""
    import pandas as pd

    return pd.arrays.IntegerArray(values.astype(np.int64), values < 0)


def _itl_mean_us(requests: RequestTable, result: ResultTable) -> list[float | None]:
    tokens = requests.output_tokens
    means = np.where(tokens > 0, (result.e2e_us - result.ttft_us) / np.maximum(tokens - 1, 1), 0.0)
    return [float(mean) if status == COMPLETED else None for mean, status in zip(means, result.status, strict=True)]
