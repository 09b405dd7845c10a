"""Optuna's TPE: models where good genomes lie and where the others, and proposes where the ratio is best."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from blis.errors import check_integer
from search.drivers.base import DRIVERS, MOST, Proposal, Scored, SeededDriver
from search.drivers.optuna_trials import trial_of, zero_width
from search.space.parameters import Category, Number, Parameter, Value, is_free
from search.space.space import Genome, Space, genome_key


@dataclass(frozen=True)
class TPEOptions:
    """Settings of TPE (conf/driver/optuna_tpe.yaml)."""

    initial: int = 48  # scores, those of seeds included, before the model is used
    candidates: int = 24  # draws from the model per proposal, of which the best is proposed

    def __post_init__(self) -> None:
        """Check ranges."""
        check_integer("driver.options.initial", self.initial, 1, MOST)
        check_integer("driver.options.candidates", self.candidates, 1, MOST)


@DRIVERS.register("optuna_tpe")
class TreeParzenEstimator(SeededDriver):
    """Multivariate TPE on each group of genes that are active together; what is running repels (constant liar).

    A study lives for one `ask`: it is filled from the driver's own record of scores, and its sampler is
    seeded from the driver's stream. So that record is all there is to save, and restoring it is exact.
    Candidates without a score teach nothing, as failed trials do in Optuna.
    """

    options_type = TPEOptions
    shares = True

    def __init__(self, space: Space, seeds: Sequence[Genome], seed: int, options: TPEOptions) -> None:
        """seeds: asked before the model's own proposals, which learn from their scores."""
        super().__init__(space, seeds, seed, options)
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # no line per study
        self._scores: list[tuple[Genome, float]] = []
        self._running: list[Genome] = []
        self._study: optuna.Study

    def ask(self, n: int) -> list[Proposal]:
        """Exactly `n` valid genomes."""
        self._study = self._make_study()
        proposals = super().ask(n)
        self._running += [proposal.genome for proposal in proposals]
        return proposals

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Record what has a score."""
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            self._asked.add(genome_key(proposal.genome))  # also what another searcher has asked
            if proposal.genome in self._running:
                self._running.remove(proposal.genome)
            if evaluation.fitness is not None:
                self._scores.append((proposal.genome, evaluation.fitness))

    def state(self) -> dict[str, Any]:
        """The base state, all scores in their order and what is being evaluated."""
        return {**super().state(), "scores": [list(pair) for pair in self._scores], "running": list(self._running)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore(state)
        self._scores = [(dict(genome), score) for genome, score in state["scores"]]
        self._running = [dict(genome) for genome in state["running"]]

    def _propose(self) -> Proposal:
        trial = self._study.ask()
        genome: Genome = {}
        for key, parameter in self.space.parameters.items():
            if self.space.is_active(key, genome):
                genome[key] = _suggest(trial, key, parameter)
        flawed = self.space.flaw(genome) is not None
        if flawed or genome_key(genome) in self._asked:
            self._study.tell(trial, state=TrialState.FAIL)  # it will not run, so it must not repel others
        return Proposal(self.space.sample(self.rng), "random") if flawed else Proposal(genome, "model")

    def _make_study(self) -> optuna.Study:
        """A study in memory that knows every score and what is running."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # `group`
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=self.options.initial,
                n_ei_candidates=self.options.candidates,
                multivariate=True,
                group=True,
                constant_liar=True,
                seed=self.rng.getrandbits(32),
            )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials([trial_of(self.space, genome, TrialState.COMPLETE, score) for genome, score in self._scores])
        study.add_trials([trial_of(self.space, genome, TrialState.RUNNING) for genome in self._running])
        return study


def _suggest(trial: optuna.Trial, key: str, parameter: Parameter) -> Value:
    """The value of a parameter that Optuna suggests; the only one there is without asking."""
    if not is_free(parameter):
        return parameter.extremes()[0]
    if isinstance(parameter, Category):
        return parameter.choices[trial.suggest_categorical(key, range(len(parameter.choices)))]
    assert isinstance(parameter, Number)
    coordinate = trial.suggest_float(key, -zero_width(parameter), 1.0)
    return 0.0 if coordinate < 0 else parameter.value_at(coordinate)
