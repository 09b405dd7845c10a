"""What a search makes of scores in several worlds."""

import pytest

from search.problem.aim import AIMS


def test_mean_worst_and_the_mean_of_the_worst_fifth():
    scores = [0.5, -0.25, 0.125, 1.0, -0.5, 0.25]
    assert AIMS["mean"](scores) == pytest.approx(1.125 / 6)
    assert AIMS["worst"](scores) == -0.5
    assert AIMS["cvar"](scores) == -0.375  # 2 of 6


def test_of_one_world_all_are_its_score():
    assert {aim([0.3]) for aim in AIMS.values()} == {0.3}


def test_of_nineteen_worlds_the_worst_four_count():
    scores = [float(i) for i in range(19)]
    assert AIMS["cvar"](scores) == 1.5
