"""Racing: who is worse on the tables that both saw is stopped, equals are not, and the error is what is stated."""

import numpy as np
import pytest

from search.config import RaceSettings
from search.running.evaluation import FAILED, OK, STOPPED, Evaluation
from search.running.race import FRONT, LEAST, LEAST_TABLES, SPREAD, Race, blocks, make_race

ERROR, BAND, NOISE = 0.05, 0.005, 0.02


def race_of(scores, error=ERROR, band=BAND):
    return Race(RaceSettings(error, band), np.asarray(scores, dtype=float))


def field(rng, tables, mean=0.0, n=40):
    """Scores of equals: each table is easier or harder for all, and everyone has its own luck on it."""
    return mean + rng.normal(0, 10 * NOISE, tables) + rng.normal(0, NOISE, (n, tables))


def looks(race, scores):
    """After how many tables a candidate is stopped, None if it sees all."""
    return next((part.stop for part in race.blocks if race.stops(scores[: part.stop])), None)


def stopped_share(tables, behind, races=800, **settings):
    """Share of candidates that are so much worse than a field of equals and are stopped."""
    rng, stopped = np.random.default_rng(tables), 0
    for _ in range(races):
        scores = field(rng, tables, n=41)
        race = race_of(scores[:40], **settings)
        stopped += looks(race, scores[40] - behind) is not None
    return stopped / races


@pytest.mark.parametrize("tables", [4, 16])
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_among_equals_no_more_are_stopped_than_stated(tables, error):
    assert stopped_share(tables, 0.0, error=error, band=0.0) <= error + 0.02


def test_within_the_band_nobody_is_worse():
    at_its_edge = stopped_share(16, BAND)
    assert at_its_edge <= ERROR + 0.02
    assert stopped_share(16, BAND, band=0.0) > at_its_edge


@pytest.mark.parametrize("tables", [4, 16])
def test_who_is_far_behind_is_stopped_at_once(tables):
    assert stopped_share(tables, 5 * NOISE) > 0.95
    rng = np.random.default_rng(1)
    scores = field(rng, tables)
    assert looks(race_of(scores), scores[0] - 6 * NOISE) == 1


def test_who_is_better_sees_all():
    scores = field(np.random.default_rng(2), 8)
    assert looks(race_of(scores), scores.max(axis=0) + NOISE) is None


def test_a_look_is_taken_whenever_the_tables_seen_have_doubled():
    assert [(part.start, part.stop) for part in blocks(12)] == [(0, 1), (1, 2), (2, 4), (4, 8), (8, 12)]
    assert [part.stop for part in blocks(1)] == [1]


def test_the_front_is_chosen_by_the_other_tables():
    """Else it is as good as the luckiest, and equals are behind it."""
    rng = np.random.default_rng(3)
    fields = [rng.normal(0, NOISE, (40, 4)) for _ in range(300)]  # all of them expect 0
    fronts = [race_of(scores).front.mean() for scores in fields]
    luckiest = [np.sort(scores.mean(axis=1))[-FRONT:].mean() for scores in fields]
    assert abs(np.mean(fronts)) < 0.1 * NOISE
    assert np.mean(luckiest) > 0.7 * NOISE


def evaluation(name, scores, status=OK):
    return Evaluation(name, status, "", float(np.mean(scores)), seed_values=tuple(scores))


def everyone(n, tables=4):
    return [evaluation(str(i), row) for i, row in enumerate(field(np.random.default_rng(4), tables, n=n))]


def test_nobody_is_stopped_before_enough_saw_everything():
    settings = RaceSettings(ERROR, BAND)
    assert make_race(settings, everyone(LEAST - 1)) is None
    assert make_race(settings, everyone(LEAST)) is not None
    assert make_race(None, everyone(LEAST)) is None
    assert make_race(settings, everyone(LEAST, tables=LEAST_TABLES - 1)) is None


def test_repeats_and_what_did_not_see_everything_are_not_the_front():
    known = everyone(LEAST - 1)
    more = [known[0], Evaluation("stopped", STOPPED, "", 9.0, seed_values=(9.0, None, None, None))]
    failed = Evaluation("failed", FAILED, "it fell", seed_values=(None,) * 4)
    assert make_race(RaceSettings(ERROR, BAND), [*known, *more, failed]) is None


def test_the_estimate_is_as_far_behind_on_the_other_tables():
    scores = field(np.random.default_rng(5), 8, n=SPREAD)
    race = race_of(scores)
    behind = evaluation("x", race.front[:2] - 0.3)
    found = race.judged(behind)
    assert (found.status, found.reason) == (STOPPED, "stopped after 2 of 8 tables")
    assert found.fitness == pytest.approx(race.front.mean() - 0.3)
    assert found.seed_values == (*behind.seed_values, *[None] * 6)


def test_what_saw_everything_or_failed_is_kept_as_it_is():
    race = race_of(field(np.random.default_rng(6), 3))
    whole = evaluation("x", (0.1, 0.2, 0.3))
    assert race.judged(whole) == whole
    failed = race.judged(Evaluation("x", FAILED, "it fell", seed_values=(0.1, None)))
    assert (failed.status, failed.fitness, failed.seed_values) == (FAILED, None, (0.1, None, None))
