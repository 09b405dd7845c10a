from blis.evaluation.client_side import client_side
from blis.evaluation.metrics import compute_metrics
from tests.blis.evaluation.test_metrics import SCENARIO
from tests.blis.handmade import make_result, make_table
from tests.blis.tables.test_client_side import WAYS, of_clients


def test_the_clients_latencies_stand_beside_the_servers():
    table = of_clients(WAYS, [0, 1])
    found = compute_metrics(SCENARIO, table, make_result(table, 500, 1)).to_dict()
    assert found["ttft_mean_ms"] == 0.5
    assert found["client_side"]["ttft_mean_ms"] == (10.5 + 5.82) / 2
    assert found["client_side"]["e2e_count"] == 2


def test_without_a_network_nothing_is_said_of_clients():
    table = make_table(2)
    result = make_result(table, 500, 1)
    assert client_side(table, result) is None
    assert "client_side" not in compute_metrics(SCENARIO, table, result).to_dict()
