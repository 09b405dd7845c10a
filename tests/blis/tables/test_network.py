import numpy as np

from blis.tables.network import Network, transfer_us, upload_us


def test_a_token_is_four_bytes():
    assert transfer_us(Network(bandwidth_mbps=100), np.array([1000, 0])).tolist() == [320, 0]
    assert transfer_us(Network(), np.array([1000])).tolist() == [0]


def test_a_prompt_takes_its_round_trip_and_its_length():
    assert upload_us(Network(10_000, 100), np.array([0, 1000])).tolist() == [10_000, 10_320]
