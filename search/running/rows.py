"""The rows of an archive as a checkpoint keeps them, and back: nothing is believed that can be worked out again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from blis.errors import InputError
from blis.yaml_strict import build, plain
from search.problem.aim import AIMS
from search.problem.policy import Policy
from search.running.archive import BASELINE, Row
from search.running.candidates import given_origin, policy_of, seed_genomes
from search.running.evaluation import FAILED, OK, STOPPED, Evaluation
from search.running.loop import invalid
from search.saved import FILE, Saved, SavedRow
from search.settings import Settings
from search.space.space import Genome, Space


def row_mapping(row: Row) -> dict[str, Any]:
    """A row as `SavedRow` has it."""
    return {
        "index": row.index,
        "generation": row.generation,
        "origin": row.origin,
        "name": row.name,
        "genome": row.genome,
        "evaluation": plain(row.evaluation),
    }


def restored(settings: Settings, saved: Saved) -> list[Row]:
    """The rows with their policies. Raises InputError for one that this search cannot have written."""
    genomes = seed_genomes(settings.space, settings.given, settings.problem)
    where, rows = f"resume: {settings.resume}/{FILE}", []
    for place, kept in enumerate(saved.rows):
        try:
            rows.append(_row(settings, genomes, place, kept))
        except InputError as error:
            raise InputError(f"{where}: row {place}: {error}") from None
    if not rows or rows[-1].generation != saved.generation:
        raise InputError(f"{where}: its rows do not end with generation {saved.generation}")
    return rows


def _row(settings: Settings, genomes: Mapping[str, Genome], place: int, kept: SavedRow) -> Row:
    """One row at its place. genomes: of the given policies that have one."""
    expected = place, place // settings.driver.batch
    if (kept.index, kept.generation) != expected:
        raise InputError(f"index {kept.index} in generation {kept.generation} must be {expected[0]} in {expected[1]}")
    evaluation = build(Evaluation, kept.evaluation, "evaluation")
    if kept.name or kept.origin == BASELINE:
        policy, reason = settings.given.get(kept.name), ""
        as_given = given_origin(settings, kept.name), genomes.get(kept.name, {})
        if policy is None or (kept.origin, kept.genome) != as_given:
            raise InputError(f"{kept.name!r} with this genome is no {kept.origin} of this search")
    else:
        policy, reason = _found(settings, kept)
    if policy is None and evaluation != invalid(kept.genome, reason):
        raise InputError(f"its genome is no policy: {reason}")
    if policy is not None:
        _check_evaluation(settings, policy, evaluation)
    return Row(kept.index, kept.generation, kept.origin, kept.genome, policy, evaluation, kept.name)


def _found(settings: Settings, kept: SavedRow) -> tuple[Policy | None, str]:
    """The policy of a row that nobody gave, or why its genome is none."""
    if not _holds(settings.space, kept.genome):
        raise InputError("its genome is not of this search space")
    try:
        return policy_of(kept.genome, settings.space, settings.problem), ""
    except InputError as error:
        return None, str(error)


def _holds(space: Space, genome: Mapping[str, Any]) -> bool:
    """Whether these are exactly the active keys of a space, each with a value of its range."""
    if list(genome) != [key for key in space if space.is_active(key, genome)]:
        return False
    return all(
        isinstance(value, int | float | str) and space.parameters[key].nearest(value) == value
        for key, value in genome.items()
    )


def _check_evaluation(settings: Settings, policy: Policy, found: Evaluation) -> None:
    """Raise InputError unless this is what an evaluation of the policy looks like."""
    if found.genome_id != policy.id:
        raise InputError(f"genome_id {found.genome_id!r} must be {policy.id!r}")
    fitness, whole = settings.problem.fitness, found.status == OK
    scored = whole or (found.status == STOPPED and settings.driver.race is not None)
    single = found.fitness, found.undone, found.harm
    scores = [*found.seed_values, *found.worlds.values()]
    numbers = [*single, *found.terms.values(), *found.objectives, *scores]
    columns = (set(fitness.terms), len(fitness.objectives)) if scored else (set(), 0)
    sound = (
        (scored or found.status == FAILED)
        and bool(found.reason) != whole
        and [number is not None for number in single] == [scored] * 3
        and (set(found.terms), len(found.objectives)) == columns
        and len(found.seed_values) == len(settings.problem.search_seeds)
        and list(found.worlds) == list(settings.problem.worlds)
        and (None in scores) != whole
        and all(math.isfinite(number) for number in numbers if number is not None)
    )
    if not sound or (whole and not _follows(settings.problem.aim, found)):
        raise InputError("its evaluation is none of this search's")


def _follows(aim: str, found: Evaluation) -> bool:
    """Whether a fitness is what the aim makes of the scores that it comes from."""
    assert found.fitness is not None and found.nominal is not None  # status OK says so
    scores = [found.nominal, *(score or 0.0 for score in found.worlds.values())]
    return math.isclose(found.fitness, AIMS[aim](scores), abs_tol=1e-9)
