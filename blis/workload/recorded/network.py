"""What lay between a client and the server, taken off the times that the client read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blis.workload.recorded.recording import Network, Recording

_BYTES_PER_TOKEN = 4  # of text, as workload-and-calibration.md 12 counts


def transfer_us(network: Network, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """[n] µs that so many tokens are on their way for their number alone."""
    if network.bandwidth_mbps <= 0:
        return np.zeros(len(tokens))
    return np.asarray(tokens * _BYTES_PER_TOKEN * 8 / network.bandwidth_mbps)


def upload_us(network: Network, input_tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """[n] µs that a prompt is on its way and an answer of no length comes back."""
    return network.rtt_us + transfer_us(network, input_tokens)


def server_side(recording: Recording) -> Recording:
    """The recording as the server would have made it: round trip and transfers earlier, never before it came."""
    network, requests = recording.network, recording.requests
    upload = upload_us(network, requests.input_tokens)
    first = recording.first_token_us - np.rint(upload).astype(np.int64)
    last = recording.completed_us - np.rint(upload + transfer_us(network, requests.output_tokens)).astype(np.int64)
    first = np.maximum(first, requests.arrival_us + 1)
    return replace(
        recording,
        first_token_us=np.where(recording.first_token_us >= 0, first, -1),
        completed_us=np.where(recording.completed_us >= 0, np.maximum(last, first), -1),
        network=Network(),
    )
