"""What a search knows of a candidate, made of its scores on tables and in other worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from search.problem.aim import AIMS
from search.problem.problem import Score
from search.running.performance import Failure

OK, STOPPED, INVALID, FAILED = "ok", "stopped", "invalid", "failed"


@dataclass(frozen=True)
class Evaluation:
    """What is known of one candidate: the mean over the seeds, and every seed. None where there is no score.

    Where there are other worlds, `fitness` and `objectives` are what the problem's aim makes of all of them. Of a
    candidate that a race stopped, everything is of the tables that it saw, and `fitness` is an estimate for all.
    """

    genome_id: str
    status: str  # OK, STOPPED by a race, INVALID (no policy at all) or FAILED (no score); why is in `reason`
    reason: str = ""
    fitness: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    undone: float | None = None
    harm: float | None = None
    seed_values: tuple[float | None, ...] = ()
    objectives: tuple[float, ...] = ()  # mean over the seeds, to be made small; named by the problem's fitness
    worlds: Mapping[str, float | None] = field(default_factory=dict)  # the mean over the seeds in each other one

    @property
    def nominal(self) -> float | None:
        """The mean over the seeds in the world as it is."""
        known = [value for value in self.seed_values if value is not None]
        return _mean(known) if self.status == OK else None


def mean_evaluation(policy_id: str, scores: Sequence[Score | Failure]) -> Evaluation:
    """The mean over the tables; one without a score leaves the candidate without one."""
    values = tuple(None if isinstance(score, Failure) else float(score.value) for score in scores)
    failures = [score for score in scores if isinstance(score, Failure)]
    if failures:
        return Evaluation(policy_id, FAILED, failures[0].reason, seed_values=values)
    numbers = [score for score in scores if not isinstance(score, Failure)]
    return Evaluation(
        policy_id,
        OK,
        fitness=_mean([score.value for score in numbers]),
        terms={name: _mean([score.terms[name] for score in numbers]) for name in numbers[0].terms},
        undone=_mean([score.undone for score in numbers]),
        harm=_mean([score.harm for score in numbers]),
        seed_values=values,
        objectives=tuple(map(_mean, zip(*(score.objectives for score in numbers), strict=True))),
    )


def over_worlds(aim: str, here: Evaluation, elsewhere: Mapping[str, Evaluation]) -> Evaluation:
    """One evaluation of those in the world as it is and in others; without a score in one of them there is none."""
    worlds = {name: one.fitness for name, one in elsewhere.items()}
    reasons = [here.reason, *(f"under {name}: {one.reason}" for name, one in elsewhere.items() if one.reason)]
    scores = [score for score in (here.fitness, *worlds.values()) if score is not None]
    if len(scores) <= len(worlds):
        reason = next(filter(None, reasons))
        return Evaluation(here.genome_id, FAILED, reason, seed_values=here.seed_values, worlds=worlds)
    losses = zip(here.objectives, *(one.objectives for one in elsewhere.values()), strict=True)
    objectives = tuple(-AIMS[aim]([-loss for loss in column]) for column in losses)
    return replace(here, fitness=AIMS[aim](scores), objectives=objectives, worlds=worlds)


def _mean(values: Sequence[float]) -> float:
    """The arithmetic mean, summed in the order of the seeds."""
    return float(np.mean(np.array(values, dtype=np.float64)))
