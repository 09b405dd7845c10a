"""Ties between instances: the first index, or the request's own number among exactly equal scores."""

import numpy as np
import pytest

from blis.engine import gateway
from blis.engine.records import VIEW
from tests.kernels import callable_kernel

best = callable_kernel(gateway.best)


def views(*scores: float) -> np.ndarray:
    rows = np.zeros(len(scores), VIEW).view(np.recarray)
    rows.score = scores
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
