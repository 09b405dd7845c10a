"""How long prompts and outputs are: distributions by name, each with its parameters, draws and mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_integer, check_number, unknown_name
from blis.plugins import WORKLOADS, Named
from blis.workload.assemble import MAX_TOKENS

Params = dict[str, float]

#: Parameters of all laws that have them: what is drawn, and the bounds that it is moved to.
DRAWN = ("value", "min", "max")


class LengthLaw(NamedTuple):
    """One kind of distribution, before rounding and clipping to [min, max].

    sample: (generator, params, how many) -> values. mean: (params, low, high) -> mean after clipping to [low, high].
    above: parameters with the number that they must be larger than; without one they must not be negative.
    within: parameters of another range than numbers of tokens have. bins: the parameters are token counts with their
    weights, instead of names. scaled: (params, factor) -> params of so many times the tokens; None: each parameter is
    a number of tokens.
    """

    required: tuple[str, ...]
    sample: Callable[[np.random.Generator, Params, int], NDArray[np.float64]]
    mean: Callable[[Params, float, float], float]
    optional: tuple[str, ...] = ()
    above: Mapping[str, float] = MappingProxyType({})
    within: Mapping[str, tuple[float, float]] = MappingProxyType({})
    bins: bool = False
    scaled: Callable[[Params, float], Params] | None = None


#: name -> law. Source: workload-and-calibration.md section 8; log_uniform: default-problem.md section 1.
LENGTH_LAWS = Named[LengthLaw]("type", WORKLOADS)


def _gaussian_mean(params: Params, low: float, high: float) -> float:
    """Mean of a clipped normal variable: both tails moved to the bounds, the middle from its truncated density."""
    mean, deviation = params["mean"], params["std_dev"]
    if deviation == 0:
        return min(max(mean, low), high)

    def below(x: float) -> float:
        return _below((x - mean) / deviation)

    def density(x: float) -> float:
        return math.exp(-0.5 * ((x - mean) / deviation) ** 2) / math.sqrt(2 * math.pi)

    middle = mean * (below(high) - below(low)) - deviation * (density(high) - density(low))
    return low * below(low) + high * (1 - below(high)) + middle


def _pareto_mean(alpha: float, least: float, low: float, high: float) -> float:
    """Mean of a clipped Pareto variable: its lower bound, and the chance of more above it, summed up to the upper."""
    start = min(max(low, least), high)
    if alpha == 1:
        return start + least * math.log(high / start)
    return start + least**alpha * (start ** (1 - alpha) - high ** (1 - alpha)) / (alpha - 1)


def _lognormal_mean(mu: float, sigma: float, low: float, high: float) -> float:
    """Mean of a clipped lognormal variable: both tails moved to the bounds, the middle as it is."""
    if sigma == 0:
        return min(max(math.exp(mu), low), high)
    under, over = ((math.log(bound) - mu) / sigma if bound > 0 else -math.inf for bound in (low, high))
    middle = math.exp(mu + sigma**2 / 2) * (_below(over - sigma) - _below(under - sigma))
    return low * _below(under) + high * _below(-over) + middle


def _below(z: float) -> float:
    """The chance that a standard normal variable is below z."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _pareto_lognormal_mean(params: Params, low: float, high: float) -> float:
    pareto = _pareto_mean(params["alpha"], params["xm"], low, high)
    return params["mix_weight"] * pareto + (1 - params["mix_weight"]) * _lognormal_mean(
        params["mu"], params["sigma"], low, high
    )


def _pareto_lognormal(random: np.random.Generator, params: Params, n: int) -> NDArray[np.float64]:
    """A generator for each of choice, tail and body, so that more draws are a continuation."""
    choice, tail, body = random.spawn(3)
    with np.errstate(over="ignore"):  # of both laws are drawn, one is taken; what is infinite is clipped
        pareto = params["xm"] * np.exp(tail.standard_exponential(n) / params["alpha"])
        lognormal = np.exp(params["mu"] + params["sigma"] * body.standard_normal(n))
    return np.where(choice.random(n) < params["mix_weight"], pareto, lognormal)


def _scaled_pareto_lognormal(params: Params, factor: float) -> Params:
    tokens = scaled_tokens({name: params[name] for name in ("xm", "min", "max") if name in params}, factor)
    return params | tokens | {"mu": round(params["mu"] + math.log(factor), 9)}


def scaled_tokens(params: Params, factor: float) -> Params:
    """Of numbers of tokens; what must be whole is rounded down."""
    scaled = {name: round(value * factor, 9) for name, value in params.items()}
    return {name: float(math.trunc(value)) if name in DRAWN else value for name, value in scaled.items()}


def _scaled_bins(params: Params, factor: float) -> Params:
    """Counts that are the same after rounding are one."""
    scaled: Params = {}
    for tokens, weight in params.items():
        name = str(round(int(tokens) * factor))
        scaled[name] = scaled.get(name, 0.0) + weight
    return scaled


