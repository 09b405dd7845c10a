"""The saturation study: the first rate that saturates, over the scored rows, one stream of seeds."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.saturation import REQUESTS, main, saturation_rate, ttft_p99_us
from search.settings import compose_settings


@pytest.fixture(scope="module")
def settings():
    return compose_settings([])


def fake_problem(settings, ttft_us):
    """A problem whose requests have a TTFT that depends on the rate and the row."""

    def make_table(workload, seed):
        assert workload.num_requests == REQUESTS
        return workload.aggregate_rate

    return SimpleNamespace(
        scenario=settings.problem.scenario,
        workload=settings.problem.workload,
        make_table=make_table,
        simulate=lambda scenario, rate: Times(ttft_us(rate)),
    )


class Times:
    def __init__(self, ttft_us):
        self.ttft_us = ttft_us

    def __len__(self):
        return len(self.ttft_us)


def test_the_first_rate_counts_even_if_a_later_one_is_faster(settings):
    def times(rate):
        return np.full(REQUESTS, 1_000_000 if rate in (7, 12) else 999_999)

    assert saturation_rate(fake_problem(settings, times), settings.problem.baseline, seed=1) == 7


def test_only_scored_rows_count_and_unserved_ones_are_late(settings):
    def p99_of(values):
        problem = fake_problem(settings, lambda rate: values)
        return ttft_p99_us(problem, settings.problem.scenario, 1, seed=1)

    ends = np.full(REQUESTS, 10)
    ends[: REQUESTS // 10] = ends[9 * REQUESTS // 10 :] = 10**9
    assert p99_of(ends) == 10
    dropped = np.full(REQUESTS, 10)
    dropped[REQUESTS // 2 : REQUESTS // 2 + REQUESTS // 50] = -1
    assert p99_of(dropped) == np.inf


def test_wrong_overrides_are_one_line(capsys):
    assert main(["driver.budget=-1"]) == 2
    assert main(["budget=1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)
