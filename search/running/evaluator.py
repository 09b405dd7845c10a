"""Scores of policies: every candidate on the same requests, each (policy, table) simulated once, failures survived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from blis.api import load_policy
from blis.errors import EngineError, InputError
from blis.policies.bundle import PolicyBundle, bundle_mapping
from blis.yaml_strict import dump_yaml
from search.problem.policy import Policy
from search.problem.problem import Problem, Score
from search.problem.traffic import TableKey
from search.running.evaluation import STOPPED, Evaluation, mean_evaluation, over_worlds
from search.running.performance import Failure, Performance, perform, perform_for_score, score
from search.running.race import Race
from search.running.score_keys import make_keys
from search.score_store import ScoreStore
from search.workers import Workers

QUARANTINE = "quarantine"  # folder of a run folder for reproducers of violated laws

T = TypeVar("T")


class Evaluator:
    """Scores policies against the problem's baseline on a fixed list of tables, and remembers them.

    Results depend on nothing but the policy, the tables and the race: not on the workers, the order or what was
    evaluated before. quarantine: folder for reproducers of violated laws, None = write none.
    """

    def __init__(
        self,
        problem: Problem,
        seeds: Sequence[TableKey],
        workers: Workers,
        quarantine: Path | None = None,
        scores: ScoreStore | None = None,
        *,
        closely: bool = False,
    ) -> None:
        """seeds: keys of the tables. scores: that other searches found, too. closely: people look at performances.

        Nothing runs before it is asked for.
        """
        self.problem, self.seeds, self.workers = problem, tuple(seeds), workers
        self._closely = closely
        shared = workers, quarantine, scores
        self._worlds = {name: Evaluator(world, seeds, *shared) for name, world in problem.worlds.items()}
        self._quarantine = quarantine
        self._stored, self._keys = scores, make_keys(problem) if scores else None
        self._evaluations: dict[str, Evaluation] = {}  # by the policy's id
        self._performances: dict[tuple[str, TableKey], Performance] = {}  # of policies that are compared

    def evaluate(self, policies: Sequence[Policy], race: Race | None = None) -> list[Evaluation]:
        """One evaluation per policy, in order. race: what stops those that are worse; without it all see all tables."""
        known = self._evaluations
        final = {policy_id for policy_id, found in known.items() if race is not None or found.status != STOPPED}
        new = {policy.id: policy for policy in policies if policy.id not in final}
        if new:
            known.update(self._everywhere(list(new.values()), race))
        return [known[policy.id] for policy in policies]

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
        new = [(one, seed) for one in policies for seed in seeds if (one.id, seed) not in known]
        jobs = {(one.id, seed): (one, seed, self._closely) for one, seed in new}
        for key, found in zip(jobs, self._simulated(perform, list(jobs.values())), strict=True):
            if isinstance(found, Failure) and found.bad_input:
                raise InputError(found.reason)
            if isinstance(found, Failure):
                raise EngineError(f"policy {key[0]} has no score on seed {key[1]}: {found.reason}")
            known[key] = found
        return [[known[policy.id, seed] for seed in seeds] for policy in policies]

    def _everywhere(self, policies: Sequence[Policy], race: Race | None) -> dict[str, Evaluation]:
        """Evaluations by id of different policies in all worlds that there are."""
        here = self._evaluated(policies, race)
        if not self._worlds:
            return here
        found = {name: world.evaluate(policies) for name, world in self._worlds.items()}
        elsewhere = [{name: scores[place] for name, scores in found.items()} for place in range(len(policies))]
        pairs = zip(policies, elsewhere, strict=True)
        return {policy.id: over_worlds(self.problem.aim, here[policy.id], others) for policy, others in pairs}

    def _evaluated(self, policies: Sequence[Policy], race: Race | None) -> dict[str, Evaluation]:
        """Evaluations by id of different policies, all of them on one block of tables after the other."""
        scores: dict[str, list[Score | Failure]] = {policy.id: [] for policy in policies}
        running = policies
        for block in race.blocks if race else [slice(None)]:
            pairs = [(policy, seed) for policy in running for seed in self.seeds[block]]
            for (policy, _), found in zip(pairs, self._scores(pairs), strict=True):
                scores[policy.id].append(found)
            running = [policy for policy in running if race and _goes_on(scores[policy.id], race)]
        means = [mean_evaluation(policy_id, found) for policy_id, found in scores.items()]
        return {one.genome_id: race.judged(one) if race else one for one in means}

    def _scores(self, pairs: Sequence[tuple[Policy, TableKey]]) -> list[Score | Failure]:
        """A score for each policy on its table; one that the store has is not worked out."""
        if self._stored is None or self._keys is None:
            return self._compared(pairs)
        keys = [self._keys.of(*pair) for pair in pairs]
        stored = self._stored.find(keys)
        new = [(key, pair) for key, pair in zip(keys, pairs, strict=True) if key not in stored]
        found: dict[str, Score | Failure] = dict(stored)
        for (key, _), score_ in zip(new, self._compared([pair for _, pair in new]), strict=True):
            self._stored.put(key, score_)
            found[key] = score_
        return [found[key] for key in keys]

    def _compared(self, pairs: Sequence[tuple[Policy, TableKey]]) -> list[Score | Failure]:
        """The same without a store; one whose performance is known is not simulated for it."""
        if not pairs:
            return []
        fitness, known, shared = self.problem.fitness, self._performances, self.workers.shared
        (against,) = self.performances([self.problem.against])
        baseline = {seed: found.outcome for seed, found in zip(self.seeds, against, strict=True)}
        jobs = [(one, seed, shared(baseline[seed])) for one, seed in pairs if (one.id, seed) not in known]
        simulated = iter(self._simulated(perform_for_score, jobs))
        kept = [known.get((policy.id, seed)) for policy, seed in pairs]
        return [
            next(simulated) if found is None else score(fitness, found.outcome, baseline[seed])
            for found, (_, seed) in zip(kept, pairs, strict=True)
        ]

    def _simulated(self, function: Callable[..., T | Failure], jobs: Sequence[tuple[Any, ...]]) -> list[T | Failure]:
        """What `function` makes of (policy, table, …) jobs, in order; bugs are put in quarantine."""
        problem, shared, results = self.problem, self.workers.shared, []
        tasks = [
            (problem.simulate, problem.fitness, problem.scenario_on(policy, seed), shared(problem.table(seed)), *more)
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


def _goes_on(scores: Sequence[Score | Failure], race: Race) -> bool:
    """Whether a candidate with these scores so far is worth another block of tables."""
    values = [one.value for one in scores if not isinstance(one, Failure)]
    return len(values) == len(scores) and not race.stops(values)
