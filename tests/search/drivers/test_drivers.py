"""The contract of every driver, which a new one joins by being registered, and what ours promise beyond it."""

import pytest

from blis.errors import InputError
from search.drivers import DRIVERS, make_driver
from search.space.space import space_from_mapping
from search.testing import SEEDS, SPACE, DriverContract, run

for _name in DRIVERS:
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (DriverContract,), {"name": _name})


def best_of_runs(name, seeds=3, generations=20):
    runs = [run(make_driver(name, SPACE, SEEDS, seed, {}), generations, 24) for seed in range(seeds)]
    return [max(score.fitness for _, score in found) for found in runs]


@pytest.fixture(scope="module")
def best_of_random():
    return max(best_of_runs("random"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "optuna_tpe" else ())
        for name in sorted(set(DRIVERS) - {"random"})
    ],
)
def test_every_driver_that_learns_beats_random_search(name, best_of_random):
    worst = min(best_of_runs(name))
    assert worst > best_of_random
    assert worst > -0.3


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


@pytest.mark.parametrize(
    ("name", "smallest"), [("deap_ga", 2), ("deap_mu_plus_lambda", 2), ("deap_nsga2", 5), ("cmaes", 4)]
)
def test_the_smallest_population_that_is_taken_learns(name, smallest):
    driver = make_driver(name, SPACE, SEEDS, 1, {"population": smallest, "initial": 12})
    later = [proposal.origin for proposal, _ in run(driver)][24:]
    assert later.count("random") < len(later) / 2
    with pytest.raises(InputError, match=rf"driver.options.population must be in .{smallest},"):
        make_driver(name, SPACE, SEEDS, 1, {"population": smallest - 1})


def test_wrong_names_and_options_are_refused():
    with pytest.raises(InputError, match=r"unknown driver.name 'deap' \(did you mean 'deap_ga'\?\)"):
        make_driver("deap", SPACE, [], 1, {})
    with pytest.raises(InputError, match="unknown key 'populaton'"):
        make_driver("deap_ga", SPACE, [], 1, {"populaton": 3})
    with pytest.raises(InputError, match=r"driver.options.crossover must be in \[0, 1\], got 2"):
        make_driver("deap_ga", SPACE, [], 1, {"crossover": 2})
