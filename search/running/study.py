"""What the searchers of one problem find, for all of them: an Optuna study in a journal, a file that only ever grows.

Each searcher appends what it has scored, and its driver learns from what the others have. What a searcher asks for then
depends on when they were where, so such a search is not reproduced. A journal that fails is said once, and the search
goes on alone.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from blis.errors import InputError, named
from blis.stdout import note
from search.drivers.base import SEED, Proposal
from search.drivers.optuna_trials import trial_of
from search.running.evaluation import Evaluation
from search.running.score_keys import ScoreKeys, make_keys
from search.settings import Settings
from search.space.space import Space

KEY = "driver.journal"

SHARED = "shared"  # origin of a proposal that another searcher has evaluated

_SEARCHER, _GENOME = "blis_searcher", "blis_genome"


class Learned(NamedTuple):
    """What a driver reads of another searcher's evaluation."""

    fitness: float | None
    objectives: Sequence[float] = ()


class SharedStudy:
    """A study of a journal, as one searcher sees it."""

    def __init__(self, path: Path, name: str, space: Space) -> None:
        """name: of the study; what differs in anything that decides a score must not have the same.

        Raises InputError if the file cannot be made, or is no journal.
        """
        self._path, self._space = path, space
        self._searcher, self._read = uuid4().hex, 0
        self._study: optuna.Study | None = _opened(path, name)

    def put(self, proposals: Sequence[Proposal], evaluations: Sequence[Evaluation]) -> None:
        """Append what has a score, but for the seeds: every searcher has its own."""
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            if evaluation.fitness is None or proposal.origin == SEED or self._study is None:
                continue
            trial = trial_of(self._space, proposal.genome, TrialState.COMPLETE, evaluation.fitness)
            trial.user_attrs = {_SEARCHER: self._searcher, _GENOME: dict(proposal.genome)}
            try:
                self._study.add_trial(trial)
            except Exception as error:  # of locks, disks and Optuna there are many
                self._give_up(error)

    def news(self) -> tuple[list[Proposal], list[Learned]]:
        """What other searchers have scored since this was asked last, in the order of the file."""
        if self._study is None:
            return [], []
        try:
            trials = self._study.get_trials(deepcopy=False)[self._read :]
        except Exception as error:
            self._give_up(error)
            return [], []
        self._read += len(trials)
        others = [trial for trial in trials if trial.user_attrs.get(_SEARCHER) not in (None, self._searcher)]
        proposals = [Proposal(dict(trial.user_attrs[_GENOME]), SHARED) for trial in others]
        return proposals, [Learned(trial.value) for trial in others]

    def state(self) -> dict[str, Any]:
        """Who this is and how far the file is known, as JSON-able data."""
        return {"searcher": self._searcher, "read": self._read}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self._searcher, self._read = str(state["searcher"]), int(state["read"])

    def _give_up(self, error: Exception) -> None:
        note(f"warning: {KEY}: {self._path}: {named(error)}; the search goes on without it")
        self._study = None


def _opened(path: Path, name: str) -> optuna.Study:
    """The study of that name, made if there is none. Raises InputError."""
    if not path.parent.is_dir():
        raise InputError(f"{KEY}: there is no folder {path.parent}")
    try:
        if path.stat().st_size and not path.read_bytes()[:1] == b"{":
            raise InputError(f"{KEY}: {path} is no journal of Optuna")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"{KEY}: {path}: {error.strerror}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = JournalStorage(JournalFileBackend(str(path)))
        return optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    except Exception as error:
        raise InputError(f"{KEY}: {path} cannot be used as a journal: {named(error)}") from None


def shared_study(settings: Settings) -> SharedStudy | None:
    """The study that a search takes part in, if it is to. Raises InputError."""
    if settings.driver.journal is None:
        return None
    keys = make_keys(settings.problem)
    if keys is None:
        raise InputError(f"{KEY}: nobody knows what a score of this fitness is made of")
    return SharedStudy(Path(settings.driver.journal), f"blis-{_problem_digest(settings, keys)}", settings.space)


def _problem_digest(settings: Settings, keys: ScoreKeys) -> str:
    """16 hex digits over all that decides what a genome is and what it scores."""
    problem = settings.problem
    decides = {
        "space": {key: settings.config.get(key) for key in ("search_space", "vary", "fitness", "shifts")},
        "scores": [keys.of(problem.against, table) for table in problem.search_seeds],
        "worlds": list(problem.worlds),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
