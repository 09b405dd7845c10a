"""Scores of many draws of blocks at once are those of each draw by itself."""

import numpy as np
import pytest

from blis.fitness.relative import RelativeFitness
from blis.fitness.terms import TERMS, Term
from tests.blis.fitness.test_fitness import FITNESS, SCENARIO, SLO, random_result, random_table


def draws_of(blocks: int, seed: int) -> np.ndarray:
    """As a bootstrap draws them, and leaves each out; one that has nothing."""
    drawn = np.random.default_rng(seed).multinomial(blocks, np.ones(blocks) / blocks, 60)
    return np.concatenate([drawn, 1 - np.eye(blocks, dtype=np.int64), np.zeros((1, blocks), np.int64)])


def both(fitness: RelativeFitness, outcomes, of_row, times):
    """The scores at once, and one by one; not a number where no row is drawn."""
    at_once = fitness.by_blocks(*outcomes, of_row)(times)
    rows = [one[of_row] for one in times]
    return at_once, [fitness.compare_resampled(*outcomes, row) if row.any() else np.nan for row in rows]


@pytest.mark.parametrize("lost", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_each_draw(seed: int, lost: float):
    table = random_table(seed, 600)
    outcomes = [FITNESS.outcome(SCENARIO, table, random_result(table, 2 * seed + k, lost)) for k in range(2)]
    of_row = np.sort(np.random.default_rng(seed).integers(0, 12, 480))
    at_once, one_by_one = both(FITNESS, outcomes, of_row, draws_of(12, seed))
    assert at_once == pytest.approx(one_by_one, abs=1e-12, nan_ok=True)
    assert np.isnan(at_once[-1])


@pytest.mark.parametrize("name", list(FITNESS.weights))
def test_every_term_by_itself(name: str):
    fitness = RelativeFitness(SLO, {other: float(other == name) for other in FITNESS.weights})
    table = random_table(1, 600)
    outcomes = [fitness.outcome(SCENARIO, table, random_result(table, k)) for k in (4, 5)]
    of_row = np.sort(np.random.default_rng(2).integers(0, 12, 480))
    at_once, one_by_one = both(fitness, outcomes, of_row, draws_of(12, 3))
    assert at_once == pytest.approx(one_by_one, abs=1e-12, nan_ok=True)


def test_a_term_of_a_user_is_scored_draw_by_draw():
    TERMS.register("own")(Term(lambda pair: 0.0, 1.0))
    try:
        assert RelativeFitness(SLO, {"own": 1.0}).by_blocks(None, None, np.zeros(4, np.int64)) is None
    finally:
        TERMS.forget("own")
