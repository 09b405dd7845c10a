"""A (mu + lambda) evolution strategy on DEAP's toolbox: every gene has a step size that evolves with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deap import base, tools

from blis.errors import check_number
from search.drivers.base import DRIVERS, Proposal, Scored
from search.drivers.deap_base import DeapDriver, Individual, PopulationOptions, Score
from search.space.space import Genome, Space, genome_key

Steps = dict[str, float]

#: Step sizes stay between these, in units of a parameter's (log) range.
SHORTEST_STEP, LONGEST_STEP = 0.003, 0.5


@dataclass(frozen=True)
class StrategyOptions(PopulationOptions):
    """Settings of the evolution strategy (conf/driver/deap_mu_plus_lambda.yaml); lambda is `driver.batch`."""

    population: int = 12  # mu
    first_step: float = 0.2  # of every gene, in units of its (log) range

    def __post_init__(self) -> None:
        """Check ranges."""
        super().__post_init__()
        check_number("driver.options.first_step", self.first_step, SHORTEST_STEP, LONGEST_STEP)


@DRIVERS.register("deap_mu_plus_lambda")
class EvolutionStrategy(DeapDriver):
    """Parents at random, the best of parents and children survive.

    A child inherits its parents' step sizes (of two parents the geometric mean), those of the genes that
    change are first multiplied by log-normal factors; so step sizes that gave good children spread. Choices
    without an order have no step: they change to any other choice.
    """

    options_type = StrategyOptions

    def __init__(self, space: Space, seeds: Sequence[Genome], seed: int, options: StrategyOptions) -> None:
        """seeds: the initial population, with random genomes up to `options.initial`."""
        super().__init__(space, seeds, seed, options)
        self.population: list[tuple[Individual, Steps]] = []
        self._first_step = options.first_step
        self._inherited: dict[str, Steps] = {}  # of children that were asked and not told
        self._common_rate = 1 / math.sqrt(2 * len(space.parameters))
        self._gene_rate = 1 / math.sqrt(2 * math.sqrt(len(space.parameters)))
        self._toolbox = base.Toolbox()
        self._toolbox.register("select", tools.selRandom, k=2)
        self._toolbox.register("survive", tools.selBest, k=options.population)

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Add what has a score and keep the best; among equals the older."""
        steps = {genome_key(individual): found for individual, found in self.population}
        individuals = [individual for individual, _ in self.population]
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            key = genome_key(proposal.genome)
            inherited = self._inherited.pop(key, None)
            if evaluation.fitness is not None and key not in steps:
                steps[key] = inherited or dict.fromkeys(self.space, self._first_step)
                individuals.append(Individual(proposal.genome, Score((evaluation.fitness,))))
        survivors = self._toolbox.survive(individuals)
        self.population = [(individual, steps[genome_key(individual)]) for individual in survivors]

    def state(self) -> dict[str, Any]:
        """The base state, the population with its scores and steps, and the steps of what is being evaluated."""
        population = [[dict(found), found.fitness.values[0], steps] for found, steps in self.population]
        return {**super().state(), "population": population, "inherited": dict(self._inherited)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore(state)
        self.population = [(Individual(genome, Score((score,))), steps) for genome, score, steps in state["population"]]
        self._inherited = dict(state["inherited"])

    def _child(self) -> Proposal | None:
        if not self.population:
            return None
        with self._own_random():
            (first, steps), (second, other) = self._toolbox.select(self.population)
        genome, origin = dict(first), "mutation"
        if self.rng.random() < self.options.crossover:
            genome, origin = self._mate(first, second), "crossover"
            steps = {key: math.sqrt(step * other[key]) for key, step in steps.items()}
        child, inherited = self._mutate_with(genome, steps)
        if genome_key(child) not in self._asked and not self.space.flaw(child):
            self._inherited[genome_key(child)] = inherited
        return Proposal(child, origin)

    def _mutate_with(self, genome: Genome, steps: Steps) -> tuple[Genome, Steps]:
        """Change some genes by their own steps, after changing those steps."""
        changed, inherited = dict(genome), dict(steps)
        common = self._common_rate * self.rng.gauss(0.0, 1.0)
        for key in self._chosen(genome):
            step = steps[key] * math.exp(common + self._gene_rate * self.rng.gauss(0.0, 1.0))
            inherited[key] = min(max(step, SHORTEST_STEP), LONGEST_STEP)
            changed[key] = self.space.parameters[key].mutate(self.rng, genome[key], inherited[key])
        return self.space.complete(changed, self.rng), inherited
