"""A problem: its tables are made once, and what it decides is named without paths."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from blis.policies.bundle import load_bundle
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


def test_a_table_has_a_member_of_the_ensemble_by_its_number_and_every_policy_the_same(tmp_path):
    uncertain = small_settings(tmp_path, "cluster.instance.latency_model.ensemble=4").problem
    policy, other = uncertain.against, uncertain.policy(load_bundle({"routing": {"policy": "round-robin"}}))
    factors = [uncertain.scenario_on(policy, key).instance.latency_model.factor for key in range(8)]
    assert len({*factors}) == 4 and factors[:4] == factors[4:]
    assert uncertain.scenario_on(other, 3).instance.latency_model.factor == factors[3]
    assert uncertain.scenario_on(policy, "report") is policy.scenario  # a trace is one sample


def test_without_an_ensemble_a_policy_has_its_own_scenario_on_every_table(problem):
    assert problem.scenario_on(problem.against, 3) is problem.against.scenario


def test_under_an_altered_cluster_are_the_same_requests_and_policies(problem):
    def larger(scenario):
        return replace(scenario, cluster=replace(scenario.cluster, instances=9))

    world, key = problem.under(larger), problem.search_seeds[0]
    assert world.table(key) is problem.table(key)
    assert world.against == problem.against
    assert world.scenario_on(world.against, key) == larger(problem.scenario_on(problem.against, key))
    assert world.mapping()["cluster"]["instances"] == 9  # what a reproducer holds


def test_a_candidate_takes_as_many_simulations_as_tables_and_worlds(problem):
    robust = replace(problem, worlds={"a": problem, "b": problem})
    assert (problem.simulations, robust.simulations, robust.nominal.simulations) == (2, 6, 2)
