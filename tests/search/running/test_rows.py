"""Rows of a checkpoint: what follows from something else must agree with it, whoever wrote the digest."""

from dataclasses import replace

import pytest

from blis.errors import InputError
from search.__main__ import run
from search.application import EXIT_OK
from search.running.evaluation import INVALID
from search.running.loop import invalid
from search.running.rows import restored, row_mapping
from search.saved import SavedRow, read_saved
from tests.search.small import small_settings, without_pictures


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The settings of a finished search and what its checkpoint holds."""
    settings = small_settings(tmp_path_factory.mktemp("finished"), "seeds=[lmetric, llm-d-default]")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert run(settings) == EXIT_OK
    return settings, read_saved(settings.run_dir)


def test_rows_come_back_with_their_policies(finished):
    settings, saved = finished
    rows = restored(settings, saved)
    assert [SavedRow(**row_mapping(row)) for row in rows] == list(saved.rows)
    assert all((row.policy is None) == (row.evaluation.status == INVALID) for row in rows)


def with_row(saved, place, **changes):
    """The checkpoint with one row changed; `evaluation` only in the keys that are given."""
    row = saved.rows[place]
    if "evaluation" in changes:
        changes["evaluation"] = {**row.evaluation, **changes["evaluation"]}
    rows = [*saved.rows]
    rows[place] = replace(row, **changes)
    return replace(saved, rows=tuple(rows))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index": 3}, "index 3 in generation 3 must be 39 in 3"),
        ({"generation": 2}, "index 39 in generation 2 must be 39 in 3"),
        ({"name": "llm-d-default"}, "'llm-d-default' with this genome is no "),
        ({"origin": "baseline"}, "'' with this genome is no baseline"),
        ({"origin": "baseline", "name": "lmetric"}, "'lmetric' with this genome is no baseline"),
        ({"genome": {}}, "its genome is not of this search space"),
        ({"evaluation": {"genome_id": "../../../outside"}}, "genome_id '../../../outside' must be '"),
        ({"evaluation": {"status": "invalid"}}, "its evaluation is none of this search's"),
        ({"evaluation": {"fitness": 1e308}}, "its evaluation is none of this search's"),
        ({"evaluation": {"fitness": float("inf")}}, "its evaluation is none of this search's"),
        ({"evaluation": {"seed_values": [0.1]}}, "its evaluation is none of this search's"),
        ({"evaluation": {"objectives": [0.1]}}, "its evaluation is none of this search's"),
        ({"evaluation": {"terms": {"f_cost": 0.0}}}, "its evaluation is none of this search's"),
        ({"evaluation": {"fitness": "high"}}, "evaluation.fitness must be a number, got 'high'"),
        ({"evaluation": {"file": "x"}}, "unknown key 'file'"),
    ],
)
def test_a_row_that_the_search_cannot_have_written_is_refused(finished, changes, message):
    settings, saved = finished
    with pytest.raises(InputError) as error:
        restored(settings, with_row(saved, 39, **changes))
    assert "/checkpoint: row 39: " in str(error.value)
    assert message in str(error.value)


def test_every_gene_is_of_its_range(finished):
    settings, saved = finished
    genome = saved.rows[39].genome
    for key, value in genome.items():
        for wrong in (None, [value], "none", 1e300, -1):
            with pytest.raises(InputError, match="row 39: "):
                restored(settings, with_row(saved, 39, genome={**genome, key: wrong}))


def test_a_genome_that_is_no_policy_stays_invalid(finished):
    settings, saved = finished
    place, genome = next(
        (i, row.genome)
        for i, row in enumerate(saved.rows)
        if row.genome.get("routing.policy") == "weighted" and not row.name
    )
    genome = {key: 0.0 if key.startswith("routing.scorers.") else value for key, value in genome.items()}
    found = vars(invalid(genome, "all scorer weights are zero"))
    evaluation = {key: found[key] for key in ("genome_id", "status", "reason")}
    rows = [*saved.rows]
    rows[place] = replace(rows[place], genome=genome, evaluation=evaluation)
    row = restored(settings, replace(saved, rows=tuple(rows)))[place]
    assert (row.policy, row.evaluation.status) == (None, INVALID)
    with pytest.raises(InputError, match="its genome is no policy: all scorer weights are zero"):
        restored(settings, with_row(saved, place, genome=genome))


def test_rows_must_end_with_the_last_generation(finished):
    settings, saved = finished
    for rows in (saved.rows[:20], ()):
        with pytest.raises(InputError, match="its rows do not end with generation 3"):
            restored(settings, replace(saved, rows=rows))
