"""A genetic algorithm on DEAP's toolbox: tournament, mixed crossover and mutation, the best survive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deap import base, tools

from blis.errors import check_integer
from search.drivers.base import DRIVERS, MOST, Proposal, Scored
from search.drivers.deap_base import DeapDriver, Individual, PopulationOptions, Score
from search.space.space import Genome, Space, genome_key


@dataclass(frozen=True)
class GeneticOptions(PopulationOptions):
    """Settings of the genetic algorithm (conf/driver/deap_ga.yaml)."""

    tournament: int = 3

    def __post_init__(self) -> None:
        """Check ranges."""
        super().__post_init__()
        check_integer("driver.options.tournament", self.tournament, 1, MOST)


@DRIVERS.register("deap_ga")
class GeneticAlgorithm(DeapDriver):
    """Parents by tournament selection; the best genomes so far survive."""

    options_type = GeneticOptions

    def __init__(self, space: Space, seeds: Sequence[Genome], seed: int, options: GeneticOptions) -> None:
        """seeds: the initial population, with random genomes up to `options.initial`."""
        super().__init__(space, seeds, seed, options)
        self.population: list[Individual] = []
        self._toolbox = base.Toolbox()
        self._toolbox.register("select", tools.selTournament, tournsize=options.tournament)
        self._toolbox.register("survive", tools.selBest, k=options.population)

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Add what has a score and keep the best; among equals the older."""
        known = {genome_key(individual) for individual in self.population}
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            key = genome_key(proposal.genome)
            if evaluation.fitness is not None and key not in known:
                known.add(key)
                self.population.append(Individual(proposal.genome, Score((evaluation.fitness,))))
        self.population = self._toolbox.survive(self.population)

    def state(self) -> dict[str, Any]:
        """The base state and the population with its scores."""
        population = [[dict(individual), individual.fitness.values[0]] for individual in self.population]
        return {**super().state(), "population": population}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore(state)
        self.population = [Individual(genome, Score((score,))) for genome, score in state["population"]]

    def _child(self) -> Proposal | None:
        if not self.population:
            return None
        with self._own_random():
            first, second = self._toolbox.select(self.population, 2)
        return self._cross_or_mutate(first, second)
