"""Optuna's TPE: the study can be lost at any time, the record of scores cannot."""

import json

import pytest

from search.drivers import make_driver
from search.space.space import space_from_mapping
from search.testing import SEEDS, SPACE, Score, hill, run


def make(seed=1):
    return make_driver("optuna_tpe", SPACE, SEEDS, seed, {"initial": 20})


def test_a_driver_restored_before_every_step_suggests_the_same():
    straight = run(make())
    found, driver = [], make()
    for _ in range(10):
        saved, driver = json.loads(json.dumps(driver.state())), make(seed=8)
        driver.restore(saved)
        proposals = driver.ask(12)
        saved, driver = json.loads(json.dumps(driver.state())), make(seed=9)
        driver.restore(saved)
        scores = [Score(hill(proposal.genome)) for proposal in proposals]
        driver.tell(proposals, scores)
        found += zip(proposals, scores, strict=True)
    assert found == straight


def test_the_model_takes_over_when_there_are_enough_scores():
    origins = [proposal.origin for proposal, _ in run(make(), generations=4)]
    assert origins[:2] == ["seed", "seed"]
    assert origins.count("model") > 35  # where it draws no policy at all, a random one stands in


def test_candidates_without_a_score_do_not_count_as_scores():
    driver = make()
    run(driver, generations=5, objective=lambda genome: None)
    state = driver.state()
    assert (state["scores"], state["running"]) == ([], [])


def test_the_model_switches_weights_off_where_that_is_good():
    weight = "routing.scorers.prefix-affinity"
    driver = make()
    run(driver, generations=4, objective=lambda genome: -genome.get(weight, 1.0))
    found = [proposal.genome for proposal in driver.ask(24) if proposal.origin == "model"]
    assert sum(genome.get(weight) == 0 for genome in found) > 6


LINE = space_from_mapping({"engine": {"max_scheduled_tokens": {"type": "int", "low": 256, "high": 16384, "log": True}}})


@pytest.mark.parametrize("seed", range(3))
def test_what_is_being_evaluated_repels_new_proposals(seed):
    """The same driver goes elsewhere while its last proposals run than when they have failed."""

    def next_proposals(failed):
        driver = make_driver("optuna_tpe", LINE, [], seed, {"initial": 10})
        run(driver, generations=2, objective=lambda genome: -abs(genome["engine.max_scheduled_tokens"] - 4000))
        pending = driver.ask(6)
        if failed:
            driver.tell(pending, [Score(None)] * 6)
        return pending, driver.ask(6)

    (pending, beside), (same, instead) = next_proposals(failed=False), next_proposals(failed=True)
    assert pending == same
    assert beside != instead
