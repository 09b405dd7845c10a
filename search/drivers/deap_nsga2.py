"""NSGA-II on DEAP's toolbox: a population of compromises between the objectives, not of best scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deap import base, tools

from blis.errors import check_integer
from search.drivers.base import DRIVERS, Proposal, Scored
from search.drivers.deap_base import Costs, DeapDriver, Individual, PopulationOptions
from search.space.space import Genome, Space, genome_key

#: DEAP's tournament hands out winners by fours.
WINNERS = 4


@dataclass(frozen=True)
class NSGA2Options(PopulationOptions):
    """Settings of NSGA-II (conf/driver/deap_nsga2.yaml)."""

    def __post_init__(self) -> None:
        """Check ranges; fewer than a tournament takes would never have a child."""
        super().__post_init__()
        check_integer("driver.options.population", self.population, WINNERS + 1)


@DRIVERS.register("deap_nsga2")
class NSGA2(DeapDriver):
    """Parents by tournament on dominance, then crowding; whole fronts survive, the last one where it is sparse.

    A candidate without objectives (invalid, failed) is worse than any other: it never survives.
    """

    options_type = NSGA2Options
    pareto = True

    def __init__(self, space: Space, seeds: Sequence[Genome], seed: int, options: NSGA2Options) -> None:
        """seeds: the initial population, with random genomes up to `options.initial`."""
        super().__init__(space, seeds, seed, options)
        self.population: list[Individual] = []
        self._toolbox = base.Toolbox()
        self._toolbox.register("select", tools.selTournamentDCD, k=WINNERS)
        self._toolbox.register("survive", tools.selNSGA2, k=options.population, nd="log")

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Add what has objectives and keep the best fronts."""
        known = {genome_key(individual) for individual in self.population}
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            key = genome_key(proposal.genome)
            if evaluation.fitness is not None and key not in known:
                known.add(key)
                values = tuple(evaluation.objectives)
                # A single objective twice: DEAP's fast sort needs two.
                self.population.append(Individual(proposal.genome, Costs(values if len(values) > 1 else 2 * values)))
        if self.population:
            self.population = self._toolbox.survive(self.population)
            self._measure_crowding()

    def state(self) -> dict[str, Any]:
        """The base state and the population with its objectives."""
        population = [[dict(individual), list(individual.fitness.values)] for individual in self.population]
        return {**super().state(), "population": population}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore(state)
        self.population = [Individual(genome, Costs(values)) for genome, values in state["population"]]
        self._measure_crowding()

    def _measure_crowding(self) -> None:
        """Set the crowding distance of everyone among the survivors; it depends on them alone."""
        for front in tools.sortLogNondominated(self.population, len(self.population)):
            tools.emo.assignCrowdingDist(front)

    def _child(self) -> Proposal | None:
        if len(self.population) <= WINNERS:
            return None
        with self._own_random():
            first, second, *_ = self._toolbox.select(self.population)
        return self._cross_or_mutate(first, second)
