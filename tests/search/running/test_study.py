"""Searchers of one problem that know what the others found."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from blis.errors import InputError
from search.drivers.base import SEED, Proposal
from search.identity import run_id
from search.running.candidates import make_candidates
from search.running.checkpoint import begin
from search.running.evaluation import FAILED, OK, Evaluation
from search.running.evaluator import Evaluator
from search.running.loop import run_search
from search.running.study import SHARED, SharedStudy, shared_study
from search.settings import Settings
from search.verdict.tuned_knobs import tune_knobs
from tests.search.small import small_settings

TPE = ("driver=optuna_tpe", "driver.race=null", "driver.budget=40")


def scored(*values: float | None) -> list[Evaluation]:
    return [Evaluation(f"{number}", OK if v is not None else FAILED, fitness=v) for number, v in enumerate(values)]


def proposals(settings: Settings, count: int) -> list[Proposal]:
    return [one.proposal for one in make_candidates(settings).take(40) if one.proposal and one.origin != "baseline"][
        :count
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return small_settings(tmp_path, *TPE, f"driver.journal={tmp_path / 'study.log'}")


def both(settings: Settings) -> tuple[SharedStudy, SharedStudy]:
    first, second = shared_study(settings), shared_study(settings)
    assert first is not None and second is not None
    return first, second


def test_each_hears_of_the_others_to_the_last_digit_and_once(settings):
    first, second = both(settings)
    asked = proposals(settings, 3)
    first.put([*asked, Proposal(asked[0].genome, SEED)], scored(0.1 + 0.2, None, -1.5, 9.0))
    heard, learned = second.news()
    assert heard == [Proposal(asked[0].genome, SHARED), Proposal(asked[2].genome, SHARED)]
    assert [one.fitness for one in learned] == [0.1 + 0.2, -1.5]
    assert second.news() == first.news() == ([], [])
    second.put(asked[1:2], scored(0.5))
    assert [one.genome for one in first.news()[0]] == [asked[1].genome]


def test_a_search_that_goes_on_hears_what_is_new(settings):
    first, second = both(settings)
    asked = proposals(settings, 2)
    first.put(asked[:1], scored(1.0))
    second.news()
    again = both(settings)[1]
    again.restore(json.loads(json.dumps(second.state())))
    first.put(asked[1:], scored(2.0))
    second.put(asked[1:], scored(3.0))  # its own
    assert [one.fitness for one in again.news()[1]] == [2.0]


@pytest.mark.parametrize(
    "changed", ["search_space=routing_weights", "workload.seed=7", "primary=blis-default", "fitness.weights.itl=0.3"]
)
def test_other_problems_in_the_same_file_are_other_studies(settings, tmp_path, changed):
    other = shared_study(small_settings(tmp_path, *TPE, f"driver.journal={tmp_path / 'study.log'}", changed))
    first, second = both(settings)
    first.put(proposals(settings, 2), scored(1.0, 2.0))
    assert other is not None
    assert other.news() == ([], [])
    assert len(second.news()[0]) == 2


def test_drivers_learn_from_the_others_and_do_not_ask_what_those_asked(settings):
    """One searcher has seen the whole space; the other, with the same seed, asks for nothing of it."""
    alone = run(replace(settings, driver=replace(settings.driver, journal=None)))
    first, second = run(settings), run(settings)
    assert first == alone
    new = [genome for genome in first if genome not in baselines(settings)]
    assert not [genome for genome in second if genome in new]


def run(settings: Settings) -> list[dict]:
    candidates, evaluator, archive = begin(settings)
    run_search(candidates, evaluator, settings.driver, archive)
    return [row.genome for row in archive.rows]


def baselines(settings: Settings) -> list[dict]:
    return [one.genome for one in make_candidates(settings).take(len(settings.baselines))]


def test_searchers_at_once_lose_and_double_nothing(settings):
    asked = proposals(settings, 8)
    studies = [shared_study(settings) for _ in range(4)]

    def put(number: int) -> None:
        for place, proposal in enumerate(asked):
            studies[number].put([proposal], scored(float(10 * number + place)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    reader = shared_study(settings)
    heard = sorted(one.fitness for one in reader.news()[1])
    assert heard == sorted(float(10 * number + place) for number in range(4) for place in range(8))


def test_a_journal_that_fails_is_said_once_and_costs_no_candidate(settings, capsys, monkeypatch):
    candidates, evaluator, archive = begin(settings)
    study = candidates._study

    def broken(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(study._study, "add_trial", broken)
    run_search(candidates, evaluator, settings.driver, archive)
    assert len(archive.rows) == settings.driver.budget
    told = capsys.readouterr().err
    assert told.count("driver.journal") == 1 and "goes on without it" in told


def test_what_cannot_be_a_journal_is_refused(tmp_path, settings):
    (tmp_path / "notes.txt").write_text("milk\n")
    wrong = (
        ("notes.txt", "no journal of Optuna"),
        ("nowhere/study.log", "there is no folder"),
        (".", "Is a directory"),
    )
    for path, why in wrong:
        with pytest.raises(InputError, match=why):
            shared_study(replace(settings, driver=replace(settings.driver, journal=str(tmp_path / path))))
    with pytest.raises(InputError, match="optuna_tpe"):
        small_settings(tmp_path, "driver=deap_ga", "driver.journal=x.log")


def test_where_the_journal_lies_is_not_what_a_run_is(settings, tmp_path):
    elsewhere = small_settings(tmp_path, *TPE, f"driver.journal={tmp_path / 'other.log'}")
    alone = small_settings(tmp_path, *TPE)
    assert run_id(settings) == run_id(elsewhere) != run_id(alone)


def test_knobs_that_are_tuned_beside_the_search_are_no_part_of_it(settings):
    candidates, evaluator, archive = begin(settings)
    run_search(candidates, evaluator, settings.driver, archive)
    before = Path(settings.driver.journal).read_text()
    selection = Evaluator(settings.problem, settings.pool("pool/selection", 1), settings.workers)
    assert tune_knobs(settings, evaluator, selection).policy is not None
    assert Path(settings.driver.journal).read_text() == before
