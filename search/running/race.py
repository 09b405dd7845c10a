"""Which candidates need not see all tables: those that are worse than the front, tested pair by pair on what they saw.

A candidate meets the tables block by block, every block as large as all before it together, and is stopped after
one if its scores lie below the front's on the same tables by more than chance and a band explain. The front is the
mean of the best few that saw everything. On each table these are chosen by their scores on the others, else they
would look too good there and equals would be stopped (tests/search/running/test_race.py).

The error is that of all looks at one candidate together, shared equally among them (Bonferroni): at most that share
of candidates that are as good as the front less the band is stopped. It rests on differences that are about normal,
and spread as those of the best that saw everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from search.config import RaceSettings
from search.running.evaluation import OK, STOPPED, Evaluation

#: The front is the mean of so many.
FRONT = 4

#: So many of the next best say how far scores against the front spread from table to table.
SPREAD = 32

#: Nobody is stopped before so many saw everything: nobody knows how good is good, or what is chance.
LEAST = 8

#: With fewer tables there is little to save, and the front on one of them rests on too few others.
LEAST_TABLES = 4


class Race:
    """The front as it stands before a generation, and the test against it."""

    def __init__(self, settings: RaceSettings, scores: NDArray[np.float64]) -> None:
        """scores: [candidates, tables] of those that saw everything, at least LEAST."""
        self.front = front_of(scores)
        self.blocks = blocks(len(self.front))
        next_best = np.argsort(-scores.mean(axis=1), kind="stable")[FRONT : FRONT + SPREAD]  # they are not in it
        self._spread = float(np.sqrt((scores[next_best] - self.front).var(axis=1, ddof=1).mean()))
        self._quantile = NormalDist().inv_cdf(1 - settings.error / max(1, len(self.blocks) - 1))
        self._band = settings.band

    def stops(self, scores: Sequence[float]) -> bool:
        """Whether one with these scores on the first tables is worse than the front."""
        allowed = self._band + self._quantile * self._spread / len(scores) ** 0.5
        return len(scores) < len(self.front) and self._behind(scores) > allowed

    def judged(self, found: Evaluation) -> Evaluation:
        """What is kept of one that was not seen on all tables: STOPPED, unless it failed.

        Its fitness is what it would be if it were as far behind the front on the other tables.
        """
        seen, tables = len(found.seed_values), len(self.front)
        if seen == tables:
            return found
        found = replace(found, seed_values=(*found.seed_values, *[None] * (tables - seen)))
        if found.status != OK:
            return found
        values = [value for value in found.seed_values if value is not None]
        estimate = float(self.front.mean()) - self._behind(values)
        return replace(found, status=STOPPED, reason=f"stopped after {seen} of {tables} tables", fitness=estimate)

    def _behind(self, scores: Sequence[float]) -> float:
        """By how much the front is better, in the mean over the tables of these scores."""
        return float(np.mean(self.front[: len(scores)] - np.array(scores)))


def make_race(settings: RaceSettings | None, evaluations: Sequence[Evaluation]) -> Race | None:
    """The race against the best of these; None if there is to be none, or nobody knows yet what good is."""
    distinct = {one.genome_id: one.seed_values for one in evaluations if one.status == OK}
    if settings is None or len(distinct) < LEAST or len(next(iter(distinct.values()))) < LEAST_TABLES:
        return None
    return Race(settings, np.array(list(distinct.values()), dtype=np.float64))


def front_of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """[tables] the mean of the best few of [candidates, tables], on each table chosen by the other ones."""
    elsewhere = scores.sum(axis=1, keepdims=True) - scores
    best = np.argsort(-elsewhere, axis=0, kind="stable")[:FRONT]
    return np.asarray(np.take_along_axis(scores, best, axis=0).mean(axis=0))


def blocks(tables: int) -> list[slice]:
    """The tables in their order: one, one, two, four, … and what is left."""
    ends = [1]
    while ends[-1] < tables:
        ends.append(min(2 * ends[-1], tables))
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
