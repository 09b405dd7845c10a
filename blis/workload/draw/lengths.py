"""How long prompts and outputs are: distributions by name, each with its parameters, draws and mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_number, unknown_name
from blis.plugins import WORKLOADS, Named
from blis.workload.assemble import MAX_TOKENS

Params = dict[str, float]


class LengthLaw(NamedTuple):
    """One kind of distribution, before rounding and clipping to [min, max].

    sample: (generator, params, how many) -> values. mean: (params, low, high) -> mean after clipping to [low, high].
    above: parameters with the number that they must be larger than; without one they must not be negative.
    """

    required: tuple[str, ...]
    sample: Callable[[np.random.Generator, Params, int], NDArray[np.float64]]
    mean: Callable[[Params, float, float], float]
    optional: tuple[str, ...] = ()
    above: Mapping[str, float] = MappingProxyType({})


#: name -> law. Source: workload-and-calibration.md section 8; log_uniform: default-problem.md section 1.
LENGTH_LAWS = Named[LengthLaw]("type", WORKLOADS)


def _gaussian_mean(params: Params, low: float, high: float) -> float:
    """Mean of a clipped normal variable: both tails moved to the bounds, the middle from its truncated density."""
    mean, deviation = params["mean"], params["std_dev"]
    if deviation == 0:
        return min(max(mean, low), high)

    def below(x: float) -> float:
        return 0.5 * math.erfc((mean - x) / (deviation * math.sqrt(2)))

    def density(x: float) -> float:
        return math.exp(-0.5 * ((x - mean) / deviation) ** 2) / math.sqrt(2 * math.pi)

    middle = mean * (below(high) - below(low)) - deviation * (density(high) - density(low))
    return low * below(low) + high * (1 - below(high)) + middle


LENGTH_LAWS.register("constant")(
    LengthLaw(
        required=("value",),
        sample=lambda _random, params, n: np.full(n, math.trunc(params["value"]), np.float64),
        mean=lambda params, _low, _high: math.trunc(params["value"]),
    )
)
LENGTH_LAWS.register("exponential")(
    LengthLaw(
        required=("mean",),
        optional=("min", "max"),
        above={"mean": 0},
        sample=lambda random, params, n: random.standard_exponential(n) * params["mean"],
        mean=lambda params, low, high: (
            low + params["mean"] * (math.exp(-low / params["mean"]) - math.exp(-high / params["mean"]))
        ),
    )
)
LENGTH_LAWS.register("gaussian")(
    LengthLaw(
        required=("mean", "std_dev", "min", "max"),
        sample=lambda random, params, n: random.standard_normal(n) * params["std_dev"] + params["mean"],
        mean=_gaussian_mean,
    )
)
LENGTH_LAWS.register("log_uniform")(
    LengthLaw(
        required=("min", "max"),
        above={"min": 0},
        sample=lambda random, params, n: params["min"] * (params["max"] / params["min"]) ** random.random(n),
        mean=lambda _params, low, high: (high - low) / math.log(high / low) if high > low else low,
    )
)


@dataclass(frozen=True)
class Distribution:
    """A distribution of token counts: whole numbers >= 1, within [min, max] where these are given.

    type: a name of LENGTH_LAWS. params: its numbers; min and max count whole tokens, values outside are
    moved to the bound. Values are rounded to the nearest whole number.
    """

    type: str
    params: Params

    def __post_init__(self) -> None:
        """Check the names, that all numbers are finite and not negative, and 1 <= max >= min."""
        law = LENGTH_LAWS[self.type]
        for name in self.params:
            if name not in law.required + law.optional:
                raise unknown_name(f"parameter of {self.type}", name, law.required + law.optional)
        for name in law.required:
            if name not in self.params:
                raise InputError(f"params.{name} is missing; {self.type} needs {', '.join(law.required)}")
        for name, value in self.params.items():
            check_number(f"params.{name}", value, 1 if name in ("value", "max") else 0, MAX_TOKENS)
        for name, limit in law.above.items():
            check_number(f"params.{name}", self.params[name], above=limit)
        if self.params.get("min", 0) > self.params.get("max", math.inf):
            raise InputError(f"params.min {self.params['min']:g} is above params.max {self.params['max']:g}")

    @property
    def _bounds(self) -> tuple[int, int]:
        return max(1, math.trunc(self.params.get("min", 1))), math.trunc(self.params.get("max", MAX_TOKENS))

    def sample(self, random: np.random.Generator, n: int) -> NDArray[np.int64]:
        """[n] token counts. The first k of n draws are the same for every n >= k."""
        values = LENGTH_LAWS[self.type].sample(random, self.params, n)
        return np.clip(np.rint(values), *self._bounds).astype(np.int64)

    @property
    def mean_tokens(self) -> float:
        """The mean, exact but for the rounding to whole tokens (less than half a token)."""
        return float(LENGTH_LAWS[self.type].mean(self.params, *self._bounds))
