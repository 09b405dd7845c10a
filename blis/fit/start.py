"""Where to begin: prices that the log itself suggests, before anything is simulated.

Between a request's first and last token there are as many steps as it has tokens less one. What the others did in that
time is not recorded, but nearly so: each gave its tokens evenly between its own first and last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from blis.fit.rows import GAPS, TTFT, Rows, joined
from blis.fit.solve import solve
from blis.fit.terms import Terms
from blis.tables.records import KEPT_STEP
from blis.workload.recorded.recording import Recording

_MOST_ROWS = 500


def start_prices(recordings: Sequence[tuple[Recording, NDArray[np.int64]]], terms: Terms) -> NDArray[np.float64]:
    """[terms] µs. recordings: each with the requests whose times may be looked at."""
    parts = [_rows(recording, terms, rows) for recording, rows in recordings]
    return solve(joined(parts))


def _rows(recording: Recording, terms: Terms, chosen: NDArray[np.int64]) -> Rows:
    """An equation for each request: the time between its first and its last token, an even sample of them."""
    steps = recording.requests.output_tokens[chosen] - 1
    if len(chosen) and not steps.any():
        return _alone(recording, terms, chosen)
    chosen = chosen[(steps > 0) & recording.streamed[chosen] & (recording.e2e_us > recording.ttft_us)[chosen]]
    chosen = chosen[:: max(1, len(chosen) // _MOST_ROWS)]
    between_us = (recording.completed_us - recording.first_token_us)[chosen].astype(np.float64)
    columns = np.array([_columns(recording, terms, row) for row in chosen]).reshape(-1, len(terms.names))
    return Rows(columns / between_us[:, None], np.ones(len(chosen)), chosen, np.full(len(chosen), GAPS))


def _alone(recording: Recording, terms: Terms, chosen: NDArray[np.int64]) -> Rows:
    """Where no answer has a second token: an equation for each request's first one, as if nobody else were there."""
    step = np.zeros(len(chosen), KEPT_STEP)
    step["prefills"], step["prefill_tokens"] = 1, recording.requests.input_tokens[chosen]
    step["prefill_pairs"] = step["prefill_tokens"] * (step["prefill_tokens"] - 1) // 2
    ttft_us = np.maximum(recording.ttft_us[chosen], 1)
    return Rows(terms.columns(step) / ttft_us[:, None], np.ones(len(chosen)), chosen, np.full(len(chosen), TTFT))


def _columns(recording: Recording, terms: Terms, row: int) -> NDArray[np.float64]:
    """[terms] of all steps between the first and the last token of a request."""
    begin, end = recording.first_token_us[row], recording.completed_us[row]
    first = np.where(recording.streamed, recording.first_token_us, recording.completed_us)
    last = np.maximum(recording.completed_us, first + 1)
    inputs, outputs = recording.requests.input_tokens, recording.requests.output_tokens
    low, high = np.clip(begin, first, last), np.clip(end, first, last)
    rate = np.maximum(outputs - 1, 0) / (last - first)
    decodes = (high - low) * rate
    context = decodes * (inputs + ((low + high) / 2 - first) * rate)
    prompts = inputs[(first > begin) & (first <= end)]
    steps = int(outputs[row]) - 1
    step = np.zeros(1, [(name, "f8") for name in KEPT_STEP.names or ()])
    step["prefills"], step["prefill_tokens"] = len(prompts) / steps, prompts.sum() / steps
    step["prefill_pairs"] = (prompts.astype(np.float64) ** 2).sum() / 2 / steps
    step["decodes"], step["decode_context"] = decodes.sum() / steps, context.sum() / steps
    return terms.columns(step)[0] * steps
