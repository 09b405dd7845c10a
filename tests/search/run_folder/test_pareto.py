"""The front: exactly what nothing beats, in files that can be used, and only for a driver of compromises."""

import csv
import io
from random import Random

import numpy as np
import pytest

from blis.policies.bundle import load_bundle
from search.run_folder.pareto import front, non_dominated, write_pareto
from search.running.archive import Archive, Row
from search.running.candidates import make_candidates
from search.running.evaluation import FAILED, OK, Evaluation
from search.running.evaluator import Evaluator, evaluate
from search.running.loop import run_search
from tests.search.small import small_settings


def beats(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


class TestNonDominated:
    def test_by_definition(self):
        rng = Random(1)
        points = [tuple(rng.randrange(6) for _ in range(3)) for _ in range(120)]
        kept = non_dominated(np.array(points, dtype=float))
        assert list(kept) == [not any(beats(other, point) for other in points) for point in points]

    def test_equal_points_stay_together(self):
        assert list(non_dominated(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]]))) == [True, True, False]

    def test_one_objective_leaves_the_smallest(self):
        assert list(non_dominated(np.array([[3.0], [1.0], [2.0]]))) == [False, True, False]


def row(index, genome_id, objectives, status=OK):
    return Row(
        index, 0, "random", {}, load_bundle({}), Evaluation(genome_id, status, fitness=0.0, objectives=objectives)
    )


def test_the_front_has_every_policy_once_and_no_failures():
    rows = [row(0, "a", (1.0, 2.0)), row(1, "b", (2.0, 1.0)), row(2, "a", (1.0, 2.0)), row(3, "c", (2.0, 2.0))]
    archive = Archive((), (), [*rows, row(4, "d", (), FAILED)])
    assert [member.index for member in front(archive)] == [0, 1]
    assert front(Archive((), ())) == []


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run"), "driver=deap_nsga2", "seeds=[lmetric]")


@pytest.fixture(scope="module")
def archive(settings):
    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    run_search(make_candidates(settings), evaluator, settings.driver, archive)
    write_pareto(settings, archive)
    return archive


def table(settings):
    return list(csv.DictReader(io.StringIO((settings.run_dir / "pareto.csv").read_text())))


def test_objectives_are_gains_against_the_baseline_turned_round(archive):
    (primary,) = [row.evaluation for row in archive.rows if row.name == "llm-d-default"]
    for found in (row.evaluation for row in archive.rows):
        tail, tpot, goodput, undone = found.objectives
        assert (tail, tpot, goodput) == tuple(-found.terms[name] for name in ("f_tail", "f_tpot", "f_goodput"))
        assert undone == pytest.approx(found.undone - primary.undone)
    assert primary.objectives == (0, 0, 0, 0)


def test_the_files_hold_the_front(settings, archive):
    members = table(settings)
    assert [member["genome_id"] for member in members] == [row.evaluation.genome_id for row in front(archive)]
    first = ["genome_id", "origin", "name", "fitness", "harm", "tail", "tpot", "goodput", "undone"]
    assert list(members[0]) == [*first, *settings.space]
    bundles = {path.stem for path in (settings.run_dir / "pareto").glob("*.yaml")}
    assert bundles == {member["genome_id"] for member in members}
    assert (settings.run_dir / "figures" / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_a_bundle_of_the_front_scores_as_the_table_says(settings, archive):
    for member in table(settings)[:2]:
        bundle = load_bundle(settings.run_dir / "pareto" / f"{member['genome_id']}.yaml")
        found = evaluate(bundle, settings.problem)
        assert settings.problem.policy(bundle).id == found.genome_id == member["genome_id"]
        objectives = [float(member[name]) for name in settings.problem.fitness.objectives]
        assert list(found.objectives) == objectives == list(bundle.provenance["objectives"].values())


def test_other_drivers_leave_no_front(tmp_path, archive):
    write_pareto(small_settings(tmp_path), archive)
    assert list(tmp_path.iterdir()) == []


def test_the_original_fitness_has_a_front_too(tmp_path):
    settings = small_settings(tmp_path, "driver=deap_nsga2", "fitness=original", "driver.budget=12")
    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    evaluator = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    run_search(make_candidates(settings), evaluator, settings.driver, archive)
    write_pareto(settings, archive)
    weights = settings.problem.fitness.weights
    for found in (row.evaluation for row in archive.rows):
        names = settings.problem.fitness.objectives
        lost = sum(weights[name] * loss for name, loss in zip(names, found.objectives, strict=True))
        assert found.fitness == pytest.approx(-lost)
    assert (tmp_path / "figures" / "pareto.png").is_file()
