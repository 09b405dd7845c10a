"""How far simulated times are from recorded ones: errors in percent, correlation, distance of distributions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.tables.results import ResultTable
from blis.workload.recorded.recording import Recording

Times = NDArray[np.float64]

#: The measures of a request, by the names that reports use.
MEASURES = ("ttft", "tpot", "e2e")


def measured(ttft_us: Times, e2e_us: Times, output_tokens: NDArray[np.int64]) -> dict[str, Times]:
    """[n] µs of each measure; no time per output token for outputs of one."""
    gaps = output_tokens - 1
    return {
        "ttft": ttft_us,
        "tpot": np.where(gaps > 0, (e2e_us - ttft_us) / np.maximum(gaps, 1), np.nan),
        "e2e": e2e_us,
    }


def recorded_times(recording: Recording) -> dict[str, Times]:
    """[n] µs of each measure, as it was recorded."""
    return {"ttft": recording.ttft_us, "tpot": recording.tpot_us, "e2e": recording.e2e_us}


def simulated_times(recording: Recording, result: ResultTable) -> dict[str, Times]:
    """The same of a simulation of the recording's requests, NaN where it has no answer."""
    done = (result.completed_us >= 0) & (result.ttft_us >= 0)
    before = since_taken_up(recording, result)
    ttft, e2e = (np.where(done, times - before, np.nan) for times in (result.ttft_us, result.e2e_us))
    return measured(ttft, e2e, recording.requests.output_tokens)


def since_taken_up(recording: Recording, result: ResultTable) -> NDArray[np.int64]:
    """[n] µs of a simulated request's life that the recording leaves out: before the engine took it up."""
    if not recording.taken_up:
        return np.zeros(len(recording), np.int64)
    return np.maximum(result.queued_us - recording.requests.arrival_us, 0)


def mape(recorded: Times, simulated: Times) -> float:
    """Mean of |simulated - recorded| / recorded in percent, over those with both and more than 0; NaN for none."""
    good = (recorded > 0) & np.isfinite(simulated)
    if not good.any():
        return float("nan")
    return float(100 * np.mean(np.abs(simulated[good] - recorded[good]) / recorded[good]))
