"""What is known of a candidate: means over tables, nothing where one has no score, all worlds together."""

import pytest

from blis.fitness.value import FitnessValue
from search.running.evaluation import FAILED, OK, STOPPED, Evaluation, mean_evaluation, over_worlds
from search.running.performance import Failure


def score(value):
    return FitnessValue(value, {"f_one": 2 * value}, undone=3 * value, harm=4 * value, objectives=(-value, 5 * value))


def test_every_number_is_a_mean_over_the_tables():
    found = mean_evaluation("x", [score(0.1), score(0.3)])
    assert (found.genome_id, found.status, found.reason, found.seed_values) == ("x", OK, "", (0.1, 0.3))
    assert (found.fitness, found.undone, found.harm) == pytest.approx((0.2, 0.6, 0.8))
    assert found.terms == {"f_one": pytest.approx(0.4)}
    assert found.objectives == pytest.approx((-0.2, 1.0))


def test_a_table_without_a_score_leaves_none():
    found = mean_evaluation("x", [score(0.1), Failure("it fell"), Failure("again")])
    assert (found.status, found.reason, found.fitness) == (FAILED, "it fell", None)
    assert found.seed_values == (0.1, None, None)


def test_the_nominal_score_is_of_the_world_as_it_is_and_of_all_tables():
    whole = mean_evaluation("x", [score(0.1), score(0.3)])
    assert over_worlds("worst", whole, {"busier": mean_evaluation("x", [score(-0.2)])}).nominal == pytest.approx(0.2)
    assert Evaluation("x", STOPPED, "stopped", 0.2, seed_values=(0.1, None)).nominal is None


def test_worlds_give_one_score_together():
    here, busier = mean_evaluation("x", [score(0.3)]), mean_evaluation("x", [score(0.1)])
    found = over_worlds("worst", here, {"busier": busier})
    assert (found.fitness, found.worlds) == (pytest.approx(0.1), {"busier": pytest.approx(0.1)})
    assert over_worlds("mean", here, {"busier": busier}).fitness == pytest.approx(0.2)
    assert over_worlds("worst", here, {"busier": busier}).objectives == pytest.approx((-0.1, 1.5))


def test_a_world_without_a_score_leaves_none():
    fallen = mean_evaluation("x", [Failure("it fell")])
    found = over_worlds("mean", mean_evaluation("x", [score(0.3)]), {"busier": fallen})
    assert (found.status, found.fitness, found.reason) == (FAILED, None, "under busier: it fell")
    assert found.worlds == {"busier": None}
