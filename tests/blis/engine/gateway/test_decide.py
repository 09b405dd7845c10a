"""Ties between instances: the first index, or the request's own number among exactly equal scores."""

import numpy as np
import pytest

from blis.engine.gateway import decide as gateway
from blis.engine.gateway.records import VIEW
from tests.kernels import callable_kernel

best = callable_kernel(gateway.best)


def views(*scores: float) -> np.ndarray:
    rows = np.zeros(len(scores), VIEW).view(np.recarray)
    rows.score = scores
    rows.eligible = 1
    return rows


@pytest.mark.parametrize(
    ("scores", "uniform", "chosen"),
    [
        ((1.0, 3.0, 2.0), 0.99, 1),
        ((2.0, 1.0, 2.0), 0.0, 0),
        ((2.0, 1.0, 2.0), 0.49, 0),
        ((2.0, 1.0, 2.0), 0.5, 2),
        ((0.0, 0.0, 0.0, 0.0), 0.75, 3),
        ((-5.0, -1.0, -1.0), 0.999999, 2),
    ],
)
def test_the_best_score_wins_and_ties_follow_the_uniform_number(scores, uniform, chosen):
    assert best(views(*scores), uniform) == chosen


def test_only_the_eligible_can_win():
    rows = views(1.0, 5.0, 5.0, 2.0)
    rows.eligible = [1, 0, 1, 1]
    assert best(rows, 0.0) == best(rows, 0.99) == 2
