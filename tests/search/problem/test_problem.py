"""A problem: its tables are made once, and what it decides is named without paths."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from blis.scenario import load_scenario, split_workload
from blis.workload.draw.spec import load_spec
from search.problem.traffic import OFFERED_TOKENS, Drawn
from tests.search.small import small_settings


@pytest.fixture
def problem(tmp_path):
    return small_settings(tmp_path).problem


def test_a_table_is_made_once_however_many_ask(problem):
    key = problem.search_seeds[0]
    with ThreadPoolExecutor(8) as pool:
        tables = list(pool.map(problem.table, [key] * 32))
    assert all(table is tables[0] for table in tables)


def test_other_requests_are_other_tables(problem):
    key = problem.search_seeds[0]
    before = problem.table(key)
    other = problem.on(Drawn(replace(problem.workload, num_requests=7)))
    assert (len(other.table(key)), len(problem.table(key))) == (7, len(before))
    assert problem.table(key) is before
    assert (other.scenario, other.fitness, other.baseline) == (problem.scenario, problem.fitness, problem.baseline)


def test_its_mapping_is_a_scenario_file(problem):
    mapping, workload = split_workload(problem.mapping())
    assert load_scenario(mapping) == problem.scenario
    assert load_spec(workload) == problem.workload
    assert problem.identity() == problem.mapping()


def test_its_rates_are_its_traffics(problem):
    assert problem.rates == problem.traffic.rates
    assert list(problem.rates) == [OFFERED_TOKENS]
