"""Scores of policies: every candidate on the same requests, each (policy, seed) simulated once, failures survived."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blis.config import Scenario
from blis.errors import EngineError, InputError
from blis.evaluation.laws import check_laws
from blis.policies.bundle import PolicyBundle, bundle_digest, bundle_mapping, load_bundle
from blis.scenario import apply_bundle
from blis.tables.requests import RequestTable
from blis.yaml_strict import dump_yaml
from search.problem.problem import Fitness, Policy, Problem, Score, Simulate
from search.problem.traffic import TableKey
from search.space.codec import GENOME_ID_DIGITS, complete_bundle
from search.workers import Workers

OK, INVALID, FAILED = "ok", "invalid", "failed"

QUARANTINE = "quarantine"  # folder of a run folder for reproducers of violated laws


@dataclass(frozen=True)
class Evaluation:
    """What is known of one candidate: the mean over the seeds, and every seed. None where there is no score."""

    genome_id: str
    status: str  # OK, INVALID (no policy at all) or FAILED (no score: why is in `reason`)
    reason: str = ""
    fitness: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    u: float | None = None
    harm: float | None = None
    seed_values: tuple[float | None, ...] = ()
    objectives: tuple[float, ...] = ()  # mean over the seeds, to be made small; named by the problem's fitness


class Failure(NamedTuple):
    """Why a simulation gave no score; violated laws mean a bug of the simulator."""

    reason: str
    violations: tuple[str, ...] = ()
    bad_input: bool = False


def perform(
    simulate: Simulate, fitness: Fitness, scenario: Scenario, table: RequestTable, baseline: Any | None
) -> Any | Score | Failure:
    """One simulation, checked against the laws: its outcome, or its score if a baseline's outcome is given."""
    try:
        result = simulate(scenario, table)
        violations = check_laws(scenario, table, result)
        if violations:
            return Failure(f"guard: {violations[0]}", tuple(violations))
        outcome = fitness.outcome(scenario, table, result)
        if baseline is None:
            return outcome
        score = fitness.compare(outcome, baseline)
    except Exception as error:  # whatever a candidate provokes is recorded, and the search goes on
        text = " ".join(str(error).split())
        bad_input = isinstance(error, InputError)
        return Failure(text if bad_input else f"{type(error).__name__}: {text}", bad_input=bad_input)
    numbers = (score.value, score.u, score.harm, *score.terms.values(), *score.objectives)
    if not all(map(math.isfinite, numbers)):
        return Failure("the score is not a finite number")
    return score


