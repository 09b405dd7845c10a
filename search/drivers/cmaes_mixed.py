"""CMA-ES for mixed spaces (CatCMAwM of the package cmaes): a normal distribution of numbers, one of each choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import check_integer, check_number
from search.drivers.base import DRIVERS, MOST, Proposal, Scored, SeededDriver
from search.space.parameters import Category, Number, Value
from search.space.space import Genome, Space, genome_key

if TYPE_CHECKING:
    from cmaes import CatCMAwM

#: Share of the initial distribution of every choice that lies on the start's value; the rest is uniform.
START_SHARE = 0.5

#: Coordinate of a number that the start does not have.
MIDDLE = 0.5

Draw = Any  # CatCMAwM.Solution; the package ships no types
Cost = tuple[int, float | None]  # place of a draw, its score


@dataclass(frozen=True)
class CMAOptions:
    """Settings of CMA-ES (conf/driver/cmaes.yaml)."""

    initial: int = 48  # evaluations, those of seeds included, of which the best is where CMA-ES starts
    population: int = 24  # scores per update; best the same as `driver.batch`
    step: float = 0.2  # first standard deviation of every number, in units of its (log) range

    def __post_init__(self) -> None:
        """Check ranges."""
        check_integer("driver.options.initial", self.initial, 1, MOST)
        check_integer("driver.options.population", self.population, 4, MOST)
        check_number("driver.options.step", self.step, above=0)


class Coordinates:
    """A space as CatCMAwM sees it: numbers in [0, 1] and choices by their place.

    A weight that may be zero is a number and a choice between off and on. Every gene is drawn, whether it is
    active or not; what is inactive is left out of the genome.
    """

    def __init__(self, space: Space) -> None:
        """Genes with a single value have no coordinate."""
        self._space = space
        numbers = {key: found for key, found in space.parameters.items() if isinstance(found, Number)}
        self._numbers = [key for key, number in numbers.items() if number.low < number.high]
        self._choices: dict[str, tuple[Value, ...]] = {}
        for key, parameter in space.parameters.items():
            if isinstance(parameter, Category) and len(parameter.choices) > 1:
                self._choices[key] = parameter.choices
            elif isinstance(parameter, Number) and parameter.zero_probability:
                self._choices[key] = (0, 1)  # off, on

    def optimizer(self, start: Genome, options: CMAOptions, seed: int) -> CatCMAwM:
        """CMA-ES around a genome."""
        from cmaes import CatCMAwM  # here, because it brings scipy.stats, which takes long to load

        gaussian: dict[str, Any] = {}
        if self._numbers:
            mean = np.array([self._place(key, start.get(key)) for key in self._numbers])
            bounds = [[0.0, 1.0]] * len(mean)
            gaussian = {"x_space": bounds, "mean": mean, "sigma": options.step, "cov": np.eye(len(mean))}
        categorical: dict[str, Any] = {}
        if self._choices:
            widths = [len(choices) for choices in self._choices.values()]
            categorical = {"c_space": widths, "cat_param": self._shares(start, max(widths))}
        return CatCMAwM(**gaussian, **categorical, population_size=options.population, seed=seed)

    def genome(self, draw: Draw) -> Genome:
        """The genome of a draw."""
        numbers = {} if draw.x is None else dict(zip(self._numbers, draw.x.tolist(), strict=True))
        places = [] if draw.c is None else np.argmax(draw.c, axis=1).tolist()
        chosen = {key: self._choices[key][place] for key, place in zip(self._choices, places, strict=True)}
        genome: Genome = {}
        for key, parameter in self._space.parameters.items():
            if self._space.is_active(key, genome):
                if isinstance(parameter, Number):
                    on = chosen.get(key, 1)
                    genome[key] = parameter.value_at(numbers.get(key, MIDDLE)) if on else 0.0
                else:
                    genome[key] = chosen[key] if key in chosen else parameter.extremes()[0]
        return genome

    def _place(self, key: str, value: Value | None) -> float:
        """The coordinate of a number."""
        parameter = self._space.parameters[key]
        assert isinstance(parameter, Number)
        return parameter.place(float(value)) if value else MIDDLE

    def _shares(self, start: Genome, width: int) -> NDArray[np.float64]:
        """[choices, width] probabilities: a gene that the start does not have is drawn uniformly."""
        shares = np.zeros((len(self._choices), width))
        for row, (key, choices) in zip(shares, self._choices.items(), strict=True):
            row[: len(choices)] = 1 / len(choices)
            if key in start:
                weight = isinstance(self._space.parameters[key], Number)
                row *= 1 - START_SHARE
                row[int(bool(start[key])) if weight else choices.index(start[key])] += START_SHARE
        return shares


@DRIVERS.register("cmaes")
class CovarianceMatrixAdaptation(SeededDriver):
    """Random genomes first, then CMA-ES around the best of them.

    The distribution is updated whenever `population` of its draws have a score, oldest first. The package has
    no state to save; what happened is written down instead (`start`, `log`) and done again by `restore`.
    """

    options_type = CMAOptions

    def __init__(self, space: Space, seeds: Sequence[Genome], seed: int, options: CMAOptions) -> None:
        """seeds: asked first; the best of them may become the start."""
        super().__init__(space, seeds, seed, options)
        self._coordinates = Coordinates(space)
        self._told = 0
        self._best: tuple[float, Genome] | None = None  # before the start
        self._start: tuple[Genome, int] | None = None  # where and with which seed
        self._optimizer: CatCMAwM | None = None
        self._draws: list[Draw] = []
        self._waiting: dict[str, int] = {}  # asked genome -> place of its draw
        self._scored: list[Cost] = []  # draws for the next update
        self._log: list[tuple[int, list[Cost]]] = []  # per update: draws made before it, the scores it learnt from

    def ask(self, n: int) -> list[Proposal]:
        """Exactly `n` valid genomes; CMA-ES starts with a whole batch, so that updates and batches coincide."""
        if self._optimizer is None and self._best is not None and self._told >= self.options.initial:
            self._begin(self._best[1], self.rng.getrandbits(32))
        return super().ask(n)

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Find the start, later update the distribution."""
        for proposal, evaluation in zip(proposals, evaluations, strict=True):
            self._told += 1
            score = evaluation.fitness
            if score is not None and (self._best is None or score > self._best[0]):
                self._best = score, proposal.genome
            place = self._waiting.pop(genome_key(proposal.genome), None)
            if place is not None:
                self._scored.append((place, score))
        size = self.options.population
        while len(self._scored) >= size:
            self._log.append((len(self._draws), self._scored[:size]))
            self._scored = self._scored[size:]
            self._update(self._log[-1][1])

    def state(self) -> dict[str, Any]:
        """The base state and everything that happened to the distribution."""
        own = {
            "told": self._told,
            "best": self._best,
            "start": self._start,
            "draws": len(self._draws),
            "waiting": dict(self._waiting),
            "scored": list(self._scored),
            "log": list(self._log),
        }
        return {**super().state(), **own}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`: everything again, in the same order."""
        super().restore(state)
        self._told, self._waiting = state["told"], dict(state["waiting"])
        self._best = state["best"] and tuple(state["best"])
        self._scored = [(place, score) for place, score in state["scored"]]
        self._log = [(draws, [(place, score) for place, score in scores]) for draws, scores in state["log"]]
        self._optimizer, self._start, self._draws = None, None, []
        if state["start"]:
            self._begin(*state["start"])
        for draws, scores in self._log:
            self._draw_until(draws)
            self._update(scores)
        self._draw_until(state["draws"])

    def _begin(self, start: Genome, seed: int) -> None:
        self._start = start, seed
        self._optimizer = self._coordinates.optimizer(start, self.options, seed)

    def _propose(self) -> Proposal:
        if self._optimizer is None:
            return Proposal(self.space.sample(self.rng), "random")
        place = len(self._draws)
        self._draw_until(place + 1)
        genome = self._coordinates.genome(self._draws[place])
        if self.space.flaw(genome):
            return Proposal(self.space.sample(self.rng), "random")
        if genome_key(genome) not in self._asked:
            self._waiting[genome_key(genome)] = place
        return Proposal(genome, "model")

    def _draw_until(self, n: int) -> None:
        """Make draws until there are `n`."""
        while self._optimizer is not None and len(self._draws) < n:
            self._draws.append(self._optimizer.ask())

    def _update(self, scores: Sequence[Cost]) -> None:
        """Move the distribution by the order of the scores, draws without one last.

        Its costs are places in that order: CMA-ES looks at nothing else but for its penalty on draws beyond the
        bounds, which is not a number when scores are equal.
        """
        order = sorted(scores, key=lambda cost: (cost[1] is None, -(cost[1] or 0.0)))
        assert self._optimizer is not None  # it made the draws
        self._optimizer.tell([(self._draws[place], float(rank)) for rank, (place, _) in enumerate(order)])
