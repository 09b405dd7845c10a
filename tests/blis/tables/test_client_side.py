from dataclasses import replace

import numpy as np

from blis.config import Instance, LatencyModel
from blis.tables.client_side import client_side_us
from blis.tables.frame import results_frame
from blis.tables.network import Network
from blis.tables.origin import Origin
from tests.blis.handmade import make_result, make_table

INSTANCE = Instance(latency_model=LatencyModel(beta=(1, 0, 0)))
WAYS = (Network(10_000, 0), Network(5000, 100), Network())


def of_clients(networks, client):
    table = make_table(len(client), input_tokens=[1000] * len(client), output_tokens=[500] * len(client))
    names = tuple(str(number) for number in range(len(networks)))
    origin = Origin(np.array(client, np.int32), names, (False,) * len(names), networks)
    return replace(table, origin=origin)


def test_clients_see_round_trip_and_transfers_on_top():
    """BC-9: 10 ms on 500 µs are 10,500; 1,000 tokens at 100 Mbps take 320 µs."""
    table = of_clients(WAYS, [0, 1, 2])
    ttft, e2e = client_side_us(table, make_result(table, 500, 1))
    assert ttft.tolist() == [10_500, 5820, 500]
    assert e2e.tolist() == [10_999, 5000 + 320 + 160 + 999, 999]


def test_what_never_came_is_seen_by_nobody():
    table = of_clients(WAYS, [0, 0])
    result = replace(make_result(table, 500, 1), ttft_us=np.array([500, -1]), e2e_us=np.array([-1, -1]))
    ttft, e2e = client_side_us(table, result)
    assert (ttft.tolist(), e2e.tolist()) == ([10_500, -1], [-1, -1])


def test_without_a_network_there_is_nothing_to_add():
    for table in (of_clients((Network(), Network()), [0, 1]), make_table(2)):
        result = make_result(table, 500, 1)
        assert client_side_us(table, result) is None
        assert "client_ttft_us" not in results_frame(table, result, [INSTANCE])


def test_results_have_both_sides():
    table = of_clients(WAYS, [0, 1])
    frame = results_frame(table, make_result(table, 500, 1), [INSTANCE])
    assert frame["ttft_us"].tolist() == [500, 500]
    assert frame["client_ttft_us"].tolist() == [10_500, 5820]
