"""A genetic algorithm on DEAP's toolbox: tournament, mixed crossover and mutation, the best survive."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deap import base, tools

from blis.errors import check_integer, check_number
from search.drivers.base import Proposal, Scored, SeededDriver
from search.space import Genome, Space, genome_key

#: Mutation steps are drawn log-uniformly between these, in units of a parameter's (log) range: long ones
#: explore and short ones refine throughout, so no schedule has to know the budget.
SHORTEST_STEP = 0.01
LONGEST_STEP = 0.4


class Fitness(base.Fitness):  # type: ignore[misc]
    """One number, larger is better. A plain class: DEAP's creator would be global to the process."""

    weights = (1.0,)


class Individual(dict[str, Any]):
    """A genome with DEAP's fitness."""

    def __init__(self, genome: Genome, score: float) -> None:
        """score: finite."""
        super().__init__(genome)
        self.fitness = Fitness((score,))


@dataclass(frozen=True)
class GeneticOptions:
    """Settings of the genetic algorithm (conf/driver/deap_ga.yaml)."""

    population: int = 40  # survivors: the best genomes so far, each once
    initial: int = 48  # proposals, seeds included, before the first crossover
    tournament: int = 3
    crossover: float = 0.3  # probability that a child has two parents
    mutation: float = 0.2  # probability of each gene to change; one changes at least

    def __post_init__(self) -> None:
        """Check ranges."""
        check_integer("driver.options.population", self.population, 2)
        check_integer("driver.options.initial", self.initial, 1)
        check_integer("driver.options.tournament", self.tournament, 1)
        check_number("driver.options.crossover", self.crossover, 0, 1)
        check_number("driver.options.mutation", self.mutation, 0, 1)


class GeneticAlgorithm(SeededDriver):
    """(mu + lambda) with tournament selection. Scores are deterministic, so a survivor is never run again."""

    options_type = GeneticOptions

    def __init__(self, space: Space, seeds: Sequence[Genome], seed: int, options: GeneticOptions) -> None:
        """seeds: the initial population, with random genomes up to `options.initial`."""
        super().__init__(space, seeds, seed, options)
        self.population: list[Individual] = []
        self._toolbox = base.Toolbox()
        self._toolbox.register("select", tools.selTournament, tournsize=options.tournament)
        self._toolbox.register("mate", self._mate)
        self._toolbox.register("mutate", self._mutate)
        self._toolbox.register("survive", tools.selBest)

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Add what has a score and keep the best; among equals the older."""
        known = {genome_key(individual) for individual in self.population}
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            key = genome_key(proposal.genome)
            if evaluation.fitness is not None and key not in known:
                known.add(key)
                self.population.append(Individual(proposal.genome, evaluation.fitness))
        self.population = self._toolbox.survive(self.population, self.options.population)

    def state(self) -> dict[str, Any]:
        """The base state and the population with its scores."""
        population = [[dict(individual), individual.fitness.values[0]] for individual in self.population]
        return {**super().state(), "population": population}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore(state)
        self.population = [Individual(genome, score) for genome, score in state["population"]]

    def _propose(self) -> Proposal:
        if len(self._asked) < self.options.initial or not self.population:
            return Proposal(self.space.sample(self.rng), "random")
        with self._own_random():
            first, second = self._toolbox.select(self.population, 2)
        if self.rng.random() < self.options.crossover:
            genome, origin = self._toolbox.mate(first, second), "crossover"
            if self.rng.random() < 0.5:
                genome = self._toolbox.mutate(genome)
        else:
            genome, origin = self._toolbox.mutate(first), "mutation"
        if self.space.flaw(genome):
            return Proposal(self.space.sample(self.rng), "random")
        return Proposal(genome, origin)

    def _mate(self, first: Genome, second: Genome) -> Genome:
        """A child that takes or blends every gene; genes that its templates need and no parent has are drawn."""
        child: Genome = {}
        for key in {**first, **second}:
            if key in first and key in second:
                parameter = self.space.parameters[key]
                blended = self.rng.random() < 0.3
                mixed = parameter.blend(self.rng, first[key], second[key]) if blended else None
                child[key] = mixed if mixed is not None else self.rng.choice((first, second))[key]
            else:
                child[key] = first[key] if key in first else second[key]
        return self.space.complete(child, self.rng)

    def _mutate(self, genome: Genome) -> Genome:
        """Change each gene with `options.mutation`, at least one; a flipped template draws the genes it needs."""
        keys = [key for key in genome if self.rng.random() < self.options.mutation] or [self.rng.choice(list(genome))]
        changed = dict(genome)
        for key in keys:
            step = SHORTEST_STEP * (LONGEST_STEP / SHORTEST_STEP) ** self.rng.random()
            changed[key] = self.space.parameters[key].mutate(self.rng, genome[key], step)
        return self.space.complete(changed, self.rng)

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
