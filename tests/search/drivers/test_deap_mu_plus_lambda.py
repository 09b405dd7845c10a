"""The evolution strategy: step sizes belong to genes, are inherited and shrink near the top."""

from statistics import median

from search.drivers import make_driver
from search.drivers.deap_mu_plus_lambda import LONGEST_STEP, SHORTEST_STEP
from search.testing import SEEDS, SPACE, run

WEIGHT = "routing.scorers.prefix-affinity"  # its top is sharp


def make(seed=1):
    return make_driver("deap_mu_plus_lambda", SPACE, SEEDS, seed, {})


def test_steps_stay_in_their_range_and_differ_between_genes():
    driver = make()
    run(driver, generations=20, batch=24)
    for _, _, steps in driver.state()["population"]:
        assert list(steps) == list(SPACE)
        assert all(SHORTEST_STEP <= step <= LONGEST_STEP for step in steps.values())
        assert len(set(steps.values())) > 2


def test_steps_shrink_towards_the_top():
    for seed in range(1, 4):
        driver = make(seed)
        run(driver, generations=60, batch=24)
        assert median(steps[WEIGHT] for _, _, steps in driver.state()["population"]) < driver.options.first_step / 2


def test_steps_of_what_is_evaluated_are_kept_until_it_is_told():
    driver = make()
    run(driver, generations=6)
    assert driver.state()["inherited"] == {}
    driver.ask(12)
    assert len(driver.state()["inherited"]) > 6
