"""The archive: who is best, what a generation was worth, and the table that users keep."""

import csv
import io
from dataclasses import replace

import pytest

from search.running.archive import BASELINE, LABELS, STALE, UNDONE_AND_HARM, Archive, Row
from search.running.evaluation import FAILED, INVALID, OK, STOPPED, Evaluation
from tests.search.verdict.comparisons import POLICY

TERMS = ("f_ttft", "f_tail", "f_cost")


def row(index, genome_id, fitness, *, generation=0, origin="random", genome=None, **more):
    status = FAILED if fitness is None else OK
    evaluation = Evaluation(genome_id, status, fitness=fitness, **more)
    return Row(index, generation, origin, genome or {}, POLICY, evaluation)


@pytest.fixture
def archive():
    return Archive(
        ("a.key", "b.key"),
        TERMS,
        [
            row(0, "base", 0.5, origin=BASELINE),
            row(1, "one", 0.2),
            row(2, "two", 0.9, generation=1),
            row(3, "none", None, generation=1),
            row(4, "three", 0.9, generation=1),
            row(5, "two", 0.9, generation=2),
            row(6, "base", 0.5, generation=2),
            row(7, "four", 0.3, generation=2),
        ],
    )


def test_the_best_is_the_first_of_the_highest_baselines_included(archive):
    assert archive.best().index == 2
    assert Archive((), (), archive.rows[:2]).best().index == 0
    assert Archive((), (), archive.rows[3:4]).best() is None


def test_a_space_is_exhausted_when_nothing_new_was_asked_for_some_time():
    found = [row(0, "base", 0.5, origin=BASELINE), row(1, "one", 0.2)]
    repeats = [row(i, ("one", "base")[i % 2], 0.2) for i in range(2, 2 + STALE)]
    archive = Archive((), (), [*found, *repeats[:-1]])
    assert not archive.exhausted() and not Archive((), ()).exhausted()
    archive.rows.append(repeats[-1])
    assert archive.exhausted()
    archive.rows.append(row(2 + STALE, "two", 0.1))
    assert not archive.exhausted()
    assert not Archive((), (), [row(i, "base", 0.5, origin=BASELINE) for i in range(2 * STALE)]).exhausted()


def test_a_score_of_zero_is_a_score():
    archive = Archive((), (), [row(0, "a", -0.5), row(1, "b", 0.0), row(2, "c", -0.25)])
    assert archive.best().index == 1
    assert archive.best_of_generation(0) == (0, -0.25)
    assert [found.index for found in archive.top(3)] == [1, 2, 0]


def test_a_generation_has_a_best_and_a_median_of_what_has_a_score(archive):
    assert archive.best_of_generation(0) == (0.5, pytest.approx(0.35))
    assert archive.best_of_generation(1) == (0.9, 0.9)
    assert archive.best_of_generation(2) == (0.9, 0.5)
    assert archive.best_of_generation(3) is None
    assert Archive((), (), archive.rows[3:4]).best_of_generation(1) is None


def test_the_top_are_different_policies_of_the_search_best_first_and_the_first_of_equals(archive):
    assert [found.index for found in archive.top(9)] == [2, 4, 7, 1]
    assert [found.index for found in archive.top(2)] == [2, 4]


def test_those_that_a_race_stopped_are_ranked_by_themselves(archive):
    assert archive.top(9, STOPPED) == []
    archive.rows = [replace(one, evaluation=replace(one.evaluation, status=STOPPED)) for one in archive.rows[1:3]]
    assert [found.index for found in archive.top(9, STOPPED)] == [2, 1]
    assert archive.top(9) == []


def test_the_table_has_every_digit_and_blanks_where_there_is_nothing():
    third = 1 / 3
    scored = {"terms": {"f_ttft": third, "f_cost": -0.0}, "undone": 0.25, "harm": 0.0, "seed_values": (third, 1e-17)}
    flawed = Evaluation("bad", INVALID, "all scorer weights are zero")
    archive = Archive(
        ("x.weight", "x.choice"),
        TERMS,
        [
            row(0, "good", third, genome={"x.weight": 0.1, "x.choice": "skip"}, **scored),
            Row(1, 0, "model", {"x.weight": 7}, None, flawed),
        ],
    )
    text = archive.csv_text()
    header = [*LABELS, *TERMS, *UNDONE_AND_HARM, "seed_0", "seed_1", "x.weight", "x.choice"]
    assert text.splitlines()[0].split(",") == header
    good, bad = csv.DictReader(io.StringIO(text))
    assert (good["fitness"], good["seed_1"], good["f_ttft"], good["f_cost"]) == (
        repr(third),
        "1e-17",
        repr(third),
        "-0.0",
    )
    assert (good["f_tail"], good["x.weight"], good["x.choice"], good["reason"]) == ("", "0.1", "skip", "")
    assert (bad["status"], bad["reason"], bad["origin"]) == (INVALID, "all scorer weights are zero", "model")
    assert [bad[name] for name in ("fitness", "u", "harm", "seed_0", "seed_1", "x.choice")] == [""] * 6
    assert bad["x.weight"] == "7"


def test_scores_in_other_worlds_have_a_column_each():
    scored = {"worlds": {"rate x1.2": 0.25, "one instance less": -0.5}, "seed_values": (0.5,)}
    archive = Archive(("x.weight",), (), [row(0, "good", 0.125, **scored), row(1, "baseline", 0.0)])
    good, other = csv.DictReader(io.StringIO(archive.csv_text()))
    names = ["seed_0", "rate x1.2", "one instance less", "x.weight"]
    assert list(good)[-4:] == names
    assert [good[name] for name in names[:3]] == ["0.5", "0.25", "-0.5"]
    assert [other[name] for name in names[1:3]] == ["", ""]


def test_an_empty_archive_is_a_header():
    assert Archive(("a",), TERMS).csv_text() == ",".join([*LABELS, *TERMS, *UNDONE_AND_HARM, "a"]) + "\n"
