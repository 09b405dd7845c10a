"""The placebo makes policies equal in law and different in every request; what a page counts; the whole study, tiny."""

import numpy as np
import pytest

from blis.engine.run import simulate
from experiments import never_worse
from experiments.never_worse import Found, one_search, page, placebo, sentence, settings_of
from search.verdict.advice import CANDIDATE, KEEP, RULE
from tests.docs.commands import SHORT, SHORT_TABLE

FOUND = [
    Found(CANDIDATE, True, (0.04, 0.03, 0.05), (0.041, 0.001), 0.2),
    Found(CANDIDATE, True, (0.02, 0.01, 0.03), (-0.01, 0.002)),
    Found(CANDIDATE, True, (0.02, 0.01, 0.03), (-0.01, 0.02)),
    Found(RULE, False, (0.02, 0.01, 0.03), (0.035, 0.002)),
    Found(KEEP, False, None, (0.0, 0.0)),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return settings_of(SHORT_TABLE, 1, 16, True, tmp_path_factory.mktemp("placebo"))


def test_under_a_placebo_policies_differ_in_requests_and_not_in_law(settings):
    problem = settings.problem
    table = problem.table(problem.search_seeds[0])
    scenarios = [policy.scenario for policy in settings.baselines.values()]
    results = [placebo(scenario, table) for scenario in scenarios]
    went = {tuple(result.instance) for result in results}
    assert len(went) == len(scenarios)
    shares = np.array([np.bincount(result.instance, minlength=4) / len(table) for result in results])
    assert np.all(abs(shares - 0.25) < 0.15)
    np.testing.assert_array_equal(results[0].instance, placebo(scenarios[0], table).instance)
    truly = {tuple(simulate(scenario, table).instance) for scenario in scenarios}
    assert not went & truly


def test_every_search_is_another_users(tmp_path):
    one, two = (settings_of((), seed, 48, False, tmp_path) for seed in (1, 2))
    assert one.problem.workload.seed != two.problem.workload.seed
    assert one.seed != two.seed
    assert not set(one.pool(never_worse.FRESH_POOL, 9)) & set(one.problem.search_seeds)


def test_worse_is_what_fresh_tables_prove():
    assert [one.worse for one in FOUND] == [False, True, False, False, False]
    assert [one.covered for one in FOUND] == [True, False, False, False, False]
    assert sentence(FOUND) == (
        "The policy found was called better in 3 of 5 searches, and something else than the primary exported in 4:"
        " 1 times proved to be worse than it on fresh tables."
        " A race stopped 4.0% of the candidates after the first generation."
    )
    told = page(FOUND, 48, False)
    assert "| candidate |        3 |" in told
    assert "1 of 3" in told


@pytest.mark.parametrize("without_effect", [False, True])
def test_a_search_of_the_study(monkeypatch, without_effect):
    monkeypatch.setattr(never_worse, "FRESH_TABLES", 2)
    found = one_search([*SHORT, *SHORT_TABLE], 1, 16, without_effect)
    assert found.kind in (CANDIDATE, RULE, KEEP)
    assert (found.reported is None) == (found.kind == KEEP)
    assert found == one_search([*SHORT, *SHORT_TABLE], 1, 16, without_effect)
