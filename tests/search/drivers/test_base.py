"""What all drivers share: seeds first, one stream, and something new for as long as there is something."""

from random import Random

from search.drivers.base import FRESH_ATTEMPTS, SEED, Options, Proposal, SeededDriver
from search.space.space import space_from_mapping
from search.testing import SEEDS, SPACE


class Stubborn(SeededDriver):
    """Proposes one genome over and over."""

    favourite = SEEDS[0]
    attempts = 0

    def _propose(self):
        self.attempts += 1
        return Proposal(self.favourite, "stubborn")

    def tell(self, proposals, evaluations):
        """Nothing to learn."""


def make(seed=1, seeds=()):
    return Stubborn(SPACE, seeds, seed, Options())


def test_what_was_asked_before_is_proposed_again_only_so_often():
    driver = make()
    (first,) = driver.ask(1)
    assert first == (SEEDS[0], "stubborn")
    (second,) = driver.ask(1)
    assert (second.origin, driver.attempts) == ("random", 1 + FRESH_ATTEMPTS)
    assert SPACE.flaw(second.genome) is None


def test_a_seed_counts_as_asked():
    driver = make(seeds=SEEDS)
    assert [proposal.origin for proposal in driver.ask(2)] == [SEED, SEED]
    (third,) = driver.ask(1)
    assert third.origin == "random"


def test_seeds_are_copied():
    seeds = [dict(SEEDS[0])]
    driver = make(seeds=seeds)
    seeds[0]["engine.max_scheduled_tokens"] = 1
    assert driver.ask(1)[0].genome == SEEDS[0]


def test_the_stream_is_the_seeds_and_no_ones_else():
    draws = {make(seed).rng.random() for seed in range(50)}
    assert len(draws) == 50
    assert make(7).rng.random() == make(7).rng.random() != Random(7).random()


def test_a_space_with_one_point_left_is_asked_again():
    space = space_from_mapping({"engine": {"long_prefill_threshold": {"type": "categorical", "choices": [0, 256]}}})
    driver = Stubborn(space, [], 1, Options())
    driver.favourite = {"engine.long_prefill_threshold": 0}
    genomes = [proposal.genome["engine.long_prefill_threshold"] for proposal in driver.ask(20)]
    assert genomes[0] == 0 and set(genomes) == {0, 256}


def test_the_last_new_point_of_a_space_is_found():
    knob = {"type": "int", "low": 1, "high": 20}
    driver = Stubborn(space_from_mapping({"engine": {"max_running": knob}}), [], 1, Options())
    driver.favourite = {"engine.max_running": 1}
    assert {proposal.genome["engine.max_running"] for proposal in driver.ask(20)} == set(range(1, 21))
