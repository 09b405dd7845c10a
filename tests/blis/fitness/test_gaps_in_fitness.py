"""Fitness on runs that have steps, so that there are gaps between tokens."""

from dataclasses import replace
from math import isfinite, log

import numpy as np
import pytest

from blis.config import Batch, Cluster, Instance, LatencyModel, Scenario
from blis.engine.run import simulate
from blis.evaluation.itl import expand_gaps
from blis.evaluation.slo import class_targets, good_requests
from blis.fitness.relative import RelativeFitness
from blis.tables.records import REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.assemble import table_from_tokens
from tests.blis.fitness.plain import worst_mean
from tests.blis.fitness.test_fitness import FITNESS, NAMES, SLO, scored_rows
from tests.blis.handmade import with_status

STEP_INSTANCE = Instance(latency_model=LatencyModel(beta=(2000, 3, 40)), batch=Batch(6, 300))


def simulated(seed: int, chunk: int = 0) -> tuple[Scenario, RequestTable, ResultTable]:
    """A run with steps, so that there are gaps: 300 requests of three classes on two instances."""
    rng = np.random.default_rng(seed)
    n = 300
    prompts = [[row] * length for row, length in enumerate(rng.integers(1, 900, n))]
    outputs = [[row] * length for row, length in enumerate(rng.integers(0, 30, n))]
    table = table_from_tokens(np.sort(rng.integers(0, 3_000_000, n)).tolist(), prompts, outputs)
    table = replace(table, slo_class=rng.integers(0, 3, n).astype(table.slo_class.dtype), slo_names=NAMES, cache={})
    batch = replace(STEP_INSTANCE.batch, long_prefill_threshold=chunk)
    scenario = Scenario(instance=replace(STEP_INSTANCE, batch=batch), cluster=Cluster(2))
    return scenario, table, simulate(scenario, table)


@pytest.mark.parametrize("seed", range(4))
def test_the_itl_term_is_of_the_worst_gaps_of_requests_that_both_completed(seed: int):
    scenario, table, b = simulated(seed)
    x = with_status(simulated(seed, chunk=50)[2], np.arange(0, 300, 7), REJECTED)
    found = FITNESS.compare(*(FITNESS.outcome(scenario, table, run) for run in (x, b))).terms["f_itl"]
    expected = 0.0
    for k, declared in enumerate(SLO):
        both = [r for r in scored_rows(300) if table.slo_class[r] == k and x.status[r] == b.status[r] == 0]
        both = [r for r in both if table.output_tokens[r] > 1]
        cap_us = 10 * 3 * declared.tpot_us
        worst = [worst_mean(np.minimum([gap for r in both for gap in expand_gaps(run, r)], cap_us)) for run in (b, x)]
        expected += declared.weight * min(max((len(both) - 10) / 10, 0), 1) * log(worst[0] / worst[1])
    assert found == pytest.approx(expected, abs=1e-12) and found != 0


def test_a_gap_counts_up_to_ten_times_its_target():
    scenario, table, run = simulated(0)
    slow = replace(run, steps=run.steps.copy())
    slow.steps["gap_us"] *= 1000
    tight = RelativeFitness(tuple(replace(declared, itl_p99_us=10) for declared in SLO))
    both = [tight.outcome(scenario, table, one) for one in (slow, run)]
    assert tight.compare(*both).terms["f_itl"] == 0  # all are at the cap of 100 µs
    assert FITNESS.compare(*(FITNESS.outcome(scenario, table, one) for one in (slow, run))).terms["f_itl"] < -1


def test_a_class_may_have_a_target_for_gaps():
    scenario, table, run = simulated(1)
    gaps = [expand_gaps(run, row) for row in range(len(table))]
    p99_us = np.array([np.percentile(each, 99) if each else 0 for each in gaps])
    target = int(np.median(p99_us[table.slo_class == 0]))
    classes = (replace(SLO[0], itl_p99_us=target), *SLO[1:])
    plain = FITNESS.outcome(scenario, table, run)
    found = RelativeFitness(classes).outcome(scenario, table, run)
    rows = plain.scoring.rows
    met = (p99_us[rows] <= target) | (table.slo_class[rows] != 0)
    assert found.good.tolist() == (plain.good & met).tolist() != plain.good.tolist()
    targets = class_targets(table, classes)
    assert good_requests(table, run, targets)[rows].tolist() == found.good.tolist()


def test_requests_without_output_have_no_first_token_to_be_in_time():
    scenario, table, run = simulated(2)
    silent = table.output_tokens == 0
    assert silent.sum() > 3 and (run.ttft_us[silent] == -1).all()
    outcome = FITNESS.outcome(scenario, table, run)
    assert not outcome.good[~outcome.scoring.has_output].any()
    assert isfinite(FITNESS.compare(outcome, outcome).value)
    assert not good_requests(table, run, class_targets(table, SLO))[silent].any()
