"""Latencies as clients see them: the server's, and the way there and back (workload-and-calibration.md section 12)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.tables.network import Network, transfer_us
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


def client_side_us(requests: RequestTable, result: ResultTable) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """[n] TTFT and E2E in µs as each client sees them, -1 where there is none; None if nobody has a network."""
    origin = requests.origin
    if origin is None or all(network == Network() for network in origin.networks):
        return None
    one = np.ones(1, np.int64)
    rtt_us = np.array([network.rtt_us for network in origin.networks])[origin.client]
    token_us = np.array([float(transfer_us(network, one)[0]) for network in origin.networks])[origin.client]
    upload_us = rtt_us + token_us * requests.input_tokens
    ways = ((result.ttft_us, upload_us), (result.e2e_us, upload_us + token_us * requests.output_tokens))
    ttft, e2e = (np.where(served >= 0, np.rint(served + way), -1).astype(np.int64) for served, way in ways)
    return ttft, e2e
