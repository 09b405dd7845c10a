"""Agreement of policies between tables."""

import pytest

from blis.comparison.agreement import Agreement, agreement
from blis.scenario import load_scenario
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec


def test_tau_counts_pairs_in_the_same_order():
    found = Agreement({"a": (1.0, 10.0, 3.0), "b": (2.0, 20.0, 2.0), "c": (3.0, 15.0, 1.0), "d": (4.0, 40.0, 0.0)})
    assert found.tau(0, 1) == pytest.approx(4 / 6)  # one of six pairs is exchanged
    assert found.tau(0, 2) == -1


def test_policies_that_are_all_alike_have_no_order():
    assert Agreement({"a": (1.0, 1.0), "b": (1.0, 2.0)}).tau(0, 1) is None


def test_every_policy_meets_every_table_and_who_gets_nothing_waits_until_the_end():
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": {"type": "constant", "params": {"value": 100}},
        "output_distribution": {"type": "constant", "params": {"value": 10}},
    }
    spec = load_spec({"version": "2", "aggregate_rate": 5, "num_requests": 100, "clients": [client]})
    model = {"model": "meta-llama/llama-3.1-8b-instruct", "gpu": "H100", "tp": 1}
    scenarios = {
        name: load_scenario({"cluster": {"admission": {"policy": policy}}, "instance": {"latency_model": model}})
        for name, policy in (("all", "always-admit"), ("none", "reject-all"))
    }
    found = agreement(scenarios, [generate(spec, 1), generate(spec, 2)])
    assert all(0 < ms < 1000 for ms in found.ttft_ms["all"])
    assert all(ms > 1000 for ms in found.ttft_ms["none"])
    assert found.tau(0, 1) == 1
