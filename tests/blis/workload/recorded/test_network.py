"""What a client saw, as the server would have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.calibration.pairs import Answers
from blis.tables.network import Network
from blis.workload.recorded.network import server_side
from tests.blis.calibration.recordings import handmade

SLOW = Network(rtt_us=1000, bandwidth_mbps=0.16)  # 10 tokens in: 2 ms, 5 tokens out: 1 ms


def test_round_trip_and_transfers_are_taken_off():
    found = server_side(replace(handmade([8000], [20_000]), network=SLOW))
    assert found.ttft_us.tolist() == [5000] and found.e2e_us.tolist() == [16_000]
    assert found.network == Network()
    seen = Answers(("0",), np.array([10]), np.array([5]), found.ttft_us, found.e2e_us).times(SLOW)
    assert (seen["ttft"].tolist(), seen["e2e"].tolist()) == ([pytest.approx(8000)], [pytest.approx(20_000)])


def test_nothing_happens_before_its_request():
    found = server_side(replace(handmade([100], [200]), network=SLOW))
    assert 0 < found.ttft_us[0] <= found.e2e_us[0]