def _bins(params: Params) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Token counts in order, and the share of the draws up to each."""
    tokens = sorted(params, key=int)
    upto = np.cumsum([params[name] for name in tokens])
    return np.array([float(name) for name in tokens]), upto / upto[-1]


def _empirical(random: np.random.Generator, params: Params, n: int) -> NDArray[np.float64]:
    return _below_share(params, random.random(n))


def _below_share(params: Params, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    tokens, upto = _bins(params)
    return tokens[np.searchsorted(upto[:-1], shares, side="right")]


def _empirical_mean(params: Params, low: float, high: float) -> float:
    tokens, upto = _bins(params)
    return float(np.clip(tokens, low, high) @ np.diff(upto, prepend=0.0))


LENGTH_LAWS.register("constant")(
    LengthLaw(
        required=("value",),
        sample=lambda _random, params, n: np.full(n, params["value"], np.float64),
        mean=lambda params, _low, _high: params["value"],
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
LENGTH_LAWS.register("pareto_lognormal")(
    LengthLaw(
        required=("alpha", "xm", "mu", "sigma", "mix_weight"),
        optional=("min", "max"),
        above={"alpha": 0, "xm": 0},
        within={"alpha": (0, MAX_TOKENS), "mu": (-100, 100), "sigma": (0, 100), "mix_weight": (0, 1)},
        sample=_pareto_lognormal,
        mean=_pareto_lognormal_mean,
        scaled=_scaled_pareto_lognormal,
    )
)
LENGTH_LAWS.register("empirical")(
    LengthLaw(required=(), sample=_empirical, mean=_empirical_mean, bins=True, scaled=_scaled_bins)
)


@dataclass(frozen=True)
class Distribution:
    """A distribution of token counts: whole numbers >= 1, within [min, max] where these are given.

    type: a name of LENGTH_LAWS. params: its numbers; value, min and max are whole, values outside are
    moved to the bound. Values are rounded to the nearest whole number.
    """

    type: str
    params: Params

    #: The least and the largest value that is ever drawn, and whether only whole ones are.
    least: ClassVar[int] = 1
    most: ClassVar[int] = MAX_TOKENS
    whole: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the names, that all numbers are finite and in range, and least <= max >= min."""
        law = LENGTH_LAWS[self.type]
        if law.bins:
            self._check_bins()
            return
        for name in self.params:
            if name not in law.required + law.optional:
                raise unknown_name(f"parameter of {self.type}", name, law.required + law.optional)
        for name in law.required:
            if name not in self.params:
                raise InputError(f"params.{name} is missing; {self.type} needs {', '.join(law.required)}")
        for name, value in self.params.items():
            low = self.least if name in ("value", "max") else 0
            check_number(f"params.{name}", value, *law.within.get(name, (low, self.most)))
            if self.whole and name in DRAWN and value != math.trunc(value):
                raise InputError(f"params.{name} must be a whole number, got {value:g}")
        for name, limit in law.above.items():
            check_number(f"params.{name}", self.params[name], above=limit)
        if self.params.get("min", 0) > self.params.get("max", math.inf):
            raise InputError(f"params.min {self.params['min']:g} is above params.max {self.params['max']:g}")

    def _check_bins(self) -> None:
        """Check that the parameters are whole numbers of tokens, each once, with weights that sum to more than 0."""
        for name, weight in self.params.items():
            if not (name.isascii() and name.isdigit()):
                raise InputError(f"params: {self.type} has token counts as keys, whole numbers, got {name!r}")
            check_integer(f"params: the key {name}", int(name), self.least, self.most)
            check_number(f"params.{name}", weight, 0)
        if len({int(name) for name in self.params}) < len(self.params):
            raise InputError("params: a token count is given twice")
        if not sum(self.params.values()) > 0:
            raise InputError(f"params: the weights of {self.type} must sum to more than 0")

    @property
    def _bounds(self) -> tuple[float, float]:
        return max(self.least, self.params.get("min", self.least)), self.params.get("max", self.most)

    def sample(self, random: np.random.Generator, n: int) -> NDArray[np.int64]:
        """[n] token counts. The first k of n draws are the same for every n >= k."""
        values = np.rint(LENGTH_LAWS[self.type].sample(random, self.params, n))
        return np.clip(values, *self._bounds, out=values).astype(np.int64)

    def at(self, shares: NDArray[np.float64]) -> NDArray[np.int64]:
        """[n] token counts below which so large shares of the draws are; of bins only."""
        return np.clip(_below_share(self.params, shares), *self._bounds).astype(np.int64)

    @property
    def mean_tokens(self) -> float:
        """The mean, exact but for the rounding to whole tokens (less than half a token)."""
        return float(LENGTH_LAWS[self.type].mean(self.params, *self._bounds))


class CountDistribution(Distribution):
    """A distribution of whole numbers that may be 0: images of a prompt, µs of thought."""

    least: ClassVar[int] = 0


class PercentDistribution(CountDistribution):
    """A distribution of percentages, not rounded; what is drawn above 100 counts as 100."""

    most: ClassVar[int] = 100
    whole: ClassVar[bool] = False

    def shares(self, random: np.random.Generator, n: int) -> NDArray[np.float64]:
        """[n] shares in [0, 1]. The first k of n draws are the same for every n >= k."""
        return np.clip(LENGTH_LAWS[self.type].sample(random, self.params, n), *self._bounds) / 100
