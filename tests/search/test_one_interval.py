"""On a trace the verdict of a search and `blis compare` give one pair of policies one interval."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from blis.comparison.measures import MEASURES, rows_of
from blis.comparison.side_by_side import compare_policies
from blis.engine.run import simulate
from blis.fitness.value import FitnessValue
from search.verdict.holdout import make_holdout
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.search.small import small_settings

N = 600


@dataclass(frozen=True)
class MeasureFitness:
    """Scores by one of the numbers that policies are compared by."""

    name: str
    terms = objectives = ()

    def outcome(self, scenario, table, result):
        return rows_of(scenario, table, result)

    def compare(self, candidate, baseline):
        measure = MEASURES[self.name]
        return FitnessValue(measure.of(candidate) - measure.of(baseline), {})

    def compare_resampled(self, candidate, baseline, times):
        drawn = np.repeat(np.arange(len(times)), times)
        return self.compare(candidate.take(drawn), baseline.take(drawn)).value


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    path = write_mooncake(folder / "trace.jsonl", random_mooncake_rows(seed=8, n=N, gap_ms=200))
    own = ("workload=trace", f"workload.path={path}", f"workload.first={N}", "workload.windows.warmup_s=3")
    return small_settings(folder / "run", *own)


@pytest.mark.parametrize("name", ["TTFT mean", "E2E p99", "TPOT mean"])
def test_one_pair_on_one_window_has_one_interval(settings, name):
    problem = replace(settings.problem, fitness=MeasureFitness(name))
    settings = replace(settings, problem=problem)
    baselines = settings.baselines
    (proved,) = make_holdout(settings).against(baselines["round-robin"], [baselines["llm-d-default"]])
    table = problem.table("report")
    runs = {
        key: [rows_of(baselines[key].scenario, table, simulate(baselines[key].scenario, table))]
        for key in ("llm-d-default", "round-robin", "power-of-two")
    }
    compared = compare_policies(runs, [table], "llm-d-default", settings.seed)
    difference = compared.differences["round-robin"][name]
    assert (difference.mean, difference.bounds) == (proved.mean, proved.bounds)
    assert proved.bounds[0] < proved.bounds[1]
