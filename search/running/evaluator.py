"""Scores of policies: every candidate on the same requests, each (policy, table) simulated once, failures survived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from blis.api import load_policy
from blis.errors import EngineError, InputError
from blis.policies.bundle import PolicyBundle, bundle_mapping
from blis.yaml_strict import dump_yaml
from search.problem.aim import AIMS
from search.problem.policy import Policy
from search.problem.problem import Problem, Score
from search.problem.traffic import TableKey
from search.running.performance import Failure, Performance, perform, perform_for_score, score
from search.workers import Workers

OK, INVALID, FAILED = "ok", "invalid", "failed"

QUARANTINE = "quarantine"  # folder of a run folder for reproducers of violated laws

T = TypeVar("T")


@dataclass(frozen=True)
class Evaluation:
    """What is known of one candidate: the mean over the seeds, and every seed. None where there is no score.

    Where there are other worlds, `fitness` and `objectives` are what the problem's aim makes of all of them.
    """

    genome_id: str
    status: str  # OK, INVALID (no policy at all) or FAILED (no score: why is in `reason`)
    reason: str = ""
    fitness: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    undone: float | None = None
    harm: float | None = None
    seed_values: tuple[float | None, ...] = ()
    objectives: tuple[float, ...] = ()  # mean over the seeds, to be made small; named by the problem's fitness
    worlds: Mapping[str, float | None] = field(default_factory=dict)  # the mean over the seeds in each other one

    @property
    def nominal(self) -> float | None:
        """The mean over the seeds in the world as it is."""
        known = [value for value in self.seed_values if value is not None]
        return _mean(known) if self.status == OK else None


class Evaluator:
    """Scores policies against the problem's baseline on a fixed list of tables, and remembers them.

    Results depend on nothing but the policy and the tables: not on the workers, the order or what was
    evaluated before. quarantine: folder for reproducers of violated laws, None = write none.
    """

    def __init__(
        self, problem: Problem, seeds: Sequence[TableKey], workers: Workers, quarantine: Path | None = None
    ) -> None:
        """seeds: keys of the tables. Nothing runs before the first policy is evaluated."""
        self.problem, self.seeds, self.workers = problem, tuple(seeds), workers
        self._worlds = {name: Evaluator(world, seeds, workers, quarantine) for name, world in problem.worlds.items()}
        self._quarantine = quarantine
        self._evaluations: dict[str, Evaluation] = {}  # by the policy's id
        self._performances: dict[tuple[str, TableKey], Performance] = {}  # of policies that are compared

    def evaluate(self, policies: Sequence[Policy]) -> list[Evaluation]:
        """One evaluation per policy, in order."""
        new = {policy.id: policy for policy in policies if policy.id not in self._evaluations}
        if new:
            self._evaluations.update(self._everywhere(list(new.values())))
        return [self._evaluations[policy.id] for policy in policies]

    def remember(self, evaluations: Iterable[Evaluation]) -> None:
        """Take over what an earlier part of the same search found on these tables: it is not simulated again."""
        self._evaluations.update({found.genome_id: found for found in evaluations})

    def performances(
        self, policies: Sequence[Policy], seeds: Sequence[TableKey] | None = None
    ) -> list[list[Performance]]:
        """[policies][seeds] what policies did that must not fail (baselines, a winner), on all tables by default.

        Raises EngineError if one of them did, InputError if that is the input's fault.
        """
        seeds, known = self.seeds if seeds is None else seeds, self._performances
        jobs = {(one.id, seed): (one, seed) for one in policies for seed in seeds if (one.id, seed) not in known}
        for key, found in zip(jobs, self._simulated(perform, list(jobs.values())), strict=True):
            if isinstance(found, Failure) and found.bad_input:
                raise InputError(found.reason)
            if isinstance(found, Failure):
                raise EngineError(f"policy {key[0]} has no score on seed {key[1]}: {found.reason}")
            known[key] = found
        return [[known[policy.id, seed] for seed in seeds] for policy in policies]

    def _everywhere(self, policies: Sequence[Policy]) -> dict[str, Evaluation]:
        """Evaluations by id of different policies in all worlds that there are."""
        here = self._evaluated(policies)
        if not self._worlds:
            return here
        found = {name: world.evaluate(policies) for name, world in self._worlds.items()}
        elsewhere = [{name: scores[place] for name, scores in found.items()} for place in range(len(policies))]
        pairs = zip(policies, elsewhere, strict=True)
        return {policy.id: over_worlds(self.problem.aim, here[policy.id], others) for policy, others in pairs}

    def _evaluated(self, policies: Sequence[Policy]) -> dict[str, Evaluation]:
        """Evaluations by id of different policies; one whose performance is known is not simulated for its score."""
        fitness, known = self.problem.fitness, self._performances
        (against,) = self.performances([self.problem.against])
        baseline = {seed: found.outcome for seed, found in zip(self.seeds, against, strict=True)}
        pairs = [(policy, seed) for policy in policies for seed in self.seeds]
        jobs = [(one, seed, baseline[seed]) for one, seed in pairs if (one.id, seed) not in known]
        simulated = iter(self._simulated(perform_for_score, jobs))
        scores: dict[str, list[Score | Failure]] = {policy.id: [] for policy in policies}
        for policy, seed in pairs:
            kept = known.get((policy.id, seed))
            found = next(simulated) if kept is None else score(fitness, kept.outcome, baseline[seed])
            scores[policy.id].append(found)
        return {policy_id: _mean_evaluation(policy_id, found) for policy_id, found in scores.items()}

    def _simulated(self, function: Callable[..., T | Failure], jobs: Sequence[tuple[Any, ...]]) -> list[T | Failure]:
        """What `function` makes of (policy, table, …) jobs, in order; bugs are put in quarantine."""
        problem, results = self.problem, []
        tasks = [
            (problem.simulate, problem.fitness, problem.scenario_on(policy, seed), problem.table(seed), *more)
            for policy, seed, *more in jobs
        ]
        for (policy, seed, *_), result in zip(jobs, self.workers.map(function, tasks), strict=True):
            if isinstance(result, Failure) and result.violations and self._quarantine is not None:
                self._write_reproducer(self._quarantine, policy, seed, result)
            results.append(result)
        return results

    def _write_reproducer(self, folder: Path, policy: Policy, seed: TableKey, failure: Failure) -> None:
        """One YAML file with all that is needed to see the violation again."""
        content = {
            "violations": list(failure.violations),
            "seed": seed,
            "policy": bundle_mapping(policy.bundle),
            "scenario": self.problem.mapping(),
        }
        dump_yaml(content, folder / f"{policy.id}.yaml")


def evaluate(
    policy: PolicyBundle | Mapping[str, Any] | str | Path, problem: Problem, seeds: Sequence[TableKey] | None = None
) -> Evaluation:
    """Score one policy as a driver sees it. policy: a bundle, a mapping or the path of a bundle file.

    seeds: of request tables, the problem's search seeds by default. A policy that cannot be read raises
    InputError; one that fails in the simulation comes back with status `failed`.
    """
    chosen = problem.search_seeds if seeds is None else tuple(seeds)
    if not chosen:
        raise InputError("seeds: at least one is needed")
    return Evaluator(problem, chosen, Workers()).evaluate([problem.policy(load_policy(policy))])[0]


def _mean_evaluation(policy_id: str, scores: Sequence[Score | Failure]) -> Evaluation:
    """The mean over the tables; one without a score leaves the candidate without one."""
    values = tuple(None if isinstance(score, Failure) else float(score.value) for score in scores)
    failures = [score for score in scores if isinstance(score, Failure)]
    if failures:
        return Evaluation(policy_id, FAILED, failures[0].reason, seed_values=values)
    numbers = [score for score in scores if not isinstance(score, Failure)]
    return Evaluation(
        policy_id,
        OK,
        fitness=_mean([score.value for score in numbers]),
        terms={name: _mean([score.terms[name] for score in numbers]) for name in numbers[0].terms},
        undone=_mean([score.undone for score in numbers]),
        harm=_mean([score.harm for score in numbers]),
        seed_values=values,
        objectives=tuple(map(_mean, zip(*(score.objectives for score in numbers), strict=True))),
    )


def over_worlds(aim: str, here: Evaluation, elsewhere: Mapping[str, Evaluation]) -> Evaluation:
    """One evaluation of those in the world as it is and in others; without a score in one of them there is none."""
    worlds = {name: one.fitness for name, one in elsewhere.items()}
    reasons = [here.reason, *(f"under {name}: {one.reason}" for name, one in elsewhere.items() if one.reason)]
    scores = [score for score in (here.fitness, *worlds.values()) if score is not None]
    if len(scores) <= len(worlds):
        reason = next(filter(None, reasons))
        return Evaluation(here.genome_id, FAILED, reason, seed_values=here.seed_values, worlds=worlds)
    losses = zip(here.objectives, *(one.objectives for one in elsewhere.values()), strict=True)
    objectives = tuple(-AIMS[aim]([-loss for loss in column]) for column in losses)
    return replace(here, fitness=AIMS[aim](scores), objectives=objectives, worlds=worlds)


def _mean(values: Sequence[float]) -> float:
    """The arithmetic mean, summed in the order of the seeds."""
    return float(np.mean(np.array(values, dtype=np.float64)))
