"""The contract of every driver: a new one joins these tests by its line in DRIVERS."""

import json
import math
import random
from typing import NamedTuple

import pytest

from blis.errors import InputError
from search.drivers import DRIVERS, make_driver
from search.space.space import space_from_mapping

SPACE = space_from_mapping(
    {
        "routing": {
            "policy": {"type": "categorical", "choices": ["round-robin", "weighted"]},
            "scorers": {
                "prefix-affinity": {"type": "zero_or", "low": 0.01, "high": 1, "when": {"routing.policy": "weighted"}},
                "queue-depth": {"type": "zero_or", "low": 0.01, "high": 1, "when": {"routing.policy": "weighted"}},
            },
        },
        "engine": {
            "max_scheduled_tokens": {"type": "int", "low": 256, "high": 16384, "log": True},
            "long_prefill_threshold": {"type": "categorical", "choices": [0, 256, 512]},
        },
    }
)
SEEDS = [
    {"routing.policy": "round-robin", "engine.max_scheduled_tokens": 2048, "engine.long_prefill_threshold": 0},
    {
        "routing.policy": "weighted",
        "routing.scorers.prefix-affinity": 1.0,
        "routing.scorers.queue-depth": 0.0,
        "engine.max_scheduled_tokens": 300,
        "engine.long_prefill_threshold": 512,
    },
]


class Score(NamedTuple):
    fitness: float | None

    @property
    def objectives(self):
        """The score alone: then a search for compromises looks for the best score too."""
        return (-self.fitness,)


def hill(genome):
    """A smooth function with its top, 0, at weights .3 and .1, a budget of 4000 and a threshold of 256."""
    if genome["routing.policy"] != "weighted":
        return -5.0
    value = -abs(math.log(genome["engine.max_scheduled_tokens"] / 4000))
    value -= genome["engine.long_prefill_threshold"] != 256
    for name, top in (("prefix-affinity", 0.3), ("queue-depth", 0.1)):
        value -= abs(math.log(max(genome[f"routing.scorers.{name}"], 0.003) / top))
    return value


def run(driver, generations=10, batch=12, objective=hill):
    found = []
    for _ in range(generations):
        proposals = driver.ask(batch)
        scores = [Score(objective(proposal.genome)) for proposal in proposals]
        driver.tell(proposals, scores)
        found += zip(proposals, scores, strict=True)
    return found


@pytest.fixture(params=sorted(DRIVERS))
def make(request):
    return lambda seed=1, seeds=SEEDS: make_driver(request.param, SPACE, seeds, seed, {})


