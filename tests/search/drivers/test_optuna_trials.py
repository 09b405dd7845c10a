"""A genome as a trial of Optuna's."""

from random import Random

from optuna.trial import TrialState

from search.drivers.optuna_trials import trial_of
from search.testing import SPACE


def test_a_trial_has_the_active_keys_and_the_score():
    genome = SPACE.sample(Random(3))
    trial = trial_of(SPACE, genome, TrialState.COMPLETE, 0.25)
    assert set(trial.params) == set(genome) and trial.value == 0.25


def test_the_neighbour_of_the_smallest_weight_is_zero():
    key = "routing.scorers.queue-depth"
    places = []
    for weight in (0.0, 0.01, 1.0):
        genome = {"routing.policy": "weighted", key: weight}
        places.append(trial_of(SPACE, genome, TrialState.RUNNING).params[key])
    assert places[0] < places[1] == 0 < places[2] == 1
