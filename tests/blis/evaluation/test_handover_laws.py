"""A run with prompts from elsewhere keeps the laws; broken on purpose it breaks the right ones."""

from dataclasses import replace
from functools import cache

import pytest

from blis.config import KVTransfer, Pool, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

POOLS = [Pool(role=role) for role in ("prefill", "decode", "decode")]


@cache
def run():
    link = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1, latency_us=7)
    scenario = deployment(3, pools=POOLS, kv_transfer=link, routing=Routing("round-robin"))
    table = requests([0, 0, 10, 20, 500], 3)
    return scenario, table, simulate(scenario, table)


def test_the_run_is_fit_for_breaking():
    scenario, table, result = run()
    assert check_laws(scenario, table, result) == []
    assert (result.handovers.there_us > 0).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("there_us", 10_000, "request 0 generates before its KV is there"),
        ("there_us", 186, "request 0 had its KV at another time than its sender's link says"),
        ("asked_us", 50, "request 0 had its KV moved before it was computed"),
        ("asked_us", 50, "request 0 had its KV moved before it was queued"),
        ("asked_us", -1, "request 0 had KV that was never asked for"),
        ("blocks", 1, "request 0 moved another number of blocks than it lacked"),
        ("completed_us", 150, "request 0 reached a queue before its prompt was computed"),
        ("instance", 1, "request 0 has its prompt computed by an instance that only generates"),
        ("instance", 1, "request 0 has its prompt computed elsewhere by the instance that generates"),
        ("instance", 2, "instance 0 counts other completed requests than have that status"),
        ("status", 1, "request 0 has other events than its prefill lets it have"),
        ("cached_tokens", 4, "instance 0 charged other prefill tokens than its requests lacked in the cache"),
        ("queued_us", -1, "request 5 is completed but lacks an event"),
    ],
)
def test_a_number_of_a_prefill_that_is_wrong_is_told(column: str, value: int, message: str):
    scenario, table, result = run()
    changed = getattr(result.handovers, column).copy()
    changed[0] = value
    handovers = replace(result.handovers, **{column: changed})
    assert any(message in line for line in check_laws(scenario, table, replace(result, handovers=handovers)))


def test_who_generates_on_a_prefill_instance_is_told():
    scenario, table, result = run()
    changed = result.instance.copy()
    changed[0] = 0
    lines = check_laws(scenario, table, replace(result, instance=changed))
    assert any("request 0 generates on an instance that only computes prompts" in line for line in lines)


def test_blocks_may_be_held_only_while_kv_is_to_be_moved():
    scenario, table, result = run()
    counters = result.instances.copy()
    counters["used_blocks"] = 2
    lines = check_laws(scenario, table, replace(result, instances=counters))
    assert any("holds KV blocks with nothing running" in line for line in lines)
    early = replace(scenario, horizon_us=150)  # on the way to instance 1
    assert check_laws(early, table, simulate(early, table)) == []
