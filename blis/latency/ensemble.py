"""The members of an ensemble: a latency model as it could as well have been measured.

A fitted one has draws of its parameters, from resampling its log. On top comes what no log of its own can say: how far
the model is off on requests it has not seen. Each member is faster or slower as a whole by as much, drawn from a normal
distribution in fixed strata, so that members are spread evenly and are the same in every run.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp
from statistics import NormalDist
from typing import TYPE_CHECKING

from blis.latency.standing import standing

if TYPE_CHECKING:
    from blis.config import LatencyModel

_MEAN_TO_SD = 1.2533  # the standard deviation of a normal distribution is so much more than its mean deviation
_GOLDEN = (5**0.5 - 1) / 2  # multiples of it spread evenly, so that a member's speed says nothing of its draw


def member_of(model: LatencyModel, number: int) -> LatencyModel:
    """One member of a model's ensemble, whatever the number; the model itself if it has none."""
    if not model.ensemble:
        return model
    place = number % model.ensemble
    if model.fitted is not None and model.fitted.draws:
        draws = model.fitted.draws
        model = replace(model, parameters=dict(draws[place * len(draws) // model.ensemble % len(draws)]))
    return replace(
        model, ensemble=0, factor=model.factor * _factor(standing(model).error_percent, place, model.ensemble)
    )


def _factor(error_percent: float, place: int, count: int) -> float:
    """How much slower a member is than the model."""
    order = sorted(range(count), key=lambda number: number * _GOLDEN % 1)
    spread = NormalDist(0, max(_MEAN_TO_SD * error_percent / 100, 1e-9))
    return exp(spread.inv_cdf((order.index(place) + 0.5) / count))
