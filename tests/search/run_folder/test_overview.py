"""The picture of a run: of the report tables, the same bytes every time, whatever there is to show."""

import numpy as np
import pytest

from blis.evaluation.distribution import Weighted
from blis.evaluation.itl import expand_gaps
from blis.tables.records import COMPLETED
from blis.workload.draw.pools import REPORT_POOL
from search.drivers.base import SEED
from search.run_folder.overview import WINNER_NAME, latencies, overview_png, write_overview
from search.running.archive import BASELINE, Archive, Row
from search.running.evaluation import FAILED, OK, Evaluation
from search.running.evaluator import Evaluator
from search.verdict.advice import keep
from search.verdict.verdict import FAILED as NOTHING_PROVED
from search.verdict.verdict import INTERRUPTED, Question, SoFar, Verdict
from tests.search.small import small_settings
from tests.search.verdict.comparisons import POLICY


@pytest.fixture
def settings(tmp_path):
    return small_settings(tmp_path, "baselines=[round-robin, llm-d-default]", "validation.report_seeds=2")


def archive(*scores):
    rows = [
        Row(i, 0, "random", {}, POLICY, Evaluation(str(i), FAILED if score is None else OK, fitness=score))
        for i, score in enumerate(scores)
    ]
    named = Row(len(rows), 0, BASELINE, {}, POLICY, Evaluation("b", OK, fitness=0.0), "llm-d-default")
    return Archive((), (), [*rows, named])


def report_tables(settings):
    return Evaluator(settings.problem, settings.pool(REPORT_POOL, 2), settings.workers, closely=True)


def unproved(settings, outcome):
    question = Question(settings.primary, settings.seed, True, {})
    policy = settings.baselines["round-robin"]
    return Verdict(outcome, "", policy, keep("round-robin", policy), question, SoFar(1))


def test_latencies_are_those_of_completed_requests_over_the_tables(settings):
    policy, problem = settings.baselines["round-robin"], settings.problem
    ((ttft, gaps, e2e),) = latencies({"one": policy}, report_tables(settings)).values()
    results = [problem.simulate(policy.scenario, problem.table(seed)) for seed in settings.pool(REPORT_POOL, 2)]
    for found, column in ((ttft, "ttft_us"), (e2e, "e2e_us")):
        times_us = np.concatenate([getattr(r, column)[r.status == COMPLETED] for r in results])
        np.testing.assert_array_equal(np.repeat(found.values, found.weights), np.sort(times_us))
    done = [(r, row) for r in results for row in np.flatnonzero(r.status == COMPLETED)]
    gaps_us = sorted(gap for r, row in done for gap in expand_gaps(r, row))
    np.testing.assert_array_equal(np.repeat(gaps.values, gaps.weights), gaps_us)


def test_the_same_run_gives_the_same_bytes():
    some, ones = Weighted.once(np.arange(1, 9) * 1000), Weighted.once(np.ones(3))
    found = {WINNER_NAME: (some, some, some), "llm-d-default": (ones, ones, ones)}
    one, again = (
        overview_png(archive(0.1, None, -9.0), ["llm-d-default"], found, WINNER_NAME, "Winner") for _ in range(2)
    )
    assert one.startswith(b"\x89PNG") and one == again


def test_the_policies_of_other_searches_are_candidates():
    """They have a name, but are no baselines."""
    seed = Row(9, 0, SEED, {}, POLICY, Evaluation("s", OK, fitness=0.2), "best_policy")
    seeded = Archive((), (), [*archive(0.1).rows, seed])
    assert overview_png(seeded, ["llm-d-default"], {}, WINNER_NAME, "").startswith(b"\x89PNG")


@pytest.mark.filterwarnings("error")
def test_nothing_to_show_is_no_trouble():
    nobody = {WINNER_NAME: (Weighted.once(np.zeros(0)),) * 3}
    nothing = Archive((), (), archive(None).rows[:1])
    assert overview_png(nothing, [], nobody, WINNER_NAME, "").startswith(b"\x89PNG")


def test_a_search_without_a_verdict_has_a_picture_unless_it_failed(settings, tmp_path):
    write_overview(settings, archive(None), unproved(settings, NOTHING_PROVED), report_tables(settings))
    assert not list(tmp_path.iterdir())
    no_tables = None  # who has pressed Ctrl-C does not wait for more simulations
    write_overview(settings, archive(0.1), unproved(settings, INTERRUPTED), no_tables)
    assert (tmp_path / "figures" / "overview.png").is_file()
