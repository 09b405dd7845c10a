"""One instance less: of the largest pool, if there are pools; a pool never loses its last one."""

from dataclasses import replace

import pytest

from blis.config import Disaggregation, Failures, KVTransfer, Outage, Pool
from blis.errors import InputError
from search.shifts.instances import SHIFTS
from tests.search.shifts.problems import of_population, with_cluster

SHIFT = SHIFTS["one instance less"]


def pooled(problem, *counts):
    problem = with_cluster(problem, instances=sum(counts))
    pools = tuple(Pool(count, {"place": str(i)}) for i, count in enumerate(counts))
    return replace(problem, scenario=replace(problem.scenario, pools=pools))


def test_of_equal_instances(tmp_path):
    world = SHIFT(of_population(tmp_path))
    assert world.scenario_on(world.against, 1).cluster.instances == 3


def test_of_the_largest_pool(tmp_path):
    world = SHIFT(pooled(of_population(tmp_path), 1, 3, 3))
    assert [pool.count for pool in world.scenario_on(world.against, 1).pools] == [1, 2, 3]


def test_the_last_one_stays(tmp_path):
    problem = of_population(tmp_path)
    with pytest.raises(InputError, match="there is one instance only"):
        SHIFT(with_cluster(problem, instances=1))
    with pytest.raises(InputError, match="no pool has a second instance"):
        SHIFT(pooled(problem, 1, 1))


def test_whoever_fails_is_still_the_same_one_and_the_lost_one_does_not_fail_again(tmp_path):
    failures = Failures((Outage((3,), 5, 1), Outage((1, 2), 7, 1)))
    problem = of_population(tmp_path)
    world = SHIFT(with_cluster(problem, failures=failures))
    assert world.scenario_on(world.against, 1).cluster.failures.scheduled == (Outage((1, 2), 7, 1),)
    world = SHIFT(with_cluster(pooled(problem, 2, 1, 1), failures=failures))
    assert world.scenario_on(world.against, 1).cluster.failures.scheduled == (Outage((2,), 5, 1), Outage((1,), 7, 1))


def test_one_is_left_to_generate(tmp_path):
    link = KVTransfer(bytes_per_token=1)
    problem = with_cluster(
        of_population(tmp_path), kv_transfer=link, disaggregation=Disaggregation(prefill_instances=3)
    )
    roles = [replica.role for replica in SHIFT(problem).altered(problem.scenario).replicas]
    assert roles == ["prefill", "prefill", "decode"]
