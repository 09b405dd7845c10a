"""Candidates with a run of their own: baselines, the best few, and others from everywhere."""

from itertools import pairwise

from search.run_folder.children import promoted, stratified
from search.running.archive import Archive, Row
from search.running.evaluation import Evaluation


def row(index, fitness, origin="model", generation=None):
    """A row whose policy nobody else has."""
    status = "failed" if fitness is None else "ok"
    generation = index // 10 if generation is None else generation
    return Row(index, generation, origin, {}, None, Evaluation(f"id{index}", status, fitness=fitness))


BASELINES = [row(0, 0.0, "baseline"), row(1, -0.5, "baseline"), row(2, None, "baseline")]
ROWS = [*BASELINES, *(row(i, -abs(i - 60) / 100) for i in range(3, 100)), row(100, None)]
ARCHIVE = Archive((), (), ROWS)


def test_baselines_then_the_best_then_others_and_each_once():
    found = list(promoted(ARCHIVE, 5, 20))
    assert [kind for kind, _ in found] == ["baseline"] * 3 + ["finalist"] * 5 + ["candidate"] * 12
    assert [one.index for _, one in found[:8]] == [0, 1, 2, 60, 59, 61, 58, 62]
    assert len({one.index for _, one in found}) == 20
    assert all(one.evaluation.fitness is not None for _, one in found[3:])


def test_the_others_are_good_and_bad_early_and_late():
    others = [one for kind, one in promoted(ARCHIVE, 5, 28) if kind == "candidate"]
    fitness = sorted(one.evaluation.fitness for one in others)
    assert fitness[0] < -0.5 and fitness[-1] > -0.06
    assert max(b - a for a, b in pairwise(fitness)) < 0.08
    assert {one.generation for one in others} == set(range(10))


def test_there_are_never_more_than_asked_for_or_than_there_are():
    assert [one.index for _, one in promoted(ARCHIVE, 5, 2)] == [0, 1]
    assert list(promoted(ARCHIVE, 5, 0)) == []
    assert len(list(promoted(ARCHIVE, 5, 500))) == 100


def test_a_part_gives_the_row_of_the_generation_that_gave_fewest():
    ranked = [row(i, 0.0, generation=generation) for i, generation in enumerate([1, 2, 1, 3, 1, 2])]
    assert [one.index for one in stratified(ranked, 3)] == [0, 3, 5]
    assert stratified(ranked, 6) == ranked
    assert stratified([], 3) == []
