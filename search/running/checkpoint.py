"""The checkpoint of a search: all that decides how it goes on, written after every generation.

A search that was interrupted or killed continues from it in the same folder, and ends with the same files as
one that ran through: `python -m search <the same keys> resume=<run folder>`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blis.engine.run import source_digest
from blis.errors import InputError
from blis.files import read_text, write_text
from blis.yaml_strict import build, flat_keys, plain
from search.identity import run_id
from search.running.archive import Archive, Row
from search.running.candidates import Candidates, make_candidates, policy_of
from search.running.evaluator import INVALID, QUARANTINE, Evaluation, Evaluator
from search.settings import Settings
from search.version import code_digest, libraries

FILE = "checkpoint"

ABOUT = "A search after its last finished generation. To go on: python -m search <the same keys> resume=<this folder>"

#: Parts of the configuration that may differ when a search is resumed: they change nothing in its results.
MAY_DIFFER = ("parallel", "tracking")

#: Differing keys that an error names.
KEYS_NAMED = 3


class Checkpoint:
    """Follows a search as a listener of the loop and writes its state into the run folder."""

    def __init__(self, settings: Settings, candidates: Candidates) -> None:
        """Nothing is written before the first generation is done."""
        self._settings, self._candidates = settings, candidates
        self._rows: list[str] = []  # as they are written; encoding all of them anew would take longer every time

    def simulated(self, n: int) -> None:
        """A generation is written whole or not at all."""

    def generation(self, archive: Archive, generation: int) -> None:
        """Replace the checkpoint by the state after this generation."""
        settings = self._settings
        self._rows += [json.dumps(_row_mapping(row)) for row in archive.rows[len(self._rows) :]]
        content = {
            "about": ABOUT,
            "run_id": run_id(settings),
            "engine": source_digest(),
            "code": code_digest(),
            "libraries": libraries(),
            "config": settings.config,
            "generation": generation,
            "candidates": self._candidates.state(),
        }
        write_text(settings.run_dir / FILE, _json_text(content, self._rows))


def begin(settings: Settings) -> tuple[Candidates, Evaluator, Archive]:
    """What a search works with, at its start or, with `settings.resume`, where the search in that folder stood.

    Raises InputError if there is no checkpoint, or if it belongs to another search.
    """
    candidates = make_candidates(settings)
    archive = Archive(tuple(settings.space), settings.problem.fitness.terms)
    seeds, quarantine = settings.problem.search_seeds, settings.run_dir / QUARANTINE
    evaluator = Evaluator(settings.problem, seeds, settings.workers, quarantine)
    if settings.resume is not None:
        saved = _read(settings.resume)
        _check_same(settings, settings.resume, saved)
        archive.rows.extend(_row(settings, mapping) for mapping in saved["rows"])
        candidates.restore(saved["candidates"])
        evaluator.remember([row.evaluation for row in archive.rows if row.policy is not None])
    return candidates, evaluator, archive


def _read(folder: Path) -> dict[str, Any]:
    """The content of a folder's checkpoint."""
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"resume: {folder} has no checkpoint: no generation of a search was finished there")
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"resume: {path}: not a checkpoint: {error}") from None
    if not isinstance(content, dict) or content.get("about") != ABOUT:
        raise InputError(f"resume: {path}: not a checkpoint of this version")
    return content


def _check_same(settings: Settings, folder: Path, saved: Mapping[str, Any]) -> None:
    """Raise InputError unless the search is the one that was saved."""
    difference = _difference(settings, saved)
    if difference:
        raise InputError(f"resume: {folder} was started with {difference}")


def _difference(settings: Settings, saved: Mapping[str, Any]) -> str:
    """What the saved search has that this one has not, and what to do about it; empty if they are the same."""
    if keys := _different_keys(_comparable(settings.config), _comparable(saved["config"])):
        return f"{keys}; give the same keys again"
    if saved.get("code") != code_digest():
        return "another version of the code; start a new search"
    then, now = saved["libraries"], libraries()
    if then != now:
        changed = [f"{name} {then.get(name)} then, {now[name]} now" for name in now if then.get(name) != now[name]]
        return f"other libraries: {'; '.join(changed)}"
    if saved["run_id"] != run_id(settings):
        return "other input files (a baseline or the trace has changed)"
    return ""


def _different_keys(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """The first few keys whose values differ, with both values."""
    different = [key for key in {**there, **here} if here.get(key) != there.get(key)]
    changes = [f"{key}={_shown(there.get(key))} (not {_shown(here.get(key))})" for key in different[:KEYS_NAMED]]
    more = f" and {len(different) - KEYS_NAMED} more" if len(different) > KEYS_NAMED else ""
    return ", ".join(changes) + more


def _comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that must be equal, with dots, as JSON gives them back."""
    kept = {key: value for key, value in config.items() if key not in MAY_DIFFER}
    return flat_keys(json.loads(json.dumps(kept)))


def _shown(value: object) -> str:
    """A value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(value)


def _row_mapping(row: Row) -> dict[str, Any]:
    """A row without its policy, which follows from its name or its genome."""
    return {
        "index": row.index,
        "generation": row.generation,
        "origin": row.origin,
        "name": row.name,
        "genome": row.genome,
        "evaluation": plain(row.evaluation),
    }


def _row(settings: Settings, mapping: Mapping[str, Any]) -> Row:
    """The inverse of `_row_mapping`."""
    evaluation = build(Evaluation, mapping["evaluation"])
    policy = settings.baselines.get(mapping["name"])
    if policy is None and evaluation.status != INVALID:
        policy = policy_of(mapping["genome"], settings.space, settings.problem)
    return Row(**{**mapping, "policy": policy, "evaluation": evaluation})


def _json_text(content: Mapping[str, Any], rows: Sequence[str]) -> str:
    """JSON with one line a key, and one a row under `rows`: a person can read it, and it is short."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
    return "{\n" + ",\n".join([*lines, '"rows": [\n' + ",\n".join(rows) + "\n]"]) + "\n}\n"
