"""The contract of a driver, as tests that anybody can run on their own.

    from search.testing import DriverContract

    class TestMine(DriverContract):
        name = "mine"

Collected by pytest, every `test_` method is a promise that the loop and the checkpoint rely on.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from search.drivers import make_driver
from search.drivers.base import Driver, Proposal
from search.space.space import Genome, space_from_mapping

_WEIGHT = {"type": "zero_or", "low": 0.01, "high": 1, "when": {"routing.policy": "weighted"}}

#: A small space with all that makes spaces difficult: conditions, zeros, logarithms, whole numbers, choices.
SPACE = space_from_mapping(
    {
        "routing": {
            "policy": {"type": "categorical", "choices": ["round-robin", "weighted"]},
            "scorers": {"prefix-affinity": _WEIGHT, "queue-depth": _WEIGHT},
        },
        "engine": {
            "max_scheduled_tokens": {"type": "int", "low": 256, "high": 16384, "log": True},
            "long_prefill_threshold": {"type": "categorical", "choices": [0, 256, 512]},
        },
    }
)
SEEDS: list[Genome] = [
    {"routing.policy": "round-robin", "engine.max_scheduled_tokens": 2048, "engine.long_prefill_threshold": 0},
    {
        "routing.policy": "weighted",
        "routing.scorers.prefix-affinity": 1.0,
        "routing.scorers.queue-depth": 0.0,
        "engine.max_scheduled_tokens": 300,
        "engine.long_prefill_threshold": 512,
    },
]

Objective = Callable[[Mapping[str, Any]], float | None]


class Score(NamedTuple):
    """What a driver is told."""

    fitness: float | None

    @property
    def objectives(self) -> tuple[float, ...]:
        """The score alone: then a search for compromises looks for the best score too."""
        return () if self.fitness is None else (-self.fitness,)


def hill(genome: Mapping[str, Any]) -> float:
    """A smooth function with its top, 0, at weights .3 and .1, a budget of 4000 and a threshold of 256."""
    if genome["routing.policy"] != "weighted":
        return -5.0
    value = -abs(math.log(genome["engine.max_scheduled_tokens"] / 4000))
    value -= genome["engine.long_prefill_threshold"] != 256
    for name, top in (("prefix-affinity", 0.3), ("queue-depth", 0.1)):
        value -= abs(math.log(max(genome[f"routing.scorers.{name}"], 0.003) / top))
    return value


def run(
    driver: Driver, generations: int = 10, batch: int = 12, objective: Objective = hill
) -> list[tuple[Proposal, Score]]:
    """Everything that a driver proposes, with its score."""
    found: list[tuple[Proposal, Score]] = []
    for _ in range(generations):
        proposals = driver.ask(batch)
        scores = [Score(objective(proposal.genome)) for proposal in proposals]
        driver.tell(proposals, scores)
        found += zip(proposals, scores, strict=True)
    return found


class DriverContract:
    """What every optimizer promises."""

    name: ClassVar[str]

    def make(self, seed: int = 1, seeds: Sequence[Genome] = SEEDS) -> Driver:
        """The driver at its start, with its default options."""
        return make_driver(self.name, SPACE, seeds, seed, {})

    def test_ask_gives_as_many_valid_genomes_as_asked(self) -> None:
        """With exactly the active keys, and values that the space has."""
        found = run(self.make())
        assert len(found) == 120
        for proposal, _ in found:
            genome = proposal.genome
            assert list(genome) == [key for key in SPACE if SPACE.is_active(key, genome)]
            assert SPACE.flaw(genome) is None
            for key, value in genome.items():
                assert SPACE.parameters[key].nearest(value) == value

    def test_seeds_come_first_and_in_order(self) -> None:
        """Baselines are asked before anything else."""
        driver = self.make()
        asked = driver.ask(1) + driver.ask(2)
        assert [proposal.genome for proposal in asked[:2]] == SEEDS
        assert [proposal.origin for proposal in asked[:2]] == ["seed", "seed"]
        assert asked[2].origin != "seed"

    def test_same_seed_same_run(self) -> None:
        """And another seed gives another."""
        assert run(self.make()) == run(self.make())
        assert run(self.make()) != run(self.make(seed=2))

    def test_interleaved_drivers_do_not_disturb_each_other_nor_the_global_generator(self) -> None:
        """All that a driver draws comes from its own seed."""
        alone = run(self.make())
        random.seed(5)
        before = random.getstate()
        one, other = self.make(), self.make(seed=9)
        found: list[tuple[Proposal, Score]] = []
        for _ in range(10):
            found += run(one, generations=1)
            run(other, generations=1)
        assert found == alone
        assert random.getstate() == before

    def test_state_restores_exactly_even_through_json(self) -> None:
        """A resumed search goes on to the same bytes."""
        driver = self.make()
        run(driver, generations=6)
        state = json.loads(json.dumps(driver.state()))
        copy = self.make(seed=77, seeds=[])
        copy.restore(state)
        assert run(copy, generations=4) == run(driver, generations=4)

    def test_state_restores_between_ask_and_tell(self) -> None:
        """Also while proposals are out."""
        driver = self.make()
        run(driver, generations=5)
        proposals = driver.ask(12)
        copy = self.make(seed=3, seeds=[])
        copy.restore(driver.state())
        for each in (driver, copy):
            each.tell(proposals, [Score(hill(proposal.genome)) for proposal in proposals])
        assert run(copy, generations=2) == run(driver, generations=2)

    def test_survives_candidates_without_a_score(self) -> None:
        """Some or all of them."""
        assert len(run(self.make(), objective=lambda genome: None)) == 120
        some = run(
            self.make(), objective=lambda genome: None if genome["engine.long_prefill_threshold"] else hill(genome)
        )
        assert len(some) == 120

    def test_asks_nothing_twice_while_there_is_something_new(self) -> None:
        """A repeated candidate teaches nothing."""
        keys = [json.dumps(proposal.genome, sort_keys=True) for proposal, _ in run(self.make())]
        assert len(set(keys)) == len(keys)

    def test_goes_on_when_the_space_is_exhausted(self) -> None:
        """It may have two points."""
        mapping = {"engine": {"long_prefill_threshold": {"type": "categorical", "choices": [0, 256]}}}
        driver = make_driver(self.name, space_from_mapping(mapping), [], 1, {})
        assert len(run(driver, generations=3, batch=4, objective=lambda genome: 0.0)) == 12

    def test_improves_on_its_seeds(self) -> None:
        """On a smooth hill, in 120 candidates."""
        best = max(score.fitness for _, score in run(self.make()) if score.fitness is not None)
        assert best > max(map(hill, SEEDS)) + 1
