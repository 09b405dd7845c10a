"""Scores of many policies on tables of many lengths, and what their noise means (for `experiments.noise`)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from blis.errors import InputError
from blis.fitness.outcome import Outcome
from search.problem.problem import Problem
from search.problem.traffic import Drawn
from search.running.candidates import policy_of
from search.running.evaluator import Evaluator
from search.space.space import Genome, Space
from search.workers import Workers

SPREAD = 0.2  # of a neighbour's parameters
DEALS = 20  # of tables to policies, when each is scored on its own

Floats = NDArray[np.float64]


class Rung(NamedTuple):
    """A way to score: so many requests a table on so many instances, each with its share of the rate."""

    requests: int
    instances: int


class Scores(NamedTuple):
    """P policies on S tables."""

    fitness: Floats  # [P, S]
    goodput: Floats  # [P, S] class-weighted log of the good answers: a score without a baseline
    ms: float  # of a worker for a simulation with its score


def measure(
    problem: Problem, genomes: Sequence[Genome], space: Space, seeds: Sequence[int], workers: Workers
) -> Scores:
    """Score every policy on every table. Raises InputError if one fails or the fitness is not the relative one."""
    policies = [policy_of(genome, space, problem) for genome in genomes]
    columns, seconds = [], 0.0
    for seed in seeds:
        evaluator = Evaluator(problem, [seed], workers)
        ((performance,),) = evaluator.performances([problem.against])  # makes the table, too
        baseline = performance.outcome
        if not isinstance(baseline, Outcome):
            raise InputError("the study of noise needs fitness=relative")
        level = float(np.dot(baseline.scoring.class_weights, np.log(baseline.good_by_class + 0.5)))
        start = time.perf_counter()
        found = evaluator.evaluate(policies)
        seconds += time.perf_counter() - start
        failed = [evaluation.reason for evaluation in found if evaluation.fitness is None]
        if failed:
            raise InputError(f"a policy has no score: {failed[0]}")
        columns.append([(evaluation.fitness, evaluation.terms["f_goodput"] + level) for evaluation in found])
    values = np.array(columns, dtype=np.float64)  # [S, P, 2]
    cost = seconds * workers.count / (len(seeds) * len(policies)) * 1e3
    return Scores(values[:, :, 0].T, values[:, :, 1].T, cost)


def on_rung(problem: Problem, rung: Rung) -> Problem:
    """The problem with tables of another length, on another number of instances under the same load each."""
    share = rung.instances / problem.scenario.cluster.instances
    workload = replace(
        problem.workload, num_requests=rung.requests, aggregate_rate=problem.workload.aggregate_rate * share
    )
    cluster = replace(problem.scenario.cluster, instances=rung.instances)
    return Problem(replace(problem.scenario, cluster=cluster), Drawn(workload), problem.fitness, problem.baseline)


def neighbours(space: Space, genome: Genome, n: int, rng: Random) -> Iterator[Genome]:
    """Genomes with every number of `genome` changed by up to 20 %."""
    for _ in range(n):
        changed = dict(genome)
        for key, value in genome.items():
            moved = float(value) * rng.uniform(1 - SPREAD, 1 + SPREAD) if isinstance(value, int | float) else value
            if moved:  # a weight of 0 stays off
                nearest = space.parameters[key].nearest(moved)
                assert nearest is not None  # a number of the space has a neighbour in it
                changed[key] = nearest
        yield changed


# 1. common requests


class Gain(NamedTuple):
    """Variance of the difference of two policies: each on its own tables, and both on the same."""

    pooled: float  # ratio of the mean variances over all pairs
    quartiles: tuple[float, float, float]  # of the pairs' ratios
    sd_same: float
    sd_own: float


def gain(scores: Floats) -> Gain:
    """The gain over all pairs of rows of [P, S] scores."""
    first, second = np.triu_indices(len(scores), k=1)
    own = scores[first].var(axis=1, ddof=1) + scores[second].var(axis=1, ddof=1)
    same = (scores[first] - scores[second]).var(axis=1, ddof=1)
    ratios = np.divide(own, same, out=np.full_like(own, np.inf), where=same > 0)
    low, middle, high = np.percentile(ratios, [25, 50, 75], method="nearest")
    pooled = float(own.mean() / same.mean()) if same.any() else np.inf
    return Gain(pooled, (float(low), float(middle), float(high)), float(same.mean() ** 0.5), float(own.mean() ** 0.5))


class Choice(NamedTuple):
    """The best of all by what was seen: how much less it scores elsewhere, and how much more another would."""

    optimism: float
    regret: float


def choice_by_one_table(scores: Floats) -> tuple[Choice, Choice]:
    """Choosing the best of [P, S] by one table: all policies on the same one, and each on its own.

    The truth is the mean over all other tables.
    """
    n_policies, n_seeds = scores.shape
    others = (scores.sum(axis=1, keepdims=True) - scores) / (n_seeds - 1)
    rng = np.random.default_rng(crc32(b"noise/choice"))
    same = [np.full(n_policies, seed, dtype=np.int64) for seed in range(n_seeds)]
    own = list(rng.integers(n_seeds, size=(DEALS * n_seeds, n_policies)))
    return _choice(scores, others, same), _choice(scores, others, own)


def _choice(scores: Floats, others: Floats, deals: Sequence[NDArray[np.int64]]) -> Choice:
    """The mean over deals, each of which gives every policy a table."""
    found = []
    for dealt in deals:
        seen = scores[np.arange(len(scores)), dealt]
        best = int(np.argmax(seen))
        truth = others[:, dealt[best]]
        found.append((seen[best] - truth[best], truth.max() - truth[best]))
    return Choice(*map(float, np.mean(found, axis=0)))


# 2. optimism


class Optimism(NamedTuple):
    """The best of all policies by so many tables of a length: what it showed, and what is true."""

    shown: float
    same_length: float  # on other tables of the length
    reference: float  # on long tables
    regret: float  # of the choice, on long tables


def optimism(scores: Floats, reference: Floats, tables: int) -> Optimism:
    """The mean over disjoint groups of `tables` tables. scores: [P, S]; reference: [P, R] on long tables."""
    truth = reference.mean(axis=1)
    found = []
    for start in range(0, scores.shape[1] - tables + 1, tables):
        group = np.arange(start, start + tables)
        seen = scores[:, group].mean(axis=1)
        best = int(np.argmax(seen))
        elsewhere = float(np.delete(scores[best], group).mean())
        found.append((seen[best], elsewhere, truth[best], truth.max() - truth[best]))
    return Optimism(*map(float, np.mean(found, axis=0)))


# 3. rungs


class Fidelity(NamedTuple):
    """How well a rung ranks."""

    tau_one: float  # of one table, mean over the tables
    tau_all: float
    tau_best: float  # of all tables, among the reference's best quarter
    kept_one: float
    kept_all: float
    bias: float  # mean score minus the reference's


def fidelity(scores: Floats, reference: Floats) -> Fidelity:
    """The rung's ranking against the reference's. scores: [P, S]; reference: [P, R]."""
    truth, mean = reference.mean(axis=1), scores.mean(axis=1)
    best = np.argsort(-truth)[: max(len(truth) // 4, 2)]
    return Fidelity(
        float(np.mean([_tau(column, truth) for column in scores.T])),
        _tau(mean, truth),
        _tau(mean[best], truth[best]),
        float(np.mean([kept(column, truth) for column in scores.T])),
        kept(mean, truth),
        float(mean.mean() - truth.mean()),
    )


def kept(scores: Floats, truth: Floats) -> float:
    """The share of the truly best tenth that is in the best quarter by score."""
    tenth, quarter = max(len(truth) // 10, 1), max(len(truth) // 4, 1)
    return len({*np.argsort(-truth)[:tenth]} & {*np.argsort(-scores)[:quarter]}) / tenth


def _tau(one: Floats, other: Floats) -> float:
    return float(stats.kendalltau(one, other).statistic)
