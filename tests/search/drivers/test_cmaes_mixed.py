"""CMA-ES: what it draws is what the space means, and what happened to it can be done again."""

import json

import pytest

from blis.errors import InputError
from search.drivers import make_driver
from search.testing import SEEDS, SPACE, Score, hill, run


def make(seed=1, seeds=SEEDS, **options):
    return make_driver("cmaes", SPACE, seeds, seed, {"initial": 20, **options})


@pytest.mark.parametrize(("generations", "batch"), [(20, 5), (4, 30)])
def test_batches_and_updates_need_not_coincide(generations, batch):
    driver = make(population=7)
    found = run(driver, generations, batch)
    state = json.loads(json.dumps(driver.state()))
    assert 0 < len(state["scored"]) < 7
    assert len(state["log"]) == (sum(proposal.origin == "model" for proposal, _ in found)) // 7
    copy = make(seed=3, seeds=[], population=7)
    copy.restore(state)
    assert run(copy, generations=6, batch=5) == run(driver, generations=6, batch=5)


def test_draws_concentrate_where_scores_are_high():
    found = run(make(), generations=30, batch=24)
    late = [proposal.genome for proposal, _ in found[-120:]]
    assert sum(genome["routing.policy"] == "weighted" for genome in late) > 90
    assert sum(genome["engine.long_prefill_threshold"] == 256 for genome in late) > 90
    budgets = sorted(genome["engine.max_scheduled_tokens"] for genome in late)
    assert 3600 < budgets[30] <= budgets[90] < 4400


def test_choices_start_where_the_best_was():
    driver = make(initial=2)
    driver.tell(driver.ask(2), [Score(-1.0), Score(0.0)])
    draws = [proposal.genome for proposal in driver.ask(120)]
    assert SEEDS[1]["engine.long_prefill_threshold"] == 512
    same = sum(genome["engine.long_prefill_threshold"] == 512 for genome in draws)
    assert 65 < same < 105  # half of the distribution, and a third of the rest


def test_it_starts_only_at_something_with_a_score():
    driver = make()
    run(driver, generations=4, objective=lambda genome: None)
    assert driver.state()["start"] is None
    run(driver, generations=2)
    assert driver.state()["start"] is not None


def test_failed_draws_are_worse_than_the_worst():
    driver = make()
    found = run(driver, 30, 24, lambda genome: None if genome["engine.max_scheduled_tokens"] < 3000 else hill(genome))
    late = [score for _, score in found[-120:]]
    assert sum(score.fitness is None for score in late) < 24
    assert max(score.fitness for score in late if score != Score(None)) > -0.25


@pytest.mark.filterwarnings("error")
def test_equal_scores_are_no_trouble():
    found = run(make(), 20, 24, lambda genome: 0.0)
    assert sum(proposal.origin == "model" for proposal, _ in found) > 400


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match=r"driver.options.population must be in .4, .*, got 2"):
        make(population=2)
