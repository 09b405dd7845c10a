"""The loop: baselines first, budget kept, rows in ask order, repeats free, interruption harmless."""

import csv
import io
from dataclasses import replace

import pytest

from search.running.archive import BASELINE, Archive
from search.running.candidates import make_candidates
from search.running.evaluation import INVALID, OK, STOPPED
from search.running.evaluator import Evaluator
from search.running.loop import run_search
from search.space.space import space_from_mapping
from tests.search.small import small_settings


def run(settings, listeners=()):
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    run_search(make_candidates(settings), evaluator, settings.driver, archive, listeners)
    return archive


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def archive(settings):
    return run(settings)


def table(archive):
    return list(csv.DictReader(io.StringIO(archive.csv_text())))


def test_the_budget_is_kept_in_batches(archive):
    assert [row.index for row in archive.rows] == list(range(40))
    assert [row.generation for row in archive.rows] == [i // 10 for i in range(40)]


def test_baselines_open_generation_0_as_the_bundles_they_are(settings, archive):
    first = archive.rows[: len(settings.baselines)]
    assert {row.name: row.policy for row in first} == dict(settings.baselines)
    assert {row.origin for row in first} == {BASELINE}
    (primary,) = [row for row in first if row.name == settings.primary]
    assert primary.evaluation.fitness == 0  # against itself


def test_the_last_batch_fills_the_budget(tmp_path):
    archive = run(small_settings(tmp_path, "driver.budget=23"))
    assert [row.generation for row in archive.rows].count(2) == 3


def test_whoever_hands_out_candidates_is_told_what_they_scored(settings):
    candidates, told = make_candidates(settings), []

    class Listening:
        take = staticmethod(candidates.take)

        @staticmethod
        def tell(batch, evaluations):
            told.extend(zip(batch, evaluations, strict=True))
            candidates.tell(batch, evaluations)

    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    run_search(Listening(), evaluator, replace(settings.driver, budget=20), archive)
    assert [evaluation for _, evaluation in told] == [row.evaluation for row in archive.rows]
    assert [candidate.policy for candidate, _ in told] == [row.policy for row in archive.rows]


def test_baselines_outside_the_space_are_evaluated_too(tmp_path):
    settings = small_settings(tmp_path, "search_space=routing_weights", "driver.budget=12", "driver.batch=4")
    archive = run(settings)
    assert {row.name for row in archive.rows if row.origin == BASELINE} == set(settings.baselines)
    by_name = {row.name: row for row in archive.rows}
    assert by_name["round-robin"].genome == {}
    assert by_name["blis-default"].genome["routing.tie_break"] == "first"


def test_candidates_csv_has_the_agreed_columns(settings, archive):
    header = archive.csv_text().splitlines()[0].split(",")
    columns = (
        "index,generation,origin,name,genome_id,status,reason,fitness,"
        "f_ttft,f_tail,f_tpot,f_itl,f_e2e,f_goodput,f_fairness,f_cost,u,harm,seed_0,seed_1"
    )
    assert header == [*columns.split(","), *settings.space]
    assert "\r" not in archive.csv_text()


def test_candidates_csv_names_the_baselines(settings, archive):
    named = {cells["name"] for cells in table(archive) if cells["origin"] == BASELINE}
    assert named == set(settings.baselines)
    assert {cells["name"] for cells in table(archive) if cells["origin"] != BASELINE} == {""}


def test_candidates_csv_gives_every_number_back(archive):
    for row, cells in zip(archive.rows, table(archive), strict=True):
        assert float(cells["fitness"]) == row.evaluation.fitness
        assert float(cells["seed_1"]) == row.evaluation.seed_values[1]
        weighted = cells["routing.policy"] == "weighted"
        assert (cells["routing.tie_break"] != "") == weighted
        assert (cells["admission.token_bucket_capacity"] != "") == (cells["admission.policy"] == "token-bucket")


def test_another_fitness_has_columns_of_its_own(tmp_path):
    """And they say what the score is made of."""
    settings = small_settings(tmp_path, "fitness=original", "driver.budget=12")
    fitness, rows = settings.problem.fitness, table(run(settings))
    assert list(rows[0])[7:13] == ["fitness", *sorted(fitness.weights), "u", "harm"]
    (primary,) = [cells for cells in rows if float(cells["fitness"]) == 0 and cells["origin"] == BASELINE]
    for cells in rows:
        gains = {name: float(cells[name]) - float(primary[name]) for name in fitness.weights}
        assert float(cells["fitness"]) == pytest.approx(sum(fitness.weights[key] * gain for key, gain in gains.items()))


def test_top_holds_different_policies_that_are_no_baselines(archive):
    top = archive.top(100)
    ids = [row.evaluation.genome_id for row in top]
    assert len(set(ids)) == len(ids)
    assert not {row.evaluation.genome_id for row in archive.rows if row.origin == BASELINE} & set(ids)
    scores = [row.evaluation.fitness for row in top]
    assert scores == sorted(scores, reverse=True)
    assert archive.best().evaluation.fitness >= scores[0]


def test_a_genome_that_is_no_policy_is_invalid_and_costs_no_simulation(settings):
    flawed = {key: 0.0 for key in settings.space if key.startswith("routing.scorers.")}
    candidates = make_candidates(settings)
    candidates.take(len(settings.baselines))
    proposals = candidates._driver.ask(1)
    genome = {**proposals[0].genome, "routing.policy": "weighted", "routing.tie_break": "first", **flawed}
    candidate = candidates._candidate(proposals[0]._replace(genome=genome))
    assert (candidate.policy, candidate.reason) == (None, "all scorer weights are zero")

    class OnlyThat:
        take = staticmethod(lambda n: [candidate])
        tell = staticmethod(lambda batch, evaluations: None)

    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    run_search(OnlyThat(), evaluator, replace(settings.driver, budget=1), archive)
    assert archive.rows[0].evaluation.status == INVALID
    assert table(archive)[0]["reason"] == "all scorer weights are zero"
    assert table(archive)[0]["fitness"] == ""
    assert archive.best() is None


def test_an_interruption_keeps_the_finished_generations(settings):
    class Impatient:
        def generation(self, archive, generation):
            if generation == 1:
                raise KeyboardInterrupt

    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    with pytest.raises(KeyboardInterrupt):
        run_search(make_candidates(settings), evaluator, settings.driver, archive, [Impatient()])
    assert len(archive.rows) == 20
    assert all(row.evaluation.status == OK for row in archive.rows)


def test_a_budget_of_seconds_ends_after_a_generation(tmp_path):
    archive = run(small_settings(tmp_path, "driver.seconds=0.0000000001"))
    assert len(archive.rows) == 10


TINY = {"engine": {"long_prefill_threshold": {"type": "categorical", "choices": [0, 256]}}}


def test_a_space_that_has_nothing_new_ends_the_search_and_so_it_does_when_resumed(tmp_path):
    settings = replace(small_settings(tmp_path, "driver.budget=4000"), space=space_from_mapping(TINY))
    archive = run(settings)
    assert len(archive.rows) < 100 and archive.exhausted()
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    rows = list(archive.rows)
    run_search(make_candidates(settings), evaluator, settings.driver, archive)
    assert archive.rows == rows


def test_another_seed_gives_another_search_on_the_same_tables(tmp_path, settings, archive):
    other = small_settings(tmp_path, "seed=2")
    assert other.problem.search_seeds == settings.problem.search_seeds
    again = run(other)
    n = len(settings.baselines)
    assert [row.evaluation for row in again.rows[:n]] == [row.evaluation for row in archive.rows[:n]]
    assert again.csv_text() != archive.csv_text()


def test_given_policies_see_every_table_and_others_are_raced(tmp_path):
    race = ["driver.race={error: 0.2, band: 0.0}", "validation.search_seeds=4"]
    rows = run(small_settings(tmp_path, *race)).rows
    seen = [sum(value is not None for value in row.evaluation.seed_values) for row in rows]
    assert {n for n, row in zip(seen, rows, strict=True) if row.name} == {4}
    assert {row.evaluation.status for row in rows} == {OK, STOPPED}
    assert {n < 4 for n, row in zip(seen, rows, strict=True) if row.evaluation.status == STOPPED} == {True}
    whole = {row.genome_id: row for row in (one.evaluation for one in rows) if row.status == OK}
    without = {one.evaluation.genome_id: one.evaluation for one in run(small_settings(tmp_path, *race[1:])).rows}
    both = whole.keys() & without.keys()
    assert len(both) >= 11 and all(whole[one] == without[one] for one in both)


def test_other_worlds_are_not_raced(tmp_path):
    robust = ["fitness.robust=mean", "shifts=[rate x1.2]", "validation.search_seeds=4", "driver.budget=20"]
    rows = run(small_settings(tmp_path, *robust, "driver.race={error: 0.4, band: 0.0}")).rows
    assert {row.evaluation.status for row in rows} == {OK}
