"""What single requests had to wait, by class, as the results of the report tables have it."""

from dataclasses import replace

import numpy as np
import pytest

from blis.tables.records import COMPLETED
from blis.workload.draw.pools import REPORT_POOL
from search.report.requests import MEASURES, TABLES, classes_of, runs_of


@pytest.fixture(scope="module")
def policies(done):
    return {name: done.baselines[name] for name in ("llm-d-default", "round-robin")}


def test_every_scored_request_is_in_one_class(done, policies):
    found = classes_of(runs_of(done, policies))
    problem = done.problem
    tables = [problem.table(key) for key in done.pool(REPORT_POOL, 4)[:TABLES]]
    assert sum(one.requests for one in found) == sum(
        len(range(*table.scored_rows.indices(len(table)))) for table in tables
    )
    for one in found:
        for policy in policies:
            assert len(one.waits[MEASURES[0]][policy]) == len(one.waits[MEASURES[2]][policy]) == one.requests


def test_waits_are_those_of_the_results(done, policies):
    problem, keys = done.problem, done.pool(REPORT_POOL, 4)[:TABLES]
    for name, policy in policies.items():
        results = [problem.simulate(policy.scenario, problem.table(key)) for key in keys]
        e2e_s = np.concatenate([result.e2e_us[result.status == COMPLETED] for result in results]) / 1e6
        found = np.concatenate([one.waits[MEASURES[2]][name] for one in classes_of(runs_of(done, policies))])
        scored = found[np.isfinite(found)]
        assert np.isin(scored.round(6), e2e_s.round(6)).all()


def test_over_time_the_mean_of_who_arrived(done, policies):
    for one in classes_of(runs_of(done, policies)):
        assert len(one.time) == len(one.over_time["round-robin"])
        assert (np.diff(one.time) > 0).all()
        line = one.over_time["round-robin"]
        ttft = one.waits[MEASURES[0]]["round-robin"]
        assert np.nanmin(line) >= ttft.min() and np.nanmax(line) <= ttft.max()


def test_what_never_happened_takes_for_ever(done, policies):
    def nobody(scenario, table):
        result = done.problem.simulate(scenario, table)
        return replace(
            result, status=np.full_like(result.status, COMPLETED + 1), ttft_us=np.full_like(result.e2e_us, -1)
        )

    settings = replace(done, problem=replace(done.problem, simulate=nobody))
    for one in classes_of(runs_of(settings, policies)):
        assert all(np.isinf(seconds).all() for waits in one.waits.values() for seconds in waits.values())
        assert np.isnan(one.over_time["round-robin"]).all()
