"""The contract between the loop and an optimizer, and what all optimizers here share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, NamedTuple, Protocol
from zlib import crc32

import numpy as np

from blis import plugins
from search.space.space import Genome, Space, genome_key

#: What a driver may be told to keep or to look at, at most: more takes longer than any search.
MOST = 10**6

SEED = "seed"  # origin of a proposal that was handed to the driver

#: Attempts of each kind to find a genome that was not asked before; a small space may have none left.
FRESH_ATTEMPTS = 50


class Proposal(NamedTuple):
    """A genome that a driver asks for, and how it came about."""

    genome: Genome
    origin: str


class Scored(Protocol):
    """What a driver reads of an evaluation: a number to be made large or several to be made small."""

    @property
    def fitness(self) -> float | None:
        """The score, None for an invalid or failed candidate.

        Of one that a race stopped it is an estimate, good for learning: it is known to be worse than the best.
        """

    @property
    def objectives(self) -> Sequence[float]:
        """What a driver that looks for compromises makes small; as many for every candidate with a score."""


class Driver(Protocol):
    """An optimizer that never calls the objective: the loop owns the run, the driver only proposes.

    The loop calls `ask`, evaluates, calls `tell` with the same proposals in the same order, and so on.
    Everything a driver draws comes from its own seed; it leaves the global generators as it found them.
    """

    def ask(self, n: int) -> list[Proposal]:
        """Exactly `n` valid genomes: first the seeds in their order, then the driver's own, new where possible."""

    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Learn from evaluations of proposals, one each."""

    def state(self) -> dict[str, Any]:
        """Everything that decides what comes next, as JSON-able data."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue exactly where the driver that gave `state` stood."""


@dataclass(frozen=True)
class Options:
    """A driver without settings."""


class SeededDriver(ABC):
    """Seeds first, no genome twice where it can be helped, one random stream; subclasses propose."""

    options_type: ClassVar[type] = Options
    shares: ClassVar[bool] = False  # whether `tell` may be of proposals that it never made: other searchers'
    pareto: ClassVar[bool] = False  # whether it looks for compromises between objectives, not for the best score

    def __init__(self, space: Space, seeds: Sequence[Genome], seed: int, options: Any) -> None:
        """seeds: genomes to ask first; seed: the run's, its stream is named `driver`; options: an `options_type`."""
        self.space, self.options = space, options
        stream = np.random.SeedSequence([seed, crc32(b"driver")]).generate_state(2, np.uint64)
        self.rng = Random(int(stream[0]) << 64 | int(stream[1]))
        self._queue = [dict(genome) for genome in seeds]
        self._asked: set[str] = set()

    @abstractmethod
    def _propose(self) -> Proposal:
        """One valid genome of the driver's own."""

    @abstractmethod
    def tell(self, proposals: Sequence[Proposal], evaluations: Sequence[Scored]) -> None:
        """Learn from evaluations."""

    def ask(self, n: int) -> list[Proposal]:
        """Exactly `n` valid genomes."""
        proposals = []
        for _ in range(n):
            proposal = Proposal(self._queue.pop(0), SEED) if self._queue else self._fresh(self._propose)
            self._asked.add(genome_key(proposal.genome))
            proposals.append(proposal)
        return proposals

    def state(self) -> dict[str, Any]:
        """The random stream, the seeds still to be asked and what was asked."""
        version, words, gauss = self.rng.getstate()
        return {"rng": [version, list(words), gauss], "queue": list(self._queue), "asked": sorted(self._asked)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        version, words, gauss = state["rng"]
        self.rng.setstate((version, tuple(words), gauss))
        self._queue = [dict(genome) for genome in state["queue"]]
        self._asked = set(state["asked"])

    def _fresh(self, propose: Callable[[], Proposal]) -> Proposal:
        """A proposal that was not asked before; after many attempts a random one, after as many of these any."""
        for attempt in range(2 * FRESH_ATTEMPTS):
            proposal = propose() if attempt < FRESH_ATTEMPTS else Proposal(self.space.sample(self.rng), "random")
            if genome_key(proposal.genome) not in self._asked:
                break
        return proposal


#: The optimizers by name: ours, and those that installed packages bring.
DRIVERS = plugins.Named[type[SeededDriver]]("driver.name", plugins.DRIVERS)
