"""Importance: what decides the score stands first."""

from random import Random

import pytest

from search.explanation.importance import FEWEST, importance
from search.running.archive import Archive, Row
from search.running.evaluation import OK, Evaluation
from search.testing import SPACE


def archive(n, worth=1):
    rng, rows = Random(1), []
    for place in range(n):
        genome = SPACE.sample(rng)
        rows.append(
            Row(
                place,
                0,
                "random",
                genome,
                None,
                Evaluation(str(place), OK, fitness=-worth * genome["engine.max_scheduled_tokens"]),
            )
        )
    return Archive(tuple(SPACE), (), rows)


def test_what_decides_stands_first_and_shares_add_up():
    found = importance(SPACE, archive(200))
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert next(iter(found)) == "engine.max_scheduled_tokens"
    assert found == importance(SPACE, archive(200))


def test_a_few_candidates_say_nothing():
    assert importance(SPACE, archive(FEWEST - 1)) == {}


def test_nothing_decides_what_is_the_same_for_all():
    assert importance(SPACE, archive(50, worth=0)) == {}