class TestDriver:
    def test_ask_gives_as_many_valid_genomes_as_asked(self, make):
        for proposal, _ in run(make()):
            genome = proposal.genome
            assert list(genome) == [key for key in SPACE if SPACE.is_active(key, genome)]
            assert SPACE.flaw(genome) is None
            for key, value in genome.items():
                assert SPACE.parameters[key].nearest(value) == value

    def test_seeds_come_first_and_in_order(self, make):
        driver = make()
        asked = driver.ask(1) + driver.ask(2)
        assert [proposal.genome for proposal in asked[:2]] == SEEDS
        assert [proposal.origin for proposal in asked[:2]] == ["seed", "seed"]
        assert asked[2].origin != "seed"

    def test_same_seed_same_run(self, make):
        assert run(make()) == run(make())
        assert run(make()) != run(make(seed=2))

    def test_interleaved_drivers_do_not_disturb_each_other_nor_the_global_generator(self, make):
        alone = run(make())
        random.seed(5)
        before = random.getstate()
        one, other = make(), make(seed=9)
        found = []
        for _ in range(10):
            found += run(one, generations=1)
            run(other, generations=1)
        assert found == alone
        assert random.getstate() == before

    def test_state_restores_exactly_even_through_json(self, make):
        driver = make()
        run(driver, generations=6)
        state = json.loads(json.dumps(driver.state()))
        copy = make(seed=77, seeds=[])
        copy.restore(state)
        assert run(copy, generations=4) == run(driver, generations=4)

    def test_state_restores_between_ask_and_tell(self, make):
        driver = make()
        run(driver, generations=5)
        proposals = driver.ask(12)
        copy = make(seed=3, seeds=[])
        copy.restore(driver.state())
        for each in (driver, copy):
            each.tell(proposals, [Score(hill(proposal.genome)) for proposal in proposals])
        assert run(copy, generations=2) == run(driver, generations=2)

    def test_survives_candidates_without_a_score(self, make):
        found = run(make(), objective=lambda genome: None)
        assert len(found) == 120
        some = run(make(), objective=lambda genome: None if genome["engine.long_prefill_threshold"] else hill(genome))
        assert len(some) == 120

    def test_asks_nothing_twice_while_there_is_something_new(self, make):
        keys = [json.dumps(proposal.genome, sort_keys=True) for proposal, _ in run(make())]
        assert len(set(keys)) == len(keys)

    def test_goes_on_when_the_space_is_exhausted(self):
        mapping = {"engine": {"long_prefill_threshold": {"type": "categorical", "choices": [0, 256]}}}
        for name in DRIVERS:
            driver = make_driver(name, space_from_mapping(mapping), [], 1, {})
            found = run(driver, generations=3, batch=4, objective=lambda genome: 0.0)
            assert len(found) == 12

    def test_improves_on_its_seeds(self, make):
        best = max(score.fitness for _, score in run(make()))
        assert best > max(hill(seed) for seed in SEEDS) + 1


def best_of_runs(name, seeds=3, generations=20):
    runs = [run(make_driver(name, SPACE, SEEDS, seed, {}), generations, 24) for seed in range(seeds)]
    return [max(score.fitness for _, score in found) for found in runs]


@pytest.fixture(scope="module")
def best_of_random():
    return max(best_of_runs("random"))


@pytest.mark.parametrize("name", sorted(set(DRIVERS) - {"random"}))
def test_every_driver_that_learns_beats_random_search(name, best_of_random):
    worst = min(best_of_runs(name))
    assert worst > best_of_random
    assert worst > -0.25


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_nothing_is_printed(name, capfd):
    run(make_driver(name, SPACE, SEEDS, 1, {}), generations=2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", sorted(DRIVERS))
@pytest.mark.parametrize(
    "mapping",
    [
        {"engine": {"max_running": {"type": "int", "low": 16, "high": 512}}},
        {
            "routing": {
                "policy": {"type": "categorical", "choices": ["weighted"]},
                "scorers": {
                    "queue-depth": {"type": "zero_or", "low": 1, "high": 1},
                    "load-balance": {"type": "float", "low": 0, "high": 1},
                },
            },
            "engine": {"max_running": {"type": "int", "low": 64, "high": 64}},
        },
    ],
    ids=["one number", "single values"],
)
def test_small_and_degenerate_spaces(name, mapping):
    space = space_from_mapping(mapping)
    driver = make_driver(name, space, [], 1, {"initial": 5} if name != "random" else {})
    for proposal, _ in run(driver, 4, 24, lambda genome: float(list(genome.values())[-1])):
        assert list(proposal.genome) == list(space)
        assert space.flaw(proposal.genome) is None


def test_wrong_names_and_options_are_refused():
    with pytest.raises(InputError, match=r"unknown driver.name 'deap' \(did you mean 'deap_ga'\?\)"):
        make_driver("deap", SPACE, [], 1, {})
    with pytest.raises(InputError, match="unknown key 'populaton'"):
        make_driver("deap_ga", SPACE, [], 1, {"populaton": 3})
    with pytest.raises(InputError, match=r"driver.options.crossover must be in \[0, 1\], got 2"):
        make_driver("deap_ga", SPACE, [], 1, {"crossover": 2})
