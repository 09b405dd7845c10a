"""What became of prompts that another instance computed than the one that generates (docs/disaggregation.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Handovers:
    """One row a request, -1 wherever it never happened. The first seven are those of its prefill, on its own instance.

    Columns are called as those of the request itself in `ResultTable`, and mean the same.
    """

    status: NDArray[np.int32]  # [n] not_arrived of those that had none
    instance: NDArray[np.int32]
    routed_us: NDArray[np.int64]
    queued_us: NDArray[np.int64]
    scheduled_us: NDArray[np.int64]
    completed_us: NDArray[np.int64]  # the prompt was computed
    e2e_us: NDArray[np.int64]
    scheduling_delay_us: NDArray[np.int64]
    ttft_us: NDArray[np.int64]
    first_token_us: NDArray[np.int64]
    cached_tokens: NDArray[np.int32]
    generated_tokens: NDArray[np.int32]
    preemptions: NDArray[np.int32]
    first_step: NDArray[np.int32]
    last_step: NDArray[np.int32]
    asked_us: NDArray[np.int64]  # the instance that generates had room for its KV, and asked for it …
    there_us: NDArray[np.int64]  # … and had it
    blocks: NDArray[np.int64]  # that were moved
