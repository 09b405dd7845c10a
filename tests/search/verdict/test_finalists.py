"""The best few of a search; what a whole verdict makes of them is in test_validation.py."""

from dataclasses import replace

import pytest

from search.running.archive import BASELINE, Archive
from search.running.candidates import make_candidates
from search.running.evaluation import STOPPED
from search.running.evaluator import Evaluator
from search.running.loop import run_search
from search.verdict.finalists import best_of, choose_finalists
from tests.search.verdict.pools import BUDGETS, ROUTINGS, SEARCH_POOL, marked_settings


@pytest.mark.parametrize(
    ("scores", "place"), [([0.1, 0.3, 0.2], 1), ([None, -1.0], 1), ([0.2, 0.2], 0), ([None], None), ([], None)]
)
def test_the_best_has_the_highest_score_the_first_of_equals(scores, place):
    assert best_of(scores) == place


def test_finalists_are_rounded_and_different_best_first(tmp_path):
    settings = marked_settings(tmp_path, budgets=(1210, 1234, 1300))
    archive = Archive(tuple(settings.space), ())
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    run_search(make_candidates(settings), evaluator, settings.driver, archive)
    found = choose_finalists(settings, archive, evaluator)
    assert [one.policy.complete.engine.max_scheduled_tokens for one in found] == [1200, 1300]
    worth = [BUDGETS[SEARCH_POOL][budget] + ROUTINGS[SEARCH_POOL]["least-loaded"] for budget in (1234, 1200, 1300)]
    assert [found[0].search, found[0].rounded, found[1].search] == pytest.approx(worth)


def test_where_a_race_stopped_all_the_best_of_those_are_finalists_with_scores_on_all_tables(tmp_path):
    settings = marked_settings(tmp_path, budgets=(1210, 1300))
    archive = Archive(tuple(settings.space), ())
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    run_search(make_candidates(settings), evaluator, settings.driver, archive)
    whole = choose_finalists(settings, archive, evaluator)
    for place, row in enumerate(archive.rows):
        if row.origin != BASELINE:
            stopped = replace(row.evaluation, status=STOPPED, reason="stopped", fitness=row.evaluation.fitness - 9)
            archive.rows[place] = replace(row, evaluation=stopped)
    again = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    again.remember([row.evaluation for row in archive.rows])
    assert choose_finalists(settings, archive, again) == whole and len(whole) == 2
