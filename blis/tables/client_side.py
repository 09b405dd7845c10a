"""Latencies as clients see them: the server's, and the way there and back (workload-and-calibration.md section 12)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.tables.network import Network, on_the_way_us
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


def client_side_us(requests: RequestTable, result: ResultTable) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """[n] TTFT and E2E in µs as each client sees them, -1 where there is none; None if nobody has a network."""
    origin = requests.origin
    if origin is None or all(network == Network() for network in origin.networks):
        return None
    input_tokens = requests.input_tokens
    ways = ((result.ttft_us, input_tokens), (result.e2e_us, input_tokens + requests.output_tokens))
    ttft, e2e = (
        np.where(served >= 0, served + on_the_way_us(origin.networks, origin.client, tokens), -1)
        for served, tokens in ways
    )
    return ttft, e2e
