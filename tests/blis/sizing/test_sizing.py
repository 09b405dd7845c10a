"""What a policy can carry: found by bisection, as trying every number would find it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from blis.api import generate, simulate
from blis.comparison.statistics import paired_t_interval
from blis.config import Failures, Outage, Pool, SloTier
from blis.errors import InputError
from blis.scenario import load_scenario
from blis.sizing.sizing import RATE_REACH, RATE_STEP, Found, Promise, Sizing, rate_factors
from blis.workload.draw.spec import load_spec, spec_mapping
from blis.workload.read.traces import trace_spec
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake

LENGTHS = {"type": "exponential", "params": {"mean": 200, "min": 20, "max": 800}}
SPEC = load_spec(
    {
        "aggregate_rate": 30.0,
        "num_requests": 200,
        "clients": [
            {
                "rate_fraction": 1.0,
                "slo_class": name,
                "arrival": {"process": "poisson"},
                "input_distribution": LENGTHS,
                "output_distribution": LENGTHS,
            }
            for name in ("critical", "batch")
        ],
    }
)
SCENARIO = load_scenario(
    {
        "cluster": {"instances": 3, "routing": {"policy": "least-loaded"}},
        "instance": {"latency_model": {"beta": [5000, 20, 5], "alpha": [0, 0, 0]}, "batch": {"max_running": 16}},
    }
)
SEEDS = (1, 2, 3)
#: With which neither one nor eight instances are the answer.
PROMISES = {"critical": Promise(100.0), "batch": Promise(2000.0, 9.0)}


def sizing(**changes):
    given = {"scenario": SCENARIO, "workload": SPEC, "seeds": SEEDS, "target": 0.9, "promises": PROMISES}
    return Sizing(**{**given, **changes})


def share(scenario, table, promises=PROMISES):
    """Of the middle requests those in time, from the results of `blis run`."""
    frame = simulate(scenario, table).to_frame().iloc[len(table) // 10 : 9 * len(table) // 10]
    good = []
    for row in frame.itertuples():
        promise = promises[row.slo_class]
        tpot_us = (row.e2e_us - row.ttft_us) / (row.output_tokens - 1)
        in_time = row.status == "completed" and row.ttft_us <= promise.ttft_ms * 1000
        good.append(in_time and (promise.tpot_ms is None or tpot_us <= promise.tpot_ms * 1000))
    return np.mean(good)


def at(instances):
    return replace(SCENARIO, cluster=replace(SCENARIO.cluster, instances=instances))


def test_the_least_number_of_instances_is_what_trying_all_of_them_finds():
    found = sizing().least_instances(1, 8)
    for seed, least in zip(SEEDS, found.by_table, strict=True):
        enough = [n for n in range(1, 9) if share(at(n), generate(SPEC, seed)) >= 0.9]
        assert least == min(enough) > 1
    assert (found.mean, found.interval) == (np.mean(found.by_table), paired_t_interval(found.by_table))
    assert found.tried == (1, 8)


def test_at_the_highest_rate_the_target_is_kept_and_a_step_above_it_is_not():
    found, asked = sizing().highest_rate(), sizing()
    for seed, rate in zip(SEEDS, found.by_table, strict=True):
        factors = rate / asked.rate, rate / asked.rate * RATE_STEP
        kept, missed = (share(SCENARIO, generate(SPEC, seed, rate_scale=factor)) for factor in factors)
        assert kept >= 0.9 > missed
    assert (found.mean, found.interval) == (np.mean(found.by_table), paired_t_interval(found.by_table))


def test_the_share_with_what_is_asked_for():
    mean, (low, high) = sizing().now()
    assert mean == pytest.approx(np.mean([share(SCENARIO, generate(SPEC, seed)) for seed in SEEDS]))
    assert 0 <= low <= mean <= high <= 1


def test_more_is_carried_where_less_is_promised():
    strict, loose = (sizing(target=target).highest_rate().mean for target in (0.99, 0.5))
    assert strict < loose
    assert sizing(promises={}).highest_rate().mean != sizing().highest_rate().mean


def test_promises_are_those_of_the_tiers_where_none_is_given():
    assert sizing(promises={}).classes == {"critical": Promise(400.0), "batch": Promise(4000.0)}
    tiers = replace(SCENARIO, slo_tiers={"batch": SloTier(ttft_ms=70.0)})
    assert sizing(scenario=tiers, promises={"critical": Promise(5.0, 6.0)}).classes == {
        "critical": Promise(5.0, 6.0),
        "batch": Promise(70.0),
    }


def test_a_promise_to_nobody_is_refused():
    with pytest.raises(InputError, match=r"'criticl'.*'critical'"):
        _ = sizing(promises={"criticl": Promise(1.0)}).classes


def test_what_cannot_be_kept_has_no_number():
    impossible = sizing(promises={"critical": Promise(0.001), "batch": Promise(0.001)})
    assert impossible.least_instances(1, 4).mean is None
    rate = impossible.highest_rate()
    assert (rate.mean, rate.interval, rate.by_table) == (None, None, (None,) * 3)
    assert rate.tried == pytest.approx((30 / RATE_REACH, 30 * RATE_REACH), rel=0.01)


@pytest.mark.parametrize("seeds", [(1,), (1, 2)])
def test_where_no_request_is_scored_nothing_can_be_found(seeds):
    with pytest.raises(InputError, match="none of the 1 requests of a table is scored"):
        Sizing(SCENARIO, replace(SPEC, num_requests=1), seeds, 0.9, {}).now()


def test_nothing_below_zero_is_in_an_interval():
    assert paired_t_interval([1.0, 100.0])[0] < 0
    assert Found((1.0, 100.0), (1.0, 100.0)).interval == (0.0, paired_t_interval([1.0, 100.0])[1])


def test_pools_say_how_many_instances_there_are():
    pooled = replace(SCENARIO, pools=(Pool(2), Pool(1)))
    with pytest.raises(InputError, match="follows from the pools"):
        sizing(scenario=pooled).least_instances(1, 4)
    assert sizing(scenario=pooled).highest_rate().mean == sizing().highest_rate().mean


def test_members_of_an_ensemble_are_on_different_tables():
    model = replace(SCENARIO.instance.latency_model, ensemble=3)
    uncertain = replace(SCENARIO, instance=replace(SCENARIO.instance, latency_model=model))
    found, as_it_is = sizing(scenario=uncertain).highest_rate().by_table, sizing().highest_rate().by_table
    assert [one > other for one, other in zip(found, as_it_is, strict=True)].count(True) in (1, 2)


def test_a_trace_is_one_table_without_an_interval(tmp_path):
    path = write_mooncake(tmp_path / "trace.jsonl", random_mooncake_rows(seed=8, n=200, gap_ms=100))
    found = sizing(workload=trace_spec({"path": str(path)}), promises={}, target=0.5)
    (table,) = found.tables
    assert found.rate == pytest.approx(1e6 / np.diff(table.arrival_us).mean())
    assert found.now()[1] is None
    assert (found.least_instances(1, 8).interval, found.highest_rate().interval) == (None, None)


def test_rates_are_tried_from_high_to_low_in_equal_steps():
    factors = rate_factors(2.0)
    assert 1.0 in factors and sorted(factors, reverse=True) == factors
    assert factors[0] * factors[-1] == pytest.approx(1)
    assert all(one / other == pytest.approx(RATE_STEP) for one, other in pairwise(factors))


@pytest.mark.parametrize(
    ("who_talks", "counted"), [((), "requests"), ((0, 1), "conversations"), ((1,), "conversations and requests")]
)
def test_of_a_specification_with_conversations_the_rate_counts_their_starts(who_talks, counted):
    talks = {"reasoning": {"multi_turn": {"max_rounds": 3}}}
    mapping = spec_mapping(SPEC)
    clients = [one | (talks if i in who_talks else {}) for i, one in enumerate(mapping["clients"])]
    found = sizing(workload=load_spec(mapping | {"clients": clients}))
    assert found.counted == counted and found.rate == 30


def test_whoever_fails_is_there():
    failing = replace(SCENARIO.cluster, failures=Failures((Outage((2,), 0, 10),)))
    asked = sizing(scenario=replace(SCENARIO, cluster=failing))
    assert asked.least_instances(3, 4).tried == (3, 4)
    with pytest.raises(
        InputError, match=r"failures.scheduled names instance 2, which a cluster of 2 does not have: try 3"
    ):
        asked.least_instances(2, 4)
