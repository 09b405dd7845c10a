from dataclasses import replace

import numpy as np
import pytest

from blis.config import Cluster, Compat, Instance, LatencyModel, Scenario
from blis.evaluation.detectors.anomalies import find_anomalies
from blis.evaluation.detectors.imbalance import hol_blocking, imbalance, mean_waiting
from blis.tables.records import SAMPLE
from blis.tables.results import ResultTable
from tests.blis.handmade import make_result, make_table


def queues(*means: float) -> ResultTable:
    result = make_result(make_table(1), 1, instances=len(means))
    result.instances["steps"] = 10
    result.instances["queue_sum"] = [10 * mean for mean in means]
    result.instances["busy_us"] = 100
    return result


@pytest.mark.parametrize(
    ("means", "ours", "original"),
    [
        ((40, 5, 0, 0), 1, 1),
        ((9, 9, 9, 9), 0, 0),
        ((100, 0), 1, 0),  # the original is blind with two instances
        ((100,), 0, 0),
        ((50, 60, 0, 0, 0, 0), 2, 2),
        ((0, 0, 0), 0, 0),
        ((0.3, 0.0, 0.0), 0, 1),  # nobody waits to speak of
    ],
)
def test_long_queues(means, ours, original):
    assert imbalance(queues(*means)).instances == ours
    assert hol_blocking(queues(*means)) == original


def test_a_queue_is_a_mean_over_steps_and_nothing_without_one():
    result = queues(4, 0.5, 7)
    result.instances["steps"][2] = result.instances["queue_sum"][2] = 0
    assert mean_waiting(result).tolist() == [4, 0.5, 0]


def test_lengths_over_time_count_more_than_those_of_steps():
    assert imbalance(queues(40, 5, 0, 0), np.array([5.0, 5, 5, 5])).instances == 0


def test_the_busiest_instance():
    result = queues(0, 0)
    result.instances["busy_us"] = [300, 100]
    assert imbalance(result).busiest_over_mean == 1.5
    result.instances["busy_us"] = 0
    assert imbalance(result).busiest_over_mean == 0


def test_a_sampled_run_is_judged_by_its_samples():
    result = replace(queues(40, 5, 0, 0), samples=np.zeros((10, 4), SAMPLE))
    scenario = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))), cluster=Cluster(instances=4))
    assert find_anomalies(scenario, make_table(1), result, Compat()).imbalanced_instances == 0
    assert find_anomalies(scenario, make_table(1), result, Compat.original()).imbalanced_instances == 1
    unsampled = replace(result, samples=None)
    assert find_anomalies(scenario, make_table(1), unsampled, Compat()).imbalanced_instances == 1