class Evaluator:
    """Scores policies against the problem's baseline on a fixed list of seeds, and remembers them.

    Results depend on nothing but the policy and the seeds: not on the workers, the order or what was
    evaluated before. quarantine: folder for reproducers of violated laws, None = write none.
    """

    def __init__(
        self, problem: Problem, seeds: Sequence[TableKey], workers: Workers, quarantine: Path | None = None
    ) -> None:
        """Nothing runs before the first policy is evaluated."""
        self.problem, self.seeds, self.workers = problem, tuple(seeds), workers
        self._quarantine = quarantine
        self._scores: dict[tuple[str, TableKey], Score | Failure] = {}
        self._outcomes: dict[tuple[str, TableKey], Any] = {}
        self._remembered: dict[str, Evaluation] = {}

    def evaluate(
        self, policies: Sequence[PolicyBundle], done: Callable[[int], None] = lambda _: None
    ) -> list[Evaluation]:
        """One evaluation per policy, in order; `done(1)` is called after every new simulation."""
        digests = [self._digest(policy) for policy in policies]
        pairs = {
            (digest, seed): policy
            for policy, digest in zip(policies, digests, strict=True)
            for seed in self.seeds
            if (digest, seed) not in self._scores and digest[:GENOME_ID_DIGITS] not in self._remembered
        }
        needed = list(dict.fromkeys(seed for _, seed in pairs))
        against = dict(zip(needed, self.outcomes([self.problem.baseline], needed)[0], strict=True))
        found = self._run([(policy, seed, against[seed]) for (_, seed), policy in pairs.items()], done)
        self._scores.update(zip(pairs, found, strict=True))
        return [self._summarise(digest) for digest in digests]

    def remember(self, evaluations: Sequence[Evaluation]) -> None:
        """Take over what an earlier part of the same search found on these seeds: it is not simulated again."""
        self._remembered.update({found.genome_id: found for found in evaluations})

    def outcomes(self, policies: Sequence[PolicyBundle], seeds: Sequence[TableKey]) -> list[list[Any]]:
        """[policies][seeds] outcomes of policies that must not fail (baselines, finalists), each simulated once.

        Raises EngineError if one of them has none, InputError if that is the input's fault.
        """
        digests = [self._digest(policy) for policy in policies]
        wanted = {
            (digest, seed): policy
            for policy, digest in zip(policies, digests, strict=True)
            for seed in seeds
            if (digest, seed) not in self._outcomes
        }
        found = self._run([(policy, seed, None) for (_, seed), policy in wanted.items()])
        for (digest, seed), outcome in zip(wanted, found, strict=True):
            if isinstance(outcome, Failure) and outcome.bad_input:
                raise InputError(outcome.reason)
            if isinstance(outcome, Failure):
                raise EngineError(f"policy {digest[:GENOME_ID_DIGITS]} has no score on seed {seed}: {outcome.reason}")
            self._outcomes[digest, seed] = outcome
        return [[self._outcomes[digest, seed] for seed in seeds] for digest in digests]

    def _digest(self, policy: PolicyBundle) -> str:
        return bundle_digest(complete_bundle(self.problem.scenario, policy))

    def _run(
        self, jobs: Sequence[tuple[PolicyBundle, TableKey, Any]], done: Callable[[int], None] = lambda _: None
    ) -> list[Any]:
        """The results of (policy, seed, baseline outcome or None) jobs, in order; bugs are put in quarantine."""
        problem = self.problem
        for _, seed, _ in jobs:
            problem.table(seed)
        tasks = [
            (problem.simulate, problem.fitness, apply_bundle(problem.scenario, policy), problem.table(seed), against)
            for policy, seed, against in jobs
        ]
        results = []
        for (policy, seed, _), result in zip(jobs, self.workers.map(perform, tasks), strict=True):
            if isinstance(result, Failure) and result.violations and self._quarantine is not None:
                self._write_reproducer(self._quarantine, policy, seed, result)
            results.append(result)
            done(1)
        return results

    def _write_reproducer(self, folder: Path, policy: PolicyBundle, seed: TableKey, failure: Failure) -> None:
        """One YAML file with all that is needed to see the violation again."""
        content = {
            "violations": list(failure.violations),
            "seed": seed,
            "policy": bundle_mapping(policy),
            "scenario": self.problem.mapping(),
        }
        dump_yaml(content, folder / f"{self._digest(policy)[:GENOME_ID_DIGITS]}.yaml")

    def _summarise(self, digest: str) -> Evaluation:
        """The mean over the seeds; one seed without a score leaves the candidate without one."""
        genome_id = digest[:GENOME_ID_DIGITS]
        if genome_id in self._remembered:
            return self._remembered[genome_id]
        scores = [self._scores[digest, seed] for seed in self.seeds]
        values = tuple(None if isinstance(score, Failure) else float(score.value) for score in scores)
        failures = [score for score in scores if isinstance(score, Failure)]
        if failures:
            return Evaluation(genome_id, FAILED, failures[0].reason, seed_values=values)
        numbers = [score for score in scores if not isinstance(score, Failure)]
        return Evaluation(
            genome_id,
            OK,
            fitness=_mean([score.value for score in numbers]),
            terms={name: _mean([score.terms[name] for score in numbers]) for name in numbers[0].terms},
            u=_mean([score.u for score in numbers]),
            harm=_mean([score.harm for score in numbers]),
            seed_values=values,
            objectives=tuple(map(_mean, zip(*(score.objectives for score in numbers), strict=True))),
        )


def evaluate(policy: Policy, problem: Problem, seeds: Sequence[TableKey] | None = None) -> Evaluation:
    """Score one policy as a driver sees it. policy: a bundle, a mapping or the path of a bundle file.

    seeds: of request tables, the problem's search seeds by default. A policy that cannot be read raises
    InputError; one that fails in the simulation comes back with status `failed`.
    """
    bundle = policy if isinstance(policy, PolicyBundle) else load_bundle(policy)
    chosen = problem.search_seeds if seeds is None else tuple(seeds)
    if not chosen:
        raise InputError("seeds: at least one is needed")
    return Evaluator(problem, chosen, Workers()).evaluate([bundle])[0]


def _mean(values: Sequence[float]) -> float:
    """The arithmetic mean, summed in the order of the seeds."""
    return float(np.mean(np.array(values, dtype=np.float64)))
