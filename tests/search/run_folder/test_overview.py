"""The picture of a run: of the report tables, the same bytes every time, whatever there is to show."""

import numpy as np
import pytest

from blis.tables.records import COMPLETED
from blis.workload.draw.pools import REPORT_POOL
from search.run_folder.overview import WINNER_NAME, latencies, overview_png, write_overview
from search.running.archive import BASELINE, Archive, Row
from search.running.evaluator import FAILED, OK, Evaluation, Evaluator
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
    return Evaluator(settings.problem, settings.pool(REPORT_POOL, 2), settings.workers)


def unproved(settings, outcome):
    question = Question(settings.primary, settings.seed, True, {})
    return Verdict(outcome, "", settings.baselines["round-robin"], question, SoFar(1))


def test_latencies_are_those_of_completed_requests_over_the_tables(settings):
    policy, problem = settings.baselines["round-robin"], settings.problem
    ((ttft_us, e2e_us),) = latencies({"one": policy}, report_tables(settings)).values()
    results = [problem.simulate(policy.scenario, problem.table(seed)) for seed in settings.pool(REPORT_POOL, 2)]
    np.testing.assert_array_equal(ttft_us, np.concatenate([r.ttft_us[r.status == COMPLETED] for r in results]))
    np.testing.assert_array_equal(e2e_us, np.concatenate([r.e2e_us[r.status == COMPLETED] for r in results]))


def test_the_same_run_gives_the_same_bytes():
    found = {WINNER_NAME: (np.arange(1, 9) * 1000, np.arange(1, 9) * 9000), "llm-d-default": (np.ones(3), np.ones(3))}
    one, again = (
        overview_png(archive(0.1, None, -9.0), ["llm-d-default"], found, WINNER_NAME, "Winner") for _ in range(2)
    )
    assert one.startswith(b"\x89PNG") and one == again


@pytest.mark.filterwarnings("error")
def test_nothing_to_show_is_no_trouble():
    nobody = {WINNER_NAME: (np.zeros(0), np.zeros(0))}
    nothing = Archive((), (), archive(None).rows[:1])
    assert overview_png(nothing, [], nobody, WINNER_NAME, "").startswith(b"\x89PNG")


def test_a_search_without_a_verdict_has_a_picture_unless_it_failed(settings, tmp_path):
    write_overview(settings, archive(None), unproved(settings, NOTHING_PROVED), report_tables(settings))
    assert not list(tmp_path.iterdir())
    write_overview(settings, archive(0.1), unproved(settings, INTERRUPTED), report_tables(settings))
    assert (tmp_path / "figures" / "overview.png").is_file()
