"""A live run gives what a run of the table of its requests gives, whenever somebody looks."""

from __future__ import annotations

import pytest

from tests.laws.live_cases import compare_live


def test_a_live_run_equals_a_whole_run_of_the_same_arrivals():
    assert sum(compare_live(seed) for seed in range(400)) > 50


def test_nobody_is_told_to_come_back_who_has_the_place_of_one_that_was():
    assert compare_live(3630)  # a bucket refuses one, and the gateway is full for the next in its place


@pytest.mark.slow
def test_it_does_in_two_thousand_cases():
    for seed in range(1000, 9000):
        compare_live(seed)
