import pytest

from blis.errors import InputError
from blis.tables.network import Network
from blis.workload.draw.arrivals import Arrival
from blis.workload.draw.lengths import Distribution, PercentDistribution
from blis.workload.draw.senders import Client, ClientNetwork
from blis.workload.draw.sessions import MultiTurn, Reasoning

FIVE = Distribution("constant", {"value": 5})


def test_a_network_is_in_ms_in_files_and_in_µs_in_tables():
    assert ClientNetwork(2.5, 100).of_table == Network(2500, 100)
    assert ClientNetwork(2.5).of_table == Network(2500)
    for wrong in ({"rtt_ms": -1}, {"bandwidth_mbps": float("nan")}, {"bandwidth_mbps": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            ClientNetwork(**wrong)


def test_a_sender_converses_if_its_reasoning_says_so():
    client = Client(1.0, Arrival("poisson"), FIVE, FIVE)
    assert client.multi_turn is None
    talks = MultiTurn(3)
    assert Client(1.0, Arrival("poisson"), FIVE, FIVE, reasoning=Reasoning(multi_turn=talks)).multi_turn == talks
    thinks = Reasoning(PercentDistribution("constant", {"value": 12.5}))
    assert Client(1.0, Arrival("poisson"), FIVE, FIVE, reasoning=thinks).multi_turn is None
