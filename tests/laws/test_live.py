"""A live run gives what a run of the table of its requests gives, whenever somebody looks."""

from __future__ import annotations

import pytest

from tests.laws.live_cases import compare_live


def test_a_live_run_equals_a_whole_run_of_the_same_arrivals():
    assert sum(compare_live(seed) for seed in range(400)) > 50


@pytest.mark.slow
def test_it_does_in_two_thousand_cases():
    for seed in range(1000, 9000):
        compare_live(seed)
