"""The checkpoint of a search: all that decides how it goes on, written after every generation.

A search that was interrupted or killed goes on from it in the same folder, and ends with the same files as one that
ran through: `python -m search resume=<run folder>`. With a larger `driver.budget` it ends with the files that a
search of that budget has.
"""

from __future__ import annotations

import json
from dataclasses import replace

from blis.errors import InputError, named
from blis.files import write_text
from search.identity import run_id
from search.running.archive import Archive
from search.running.candidates import Candidates, make_candidates
from search.running.evaluator import QUARANTINE, Evaluator
from search.running.loop import run_search
from search.running.rows import restored, row_mapping
from search.running.same import check_same
from search.saved import FILE, Saved, read_saved, saved_text
from search.settings import Settings
from search.version import code_parts, libraries


class Checkpoint:
    """Follows a search as a listener of the loop and writes its state into the run folder."""

    def __init__(self, settings: Settings, candidates: Candidates) -> None:
        """Nothing is written before the first generation is done."""
        self._settings, self._candidates = settings, candidates
        self._rows: list[str] = []  # as they are written; encoding all of them anew would take longer every time

    def generation(self, archive: Archive, generation: int) -> None:
        """Replace the checkpoint by the state after this generation."""
        settings = self._settings
        self._rows += [json.dumps(row_mapping(row)) for row in archive.rows[len(self._rows) :]]
        content = {
            "run_id": run_id(settings),
            "code": code_parts(),
            "libraries": libraries(),
            "config": settings.config,
            "generation": generation,
            "candidates": self._candidates.state(),
        }
        write_text(settings.run_dir / FILE, saved_text(content, self._rows))


def begin(settings: Settings) -> tuple[Candidates, Evaluator, Archive]:
    """What a search works with, at its start or, with `settings.resume`, where the search in that folder stood.

    Raises InputError if there is no checkpoint, if it is damaged, or if it belongs to another search.
    """
    candidates = make_candidates(settings)
    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    seeds, quarantine = settings.problem.search_seeds, settings.run_dir / QUARANTINE
    evaluator = Evaluator(settings.problem, seeds, settings.workers, quarantine, settings.scores)
    if settings.resume is not None:
        saved = read_saved(settings.resume)
        check_same(settings, saved)
        rows = restored(settings, saved)
        evaluator.remember([row.evaluation for row in rows if row.policy is not None])
        cut = len(rows) % settings.driver.batch
        if cut and len(rows) < settings.driver.budget:  # a smaller budget has cut the last generation short
            limits = replace(settings.driver, budget=len(rows) - cut, seconds=None)
            run_search(candidates, evaluator, limits, archive)  # again up to there: all of it is remembered
        else:
            _restore(settings, candidates, saved)
            archive.rows.extend(rows)
    return candidates, evaluator, archive


def _restore(settings: Settings, candidates: Candidates, saved: Saved) -> None:
    """Let the driver go on where it stood. Raises InputError if it cannot."""
    state, trial = json.dumps(saved.candidates), make_candidates(settings)
    try:
        candidates.restore(json.loads(state))
        if json.dumps(candidates.state()) != state:
            raise InputError("it is another when it is read")
        trial.restore(json.loads(state))
        trial.take(settings.driver.batch)
    except Exception as error:  # whatever an optimizer makes of a state that is not its own
        raise InputError(f"resume: {settings.resume}/{FILE}: the state of the driver: {named(error)}") from None
