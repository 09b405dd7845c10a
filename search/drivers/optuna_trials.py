"""Genomes as Optuna knows them: trials whose parameters are coordinates of the search space."""

from __future__ import annotations

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from search.space.parameters import Category, Number, Parameter, Value, is_free
from search.space.space import Genome, Space

Coordinate = float | int


def trial_of(space: Space, genome: Genome, state: TrialState, score: float | None = None) -> optuna.trial.FrozenTrial:
    """A genome as a trial of a study."""
    keys = [key for key in genome if is_free(space.parameters[key])]
    return optuna.trial.create_trial(
        state=state,
        value=score,
        params={key: _coordinate(space.parameters[key], genome[key]) for key in keys},
        distributions={key: _distribution(space.parameters[key]) for key in keys},
    )


def _distribution(parameter: Parameter) -> BaseDistribution:
    """The range of a parameter's coordinate; categories go by their place in the list.

    A weight that may be zero is zero below coordinate 0, on as wide a stretch as zero is likely: zero is the
    neighbour of the smallest weights, which is what it means to a router.
    """
    if isinstance(parameter, Category):
        return CategoricalDistribution(range(len(parameter.choices)))
    assert isinstance(parameter, Number)
    return FloatDistribution(-zero_width(parameter), 1.0)


def _coordinate(parameter: Parameter, value: Value) -> Coordinate:
    """The coordinate of a value."""
    if isinstance(parameter, Category):
        return parameter.choices.index(value)
    assert isinstance(parameter, Number)
    return parameter.place(float(value)) if value or not parameter.zero_probability else -zero_width(parameter) / 2


def zero_width(parameter: Number) -> float:
    """How far the coordinate reaches below 0: a uniform draw is there as often as `sample` draws a zero."""
    return parameter.zero_probability / (1 - parameter.zero_probability)
