"""Conversations: how many rounds, how long between them, and how the context grows from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_choice, check_integer
from blis.workload.content.chains import ranges
from blis.workload.draw.lengths import CountDistribution, Distribution, PercentDistribution
from blis.workload.draw.streams import stream

ACCUMULATE = "accumulate"
GROWTHS = (ACCUMULATE, "none", "")  # the last two: every prompt stands for itself
MAX_ROUNDS = 10_000
OPEN_LOOP_US = 1  # that an open loop takes an output token to last
_TRIED = 4096  # draws for the moments of a number of rounds


@dataclass(frozen=True)
class MultiTurn:
    """Every arrival is the start of a session, whose rounds follow one another.

    max_rounds: of every session, or the most that rounds_distribution may draw. think_time_us: between an answer and
    the next question, 0 if left out, or drawn in µs from think_time_distribution. context_growth: `accumulate` puts
    all earlier prompts and answers before each prompt.
    """

    max_rounds: int
    think_time_us: int | None = None
    context_growth: str = ""
    rounds_distribution: Distribution | None = None
    think_time_distribution: CountDistribution | None = None

    def __post_init__(self) -> None:
        """Check the ranges and the growth."""
        check_integer("max_rounds", self.max_rounds, 1, MAX_ROUNDS)
        if self.think_time_us is not None:
            check_integer("think_time_us", self.think_time_us, 0, MAX_TIME_US)
            if self.think_time_distribution is not None:
                raise InputError("think_time_us and think_time_distribution both say how long; one of them must go")
        check_choice("context_growth", self.context_growth, GROWTHS)

    @property
    def accumulates(self) -> bool:
        """Whether a prompt begins with all that was said before."""
        return self.context_growth == ACCUMULATE

    def rounds(self, random: np.random.Generator, n: int) -> NDArray[np.int64]:
        """[n] numbers of rounds. The first k of n draws are the same for every n >= k."""
        if self.rounds_distribution is None:
            return np.full(n, self.max_rounds)
        return np.minimum(self.rounds_distribution.sample(random, n), self.max_rounds)

    def think_us(self, random: np.random.Generator, n: int) -> NDArray[np.int64]:
        """[n] pauses. The first k of n draws are the same for every n >= k."""
        if self.think_time_distribution is None:
            return np.full(n, self.think_time_us or 0)
        return self.think_time_distribution.sample(random, n)

    def mean_prompts_tokens(self, prefix: float, own: float, output: float) -> float:
        """Of all prompts of a session together, for such mean lengths; drawn numbers of rounds are tried out."""
        rounds = self.rounds(stream(0, "rounds"), _TRIED).astype(np.float64)
        grown = (own + output) * rounds * (rounds - 1) / 2 if self.accumulates else 0.0
        return float(np.mean(rounds * (prefix + own) + grown))


@dataclass(frozen=True)
class Reasoning:
    """Outputs of which a part is reasoning, and conversations.

    reason_ratio_distribution: percentage of a request's output that is reasoning; it is recorded.
    """

    reason_ratio_distribution: PercentDistribution | None = None
    multi_turn: MultiTurn | None = None

    def __post_init__(self) -> None:
        """Check that something is said."""
        if self.reason_ratio_distribution is None and self.multi_turn is None:
            raise InputError("reason_ratio_distribution or multi_turn must be given; without them nothing is said")


class Turns(NamedTuple):
    """The requests of all starts, start by start and round by round; of a start without a session there is one."""

    start: NDArray[np.int64]  # [n] number of the start
    round: NDArray[np.int64]  # [n]

    @classmethod
    def of(cls, rounds: NDArray[np.int64]) -> Turns:
        """From the number of rounds of every start."""
        return cls(np.repeat(np.arange(len(rounds)), rounds), ranges(np.zeros_like(rounds), rounds))

    def sums_before(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """[n] of each request, the sum over the earlier rounds of its session."""
        upto = np.cumsum(values) - values
        opens = np.flatnonzero(self.round == 0)
        return upto - np.repeat(upto[opens], np.diff(opens, append=len(values)))
