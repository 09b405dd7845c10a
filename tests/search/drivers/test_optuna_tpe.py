"""Optuna's TPE: the study can be lost at any time, the record of scores cannot."""

import json

from search.drivers import make_driver
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
