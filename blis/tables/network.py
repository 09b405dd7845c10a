"""What lies between a client and the server, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BYTES_PER_TOKEN = 4  # of text, as workload-and-calibration.md 12 counts


@dataclass(frozen=True)
class Network:
    """What lay between the server and the clock that was read; nothing if that was the server's own."""

    rtt_us: float = 0.0
    bandwidth_mbps: float = 0.0  # 0: no limit


def transfer_us(network: Network, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """[n] µs that so many tokens are on their way for their number alone."""
    if network.bandwidth_mbps <= 0:
        return np.zeros(len(tokens))
    return np.asarray(tokens * _BYTES_PER_TOKEN * 8 / network.bandwidth_mbps)


def upload_us(network: Network, input_tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """[n] µs that a prompt is on its way and an answer of no length comes back."""
    return network.rtt_us + transfer_us(network, input_tokens)
