"""What lies between a client and the server, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def on_the_way_us(networks: Sequence[Network], client: NDArray[Any], tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] whole µs of a round trip and of so many tokens one way or the other; client: [n] whose network it is."""
    one = np.ones(1, np.int64)
    rtt_us = np.array([network.rtt_us for network in networks])
    token_us = np.array([float(transfer_us(network, one)[0]) for network in networks])
    return np.rint(rtt_us[client] + token_us[client] * tokens).astype(np.int64)
