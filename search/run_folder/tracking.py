"""What a search tells MLflow: one run with configuration, scores by generation, verdict and files; child runs.

The children are the best few policies, so that MLflow can compare them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blis.yaml_strict import flat_keys
from search.folder import written
from search.identity import run_id
from search.run_folder.export import Stopwatch
from search.run_folder.mlflow_store import Store
from search.running.archive import Archive
from search.settings import Settings
from search.verdict.verdict import FAILED, INTERRUPTED, Verdict

#: Candidates that get a run of their own.
CHILDREN = 8

#: Tags of a search's run; its children have neither.
RUN_ID_TAG, FOLDER_TAG = "run_id", "folder"

#: Where the weights of the winner's scorers are among the metrics.
WEIGHTS_PATH = "winner/weights"

STATUS = {INTERRUPTED: "KILLED", FAILED: "FAILED"}


class Tracker:
    """Follows a search as a listener of the loop; every call returns at once."""

    def __init__(self, settings: Settings) -> None:
        """Open the run, or the one of the search that is resumed."""
        target, name, folder = settings.tracking, run_id(settings), str(settings.run_dir)
        self._status = ""  # until the search is judged
        self._store = Store(target.uri if target.enabled else "", target.experiment)
        about = name, flat_keys(settings.config), {RUN_ID_TAG: name, FOLDER_TAG: folder, "primary": settings.primary}
        if settings.resume is None:
            self._store.open(*about)
        else:
            self._store.reopen(RUN_ID_TAG, *about)

    def __enter__(self) -> Tracker:
        """The tracker itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the run whatever ends the search, and wait until that is done."""
        status = "FINISHED" if kind is None else "KILLED" if kind is KeyboardInterrupt else "FAILED"
        self._store.close(self._status or status)

    def generation(self, archive: Archive, generation: int) -> None:
        """Best so far, and best and median of the generation; the step is the generation."""
        best, found = archive.best(), archive.best_of_generation(generation)
        if best is not None and best.evaluation.fitness is not None:
            values = {"search/best": best.evaluation.fitness}
            if found is not None:
                values |= {"generation/best": found[0], "generation/median": found[1]}
            self._store.metrics(values, generation)

    def finish(self, settings: Settings, archive: Archive, verdict: Verdict, watch: Stopwatch) -> None:
        """Log the verdict, the best candidates and all files."""
        self._store.metrics({**_numbers(verdict.to_dict()), **{f"seconds/{k}": v for k, v in watch.seconds.items()}})
        scorers = (verdict.candidate and verdict.candidate.complete.routing.scorers) or ()
        self._store.metrics({f"{WEIGHTS_PATH}/{scorer.name}": scorer.weight for scorer in scorers})
        self._store.tags({"outcome": verdict.outcome, "mlflow.note.content": verdict.sentence})
        for place, row in enumerate(archive.top(CHILDREN)):
            scores = {"fitness": row.evaluation.fitness, **row.evaluation.terms}
            numbers = {key: value for key, value in scores.items() if value is not None}
            self._store.child(f"{place:02d}-{row.evaluation.genome_id}", row.genome, numbers, "finalist")
        self._store.files(settings.run_dir, written(settings.run_dir))
        self._status = STATUS.get(verdict.outcome, "FINISHED")


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
