"""The terms of the relative fitness: each a log ratio of two runs, positive if the first is better.

A term is one function of the two runs on the same requests, registered with the weight that it has when nothing is
said; one with weight 0 is reported and does not count. What a term needs of every request beyond an `Outcome`'s own
columns it asks to be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.fleet import instance_us_of_requests
from blis.fitness.outcome import Floats, Keep, Outcome
from blis.fitness.term_kernels import HALVINGS, mean_differences
from blis.plugins import FITNESS, Named
from blis.sums import total


class Common(NamedTuple):
    """The requests of one class that both runs completed, among the scored rows."""

    rows: slice  # where the class stands
    chosen: NDArray[np.bool_]  # [rows] completed in both runs
    share: float  # the class's weight; less if few are chosen, 0 if hardly any


class Pair:
    """Two runs on the same requests: `x` is scored against `b`."""

    def __init__(self, x: Outcome, b: Outcome) -> None:
        """Find what they have in common."""
        self.x, self.b = x, b
        both = x.completed & b.completed
        self.common = self._by_class(both)
        self.answered = self._by_class(x.answered & b.answered)  # with a first token
        self.paced = self._by_class(x.paced & b.paced)  # with a token after the first

    def _by_class(self, chosen: NDArray[np.bool_]) -> list[Common]:
        classes = zip(self.x.scoring.classes, self.x.scoring.class_weights, strict=True)
        return [Common(rows, chosen[rows], weight * _confidence(chosen[rows])) for rows, weight in classes]


class Term(NamedTuple):
    """One term. keep: what it needs of every request, found under the term's name in `Outcome.kept`."""

    of: Callable[[Pair], float]
    weight: float
    keep: Keep | None = None


#: By the name that its weight has in conf/fitness/; the column of candidates.csv is f_<name>.
TERMS = Named[Term]("fitness weight", FITNESS)


def term(name: str, weight: float = 0.0, keep: Keep | None = None) -> Callable[[Callable[[Pair], float]], object]:
    """Decorate a function of a `Pair` to make it a term."""
    return lambda function: TERMS.register(name)(Term(function, weight, keep))


@term("ttft", 0.15)
def ttft(pair: Pair) -> float:
    """Mean log ratio of time to first token."""
    return _mean_ratio(pair.answered, pair.x.log_ttft, pair.b.log_ttft)


@term("tail", 0.20)
def tail(pair: Pair) -> float:
    """Log ratio of the mean of the longest 5 % of times to first token."""
    chosen = pair.x.answered & pair.b.answered
    return _log_ratio(pair.answered, pair.b.worst_ttft_us(chosen), pair.x.worst_ttft_us(chosen))


@term("tpot", 0.10)
def tpot(pair: Pair) -> float:
    """Mean log ratio of time per output token."""
    return _mean_ratio(pair.paced, pair.x.log_tpot, pair.b.log_tpot)


@term("itl", 0.15)
def itl(pair: Pair) -> float:
    """Log ratio of the mean of the longest 5 % of gaps between tokens. TPOT alone hides stalls."""
    chosen = pair.x.paced & pair.b.paced
    return _log_ratio(pair.paced, pair.b.worst_gaps_us(chosen), pair.x.worst_gaps_us(chosen))


@term("e2e", 0.15)
def e2e(pair: Pair) -> float:
    """Mean log ratio of end-to-end latency."""
    return _mean_ratio(pair.common, pair.x.log_e2e, pair.b.log_e2e)


@term("goodput", 0.20)
def goodput(pair: Pair) -> float:
    """Log ratio of requests that met every target, by class."""
    x, b = pair.x, pair.b
    return float(np.dot(x.scoring.class_weights, np.log(x.good_by_class + 0.5) - np.log(b.good_by_class + 0.5)))


@term("fairness", 0.05)
def fairness(pair: Pair) -> float:
    """Log ratio of Jain's index over tenants."""
    return float(np.log(pair.x.fairness) - np.log(pair.b.fairness))


@term("cost", 0.0, keep=instance_us_of_requests)
def cost(pair: Pair) -> float:
    """Log ratio of instance-seconds while requests came."""
    return float(np.log(spent_us(pair.b)) - np.log(spent_us(pair.x)))


def spent_us(run: Outcome) -> float:
    """What a run has paid from the arrival of each scored row until the next one."""
    return max(float(run.kept["cost"].sum()), 1.0)


def _mean_ratio(common: list[Common], x: Floats, b: Floats) -> float:
    """The mean of b - x over the requests of each class, weighted."""
    ends, chosen = np.array([one.rows.stop for one in common]), np.concatenate([one.chosen for one in common])
    means = np.empty(len(common))
    mean_differences(ends, chosen, b, x, np.empty(len(x)), np.empty(HALVINGS), means)
    return total(one.share * float(mean) for one, mean in zip(common, means, strict=True) if one.share > 0)


def _log_ratio(common: list[Common], theirs: Floats, ours: Floats) -> float:
    """The log ratio of a number of each class, weighted; where neither run has one there is none."""
    return total(
        one.share * float(np.log(b) - np.log(x))
        for one, b, x in zip(common, theirs, ours, strict=True)
        if one.share > 0 and (x > 0 or b > 0)
    )


def _confidence(chosen: NDArray[np.bool_]) -> float:
    """0 up to 10 requests, 1 from 20 on: no jump when a class loses its last common request."""
    return min(max((int(np.count_nonzero(chosen)) - 10) / 10, 0.0), 1.0)
