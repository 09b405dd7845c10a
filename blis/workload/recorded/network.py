"""What lay between a client and the server, taken off the times that the client read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blis.tables.network import Network, transfer_us, upload_us
from blis.workload.recorded.recording import Recording


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
