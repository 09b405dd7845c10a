"""Each law of adapters is broken once, and said in the right words."""

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Lora
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.workload.content.adapters import with_adapters
from tests.blis.engine.plain_times import deployment, requests

SCENARIO = deployment(2, engine={"lora": Lora(2, load_us=10, fetch_us=100)})
TABLE = with_adapters(
    requests(range(0, 60, 10), [9, 9, 9, 9, 5, 5]), np.array([0, 1, 2, 0, -1, 1], np.int32), ("a", "b", "c")
)


def broken(change) -> list[str]:
    """What is said of a run in which the columns or counters have been changed."""
    result = simulate(SCENARIO, TABLE)
    columns = {name: getattr(result, name).copy() for name in ("adapter_us", "first_step", "last_step")}
    changed = replace(result, instances=result.instances.copy(), **columns)
    change(changed)
    return check_laws(SCENARIO, TABLE, changed)


def put(name: str, row: int, value: int):
    def change(result):
        column = getattr(result, name) if hasattr(result, name) else result.instances[name]
        column[row] = value

    return change


def test_a_good_run_breaks_none():
    assert broken(lambda result: None) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("adapter_us", 4, 0), "request 4 has waited for an adapter, or has not, against what it is"),
        (put("adapter_us", 0, -1), "request 0 has waited for an adapter, or has not, against what it is"),
        (put("adapter_loads", 1, 9), "instance 1 waited for other times than its loads take"),
        (put("adapter_fetches", 0, 99), "instance 0 fetched more adapters than it loaded"),
        (put("adapter_us", 0, 7), "instance 0 waited for adapters for other times than its requests"),
        (put("adapter_fetches", 1, 0), "instance 1 served an adapter that it never fetched"),
    ],
)
def test_each_is_said(change, words):
    assert words in "\n".join(broken(change))


def test_too_many_at_once_are_found_whatever_the_order_of_their_spans():
    result = simulate(SCENARIO, TABLE)
    assert check_laws(SCENARIO, TABLE, result) == []
    tight = replace(SCENARIO, instance=replace(SCENARIO.instance, lora=replace(SCENARIO.instance.lora, max_loras=1)))
    assert "had more adapters in a batch than places for them" in "\n".join(check_laws(tight, TABLE, result))


@pytest.mark.parametrize(("first_step", "at_once"), [(4, False), (3, True)])
def test_spans_that_follow_each_other_are_not_at_once(first_step, at_once):
    """The first has the steps 1 to 3, the second those behind."""
    table = with_adapters(requests([0, 10], [3, 3]), np.array([0, 1], np.int32), ("a", "b"))
    scenario = deployment(engine={"lora": Lora(1)})
    result = simulate(scenario, table)
    assert (result.last_step[0], result.first_step[1]) == (3, 4) and check_laws(scenario, table, result) == []
    result.first_step[1] = first_step
    assert ("more adapters in a batch" in "\n".join(check_laws(scenario, table, result))) == at_once
