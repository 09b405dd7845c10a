"""Numbers that are each allowed and whose products are no times."""

from __future__ import annotations

import pytest

import blis
from blis.errors import InputError
from blis.scenario import scenario_mapping
from blis.workload.assemble import table_from_tokens
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from tests.blis.conftest import SCENARIO


def requests(arrival_us: int = 0, output: int = 4):
    constant = {"type": "constant", "params": {"value": output}}
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "constant"},
        "input_distribution": {"type": "constant", "params": {"value": 20}},
        "output_distribution": constant,
    }
    table = generate(load_spec({"aggregate_rate": 1, "num_requests": 3, "clients": [client]}), 0)
    return table if not arrival_us else table_from_tokens([arrival_us], [[1, 2]], [[3]])


def with_changes(alpha=(100, 1, 10), beta=(5000, 20, 30), admission_us=0, kv=None):
    latency = {"alpha": list(alpha), "beta": list(beta)}
    instance = {"latency_model": latency, "kv": {"blocks": 10**8, **(kv or {})}}
    cluster = {
        **SCENARIO["cluster"],
        "admission": {"latency_us": admission_us},
        "routing": {"latency_us": admission_us},
    }
    return blis.load_scenario({"cluster": cluster, "instance": instance})


@pytest.mark.parametrize(
    ("changes", "arrival_us", "output"),
    [
        ({"beta": (1e11, 0, 0)}, 0, 10**9),
        ({"alpha": (1, 1, 1e12)}, 0, 10**9),
        ({"alpha": (1e12, 1e12, 0)}, 0, 10**9),
        ({"admission_us": 2**62}, 0, 4),
        ({"admission_us": 2**61}, 2**62 - 1, 1),
        ({"kv": {"cpu_blocks": 5, "transfer_base_latency_us": 10**12}}, 0, 10**9),
    ],
)
def test_a_run_that_could_outlast_the_clock_is_refused(changes, arrival_us, output):
    with pytest.raises(InputError, match=r"may last until .*; times must stay below 4.61e.18 µs"):
        blis.simulate(with_changes(**changes), requests(arrival_us, output))


def test_the_last_horizon_is_none():
    latency = {"alpha": [100, 1, 10], "beta": [5000, 20, 30]}
    scenario = {"instance": {"latency_model": latency}, "horizon_us": 2**62}
    free = blis.simulate({**scenario, "horizon_us": None}, requests())
    assert blis.simulate(scenario, requests()).to_frame().equals(free.to_frame())


def test_slow_is_not_too_slow():
    result = blis.simulate(with_changes(beta=(1e11, 1, 1), alpha=(1e11, 1, 1e11)), requests())
    assert result.table.end_us > 4e11 and result.metrics.to_dict()["completed_requests"] == 3


def test_each_table_is_looked_at_also_where_the_scenario_ran_another_before():
    scenario = with_changes(beta=(1e11, 0, 0))
    blis.simulate(scenario, requests())
    with pytest.raises(InputError, match="may last until"):
        blis.simulate(scenario, requests(output=10**9))


APART = {"disaggregation": {"prefill_instances": 1}}


@pytest.mark.parametrize(
    "cluster",
    [
        {**APART, "kv_transfer": {"bytes_per_token": 1, "latency_us": 2**62}},
        {**APART, "kv_transfer": {"bytes_per_token": 2**40, "bandwidth_gb_s": 1e-3}},
        {**APART, "kv_transfer": {"bytes_per_token": 1, "hold_us": 2**62}},
        {"startup": {"load_us": 3 * 10**15}, "autoscaling": {"maximum": 2, "concurrency": 1, "sync_us": 10**12}},
    ],
)
def test_so_is_one_in_which_requests_could_wait_for_so_long(cluster):
    scenario = with_changes(beta=(5, 0, 0), alpha=(0, 0, 0))
    changed = blis.load_scenario({**scenario_mapping(scenario), "cluster": {"instances": 2, **cluster}})
    table = table_from_tokens([0] * 2000, [[1] * 3000] * 2000, [[3]] * 2000)
    with pytest.raises(InputError, match="may last until"):
        blis.simulate(changed, table)
