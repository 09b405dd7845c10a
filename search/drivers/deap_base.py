"""What the drivers on DEAP's toolbox share: individuals, a stream of their own for DEAP, and variation of genomes."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deap import base

from blis.errors import check_integer, check_number
from search.drivers.base import MOST, Proposal, SeededDriver
from search.space.space import Genome

#: Mutation steps are drawn log-uniformly between these, in units of a parameter's (log) range: long ones
#: explore and short ones refine throughout, so no schedule has to know the budget.
SHORTEST_STEP = 0.01
LONGEST_STEP = 0.4

#: Share of the genes that both parents of a child have which are mixed, not taken from one of them.
BLENDED = 0.3


class Score(base.Fitness):  # type: ignore[misc]
    """One number, larger is better. A plain class: DEAP's creator would be global to the process."""

    weights = (1.0,)


class Costs(base.Fitness):  # type: ignore[misc]
    """Several numbers, smaller is better."""

    def __init__(self, values: Sequence[float]) -> None:
        """values: finite."""
        self.weights = (-1.0,) * len(values)
        super().__init__(values)


class Individual(dict[str, Any]):
    """A genome with DEAP's fitness."""

    def __init__(self, genome: Genome, fitness: base.Fitness) -> None:
        """fitness: with its values."""
        super().__init__(genome)
        self.fitness = fitness


@dataclass(frozen=True)
class PopulationOptions:
    """Settings of every driver that keeps a population."""

    population: int = 40  # survivors, each once
    initial: int = 48  # proposals, seeds included, before the first child
    crossover: float = 0.3  # probability that a child has two parents
    mutation: float = 0.2  # probability of each gene to change; one changes at least

    def __post_init__(self) -> None:
        """Check ranges."""
        check_integer("driver.options.population", self.population, 2, MOST)
        check_integer("driver.options.initial", self.initial, 1, MOST)
        check_number("driver.options.crossover", self.crossover, 0, 1)
        check_number("driver.options.mutation", self.mutation, 0, 1)


class DeapDriver(SeededDriver):
    """Random genomes up to `options.initial`, then children of a population.

    Scores are deterministic, so a survivor is never run again.
    """

    options: PopulationOptions

    @abstractmethod
    def _child(self) -> Proposal | None:
        """A genome made of the population, valid or not; None if there is nothing to make it of."""

    def _propose(self) -> Proposal:
        child = self._child() if len(self._asked) >= self.options.initial else None
        if child is None or self.space.flaw(child.genome):
            return Proposal(self.space.sample(self.rng), "random")
        return child

    def _cross_or_mutate(self, first: Genome, second: Genome) -> Proposal:
        """A child of both, half of them mutated, or a mutation of the first."""
        if self.rng.random() >= self.options.crossover:
            return Proposal(self._mutate(first), "mutation")
        child = self._mate(first, second)
        return Proposal(self._mutate(child) if self.rng.random() < 0.5 else child, "crossover")

    def _mate(self, first: Genome, second: Genome) -> Genome:
        """A child that takes or blends every gene; genes that its templates need and no parent has are drawn."""
        child: Genome = {}
        for key in {**first, **second}:
            if key in first and key in second:
                parameter = self.space.parameters[key]
                blended = self.rng.random() < BLENDED
                mixed = parameter.blend(self.rng, first[key], second[key]) if blended else None
                child[key] = mixed if mixed is not None else self.rng.choice((first, second))[key]
            else:
                child[key] = first[key] if key in first else second[key]
        return self.space.complete(child, self.rng)

    def _mutate(self, genome: Genome) -> Genome:
        """Change some genes by steps of any length; a flipped template draws the genes it needs."""
        changed = dict(genome)
        for key in self._chosen(genome):
            step = SHORTEST_STEP * (LONGEST_STEP / SHORTEST_STEP) ** self.rng.random()
            changed[key] = self.space.parameters[key].mutate(self.rng, genome[key], step)
        return self.space.complete(changed, self.rng)

    def _chosen(self, genome: Genome) -> list[str]:
        """The genes to change: each with `options.mutation`, at least one."""
        return [key for key in genome if self.rng.random() < self.options.mutation] or [self.rng.choice(list(genome))]

    @contextmanager
    def _own_random(self) -> Iterator[None]:
        """Let DEAP, which draws from the global `random`, draw from this driver's stream; leave no trace."""
        outside = random.getstate()
        random.setstate(self.rng.getstate())
        try:
            yield
        finally:
            self.rng.setstate(random.getstate())
            random.setstate(outside)
