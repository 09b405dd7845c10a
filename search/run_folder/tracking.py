"""What a search tells MLflow: one run with configuration, scores by generation, verdict and files; child runs.

The children are baselines, finalists and a sample of the others, so that MLflow has something to draw. The policy that
is exported and the one that it was held against are versions of a registered model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from blis.yaml_strict import flat_keys
from search.folder import short_name, written
from search.identity import origin, run_id
from search.run_folder.children import promoted
from search.run_folder.datasets import pools
from search.run_folder.export import Stopwatch, bundle_text
from search.run_folder.mlflow_registry import BASELINE, CHAMPION, Version
from search.run_folder.mlflow_store import Store
from search.running.archive import Archive, Row
from search.settings import Settings
from search.space.templates import SCORER_PREFIX, is_weight
from search.verdict.advice import KEEP
from search.verdict.verdict import FAILED, INTERRUPTED, Verdict

#: Tags of a search's run; its children have neither.
RUN_ID_TAG, FOLDER_TAG = "run_id", "folder"

#: The tag of what a search exports: a baseline's name, or that it is the policy found.
EXPORTS_TAG, FOUND = "exports", "the policy found"

#: Where the weights of the winner's scorers are among the metrics.
WEIGHTS_PATH = "winner/weights"

STATUS = {INTERRUPTED: "KILLED", FAILED: "FAILED"}

#: Where the primary baseline's bundle is among a run's artifacts; no file of the run folder holds it alone.
PRIMARY_FOLDER = "primary"

#: What a verdict holds that is no number of its own.
_TEXTS = ("policy", "candidate", "explanation")


class Tracker:
    """Follows a search as a listener of the loop; every call returns at once."""

    def __init__(self, settings: Settings) -> None:
        """Open the run, or the one of the search that is resumed."""
        target = settings.tracking
        self._status = ""  # until the search is judged
        self._store = Store(target.uri if target.enabled else "", target.experiment)
        about = about_run(settings, run_id(settings))
        if settings.resume is None:
            self._store.open(*about)
        else:
            self._store.reopen(RUN_ID_TAG, *about)
        self._store.inputs(pools(settings))

    def __enter__(self) -> Tracker:
        """The tracker itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the run whatever ends the search, and wait until that is done."""
        status = "FINISHED" if kind is None else "KILLED" if kind is KeyboardInterrupt else "FAILED"
        self._store.close(self._status or status)

    def generation(self, archive: Archive, generation: int) -> None:
        """What is known after a generation; the step is the generation."""
        self._store.metrics(progress(archive, generation), generation)

    def finish(self, settings: Settings, archive: Archive, verdict: Verdict, watch: Stopwatch) -> None:
        """Log how the search ended, and all files."""
        self._status = STATUS.get(verdict.outcome, "FINISHED")
        log_end(self._store, settings, archive, json.loads(verdict.json_text(origin(settings))), watch.seconds)


def about_run(settings: Settings, identity: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """A run's name, parameters and tags. identity: the run id."""
    tags = {RUN_ID_TAG: identity, FOLDER_TAG: str(settings.run_dir), "primary": settings.primary}
    return short_name(settings.run_dir), flat_keys(settings.config), tags


def progress(archive: Archive, generation: int) -> dict[str, float]:
    """The numbers of a search after a generation, the last one in the archive; first what MLflow's plots begin with."""
    asked = [row for row in archive.rows if row.generation == generation]
    known = {row.evaluation.genome_id for row in archive.rows if row.generation < generation}
    best, scores = archive.best(), archive.best_of_generation(generation)
    found = {} if best is None or best.evaluation.fitness is None else {"search/best": best.evaluation.fitness}
    found |= {
        "search/candidates": float(len(archive.rows)),
        "generation/new": sum(row.evaluation.genome_id not in known for row in asked) / len(asked),
        "generation/scored": sum(row.evaluation.fitness is not None for row in asked) / len(asked),
    }
    return found if scores is None else found | {"generation/best": scores[0], "generation/median": scores[1]}


def log_end(
    store: Store, settings: Settings, archive: Archive, facts: Mapping[str, Any], seconds: Mapping[str, float]
) -> None:
    """Log what came of a search, the children last: time may run out. facts: the content of verdict.json."""
    numbers = _numbers({key: value for key, value in facts.items() if key not in _TEXTS})
    times = {f"seconds/{part}": value for part, value in seconds.items()}
    store.metrics({**numbers, **times, **_winner(facts["candidate"] or {}, settings)})
    exports = facts["advice"]["name"] or FOUND
    store.tags({"outcome": facts["outcome"], EXPORTS_TAG: exports, "mlflow.note.content": facts["sentence"]})
    store.files(settings.run_dir, written(settings.run_dir))
    if facts["outcome"] not in STATUS:
        _log_policies(store, settings, facts)
    for kind, row in promoted(archive, settings.validation.finalists, settings.tracking.children):
        store.child(_child_name(row), row.genome, _scores(row), {"status": kind, "genome_id": row.evaluation.genome_id})


def _log_policies(store: Store, settings: Settings, facts: Mapping[str, Any]) -> None:
    """What the search exports and what it was held against as versions of one model, or as one if nothing changes."""
    keeps = facts["advice"]["kind"] == KEEP
    versions = [Version("", [CHAMPION, BASELINE] if keeps else [CHAMPION], facts["sentence"])]
    if not keeps:
        store.text(bundle_text(settings.problem.baseline), f"{PRIMARY_FOLDER}/policy.yaml")
        versions.insert(0, Version(PRIMARY_FOLDER, [BASELINE], f"The primary baseline, {settings.primary}."))
    tags = {RUN_ID_TAG: facts["run_id"], FOLDER_TAG: str(settings.run_dir)}
    store.register(f"{settings.tracking.experiment}-{facts['scenario']}", versions, tags)


def _winner(candidate: Mapping[str, Any], settings: Settings) -> dict[str, float]:
    """Numbers of the policy found for plots over many searches: engine knobs, and weights of all scorers searched."""
    scorers = candidate.get("routing", {}).get("scorers", ())
    weights = [key for key in settings.space if key.startswith(SCORER_PREFIX) and is_weight(key)]
    searched = [key.removeprefix(SCORER_PREFIX) for key in weights if scorers]
    given = {**dict.fromkeys(searched, 0.0), **{scorer["name"]: scorer["weight"] for scorer in scorers}}
    knobs = {f"winner/engine/{name}": value for name, value in candidate.get("engine", {}).items()}
    return {**{f"{WEIGHTS_PATH}/{name}": weight for name, weight in given.items()}, **knobs}


def _child_name(row: Row) -> str:
    """A name that sorts as the search went."""
    return f"g{row.generation:03d}-c{row.index:05d}-{row.name or row.evaluation.genome_id}"


def _scores(row: Row) -> dict[str, float]:
    """The fitness of a candidate and what it is made of."""
    found = row.evaluation
    numbers = {"fitness": found.fitness, **found.terms, "u": found.undone, "harm": found.harm}
    return {key: value for key, value in numbers.items() if value is not None}


def _numbers(facts: Mapping[str, Any], path: str = "verdict") -> dict[str, float]:
    """The numbers of a verdict by metric name; intervals give two."""
    found: dict[str, float] = {}
    for key, value in facts.items():
        name = f"{path}/{key}"
        if isinstance(value, Mapping):
            found |= _numbers(value, name)
        elif isinstance(value, list):
            if len(value) == 2 and all(isinstance(bound, float) for bound in value):
                found |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        elif isinstance(value, float):
            found[name] = value
    return found
