"""What a summary says of adapters."""

import numpy as np

from blis.config import Lora
from blis.engine.run import simulate
from blis.evaluation.adapters import BASE, LISTED, adapter_metrics
from blis.evaluation.metrics import compute_metrics
from blis.tables.frame import results_frame
from blis.workload.content.adapters import with_adapters
from tests.blis.engine.plain_times import deployment, requests

SCENARIO = deployment(engine={"lora": Lora(1, 2, load_us=10_000, fetch_us=90_000)})


def run(adapter, names=("a", "b", "c")):
    """One after the other, a quarter of a second apart."""
    table = requests([250_000 * row for row in range(len(adapter))])
    table = with_adapters(table, np.array(adapter, np.int32), names)
    return table, simulate(SCENARIO, table)


def test_loads_fetches_and_what_each_adapter_got():
    table, result = run([1, 1, 0, -1, 1])
    found = adapter_metrics(table, result)
    assert (found.asked_for, found.loads, found.fetches, found.waited_ms, found.brought) == (2, 3, 2, 210.0, 3)
    assert list(found.ttft) == ["b", "a", BASE]
    assert [one.mean for one in found.ttft.values()] == [(100 + 0 + 10) / 3 + 0.1, 100.1, 0.1]
    whole = compute_metrics(SCENARIO, table, result).to_dict()
    assert whole["adapter_loads"] == 3 and whole["adapters"]["b"]["ttft_count"] == 3


def test_only_the_most_frequent_are_listed():
    names = tuple(f"a{number}" for number in range(LISTED + 5))
    table, result = run([*range(LISTED + 5), LISTED + 4], names)
    found = adapter_metrics(table, result)
    assert len(found.ttft) == LISTED and next(iter(found.ttft)) == f"a{LISTED + 4}"
    assert found.asked_for == LISTED + 5


def test_results_have_a_column_of_names_and_one_of_waits():
    table, result = run([1, -1, 1])
    frame = results_frame(table, result, [SCENARIO.instance])
    assert frame["adapter"].tolist() == ["b", "", "b"]
    assert frame["adapter_wait_us"].fillna(-1).tolist() == [100_000, -1, 0]


def test_of_the_base_model_alone_nothing_is_said():
    table = requests([0])
    result = simulate(SCENARIO, table)
    assert compute_metrics(SCENARIO, table, result).adapters is None
    assert "adapter" not in results_frame(table, result, [SCENARIO.instance])
