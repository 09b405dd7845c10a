"""Requests as inference-perf's `shared_prefix` generator sends them: groups of users, a prompt that each group shares.

As kubernetes-sigs/inference-perf had it in 2025 and early 2026: prompts are made once, shuffled once, and sent in turn
for ever; in chats a user's context grows by every question and answer, and its lengths stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.tree import Span, intern_sequences
from blis.workload.draw.streams import stream

#: From the end of a stage to the next one. The generator waits until all are answered; the rest is idle time.
PAUSE_S = 1_000


class Stage(NamedTuple):
    """So many requests a second for so long."""

    rate: float
    seconds: float


class Load(NamedTuple):
    """Requests, and [n] the stage of each: -1 is the warm-up, which is not measured."""

    requests: RequestTable
    stage: NDArray[np.int64]


@dataclass(frozen=True)
class Prompts:
    """Every user has one prompt: the group's prefix and a question. Numbers of tokens."""

    groups: int
    users: int  # of each group
    prefix: int
    question: int
    answer: int
    warm_up: Stage
    stages: Sequence[Stage]
    poisson: bool

    def load(self, seed: int) -> Load:
        """Requests of a seed."""
        random = stream(seed, "inference_perf")
        arrival_us, stage = arrivals([self.warm_up, *self.stages], self.poisson, random)
        spans = [self._spans(row, user) for row, user in enumerate(_in_turn(random, self.groups * self.users, stage))]
        inputs, outputs = np.full(len(stage), self.prefix + self.question), np.full(len(stage), self.answer)
        return Load(_table(spans, arrival_us, inputs, outputs), stage - 1)

    def _spans(self, row: int, user: int) -> list[Span]:
        group = user // self.users
        return [(("group", group), 0, self.prefix), (("user", user), 0, self.question), (("row", row), 0, self.answer)]


@dataclass(frozen=True)
class Chats:
    """Every user talks: a prompt is the group's prefix, all questions and answers so far, and another question.

    question, answer: mean and standard deviation of tokens; a user's are drawn once, from a normal law held between 1
    and the largest. A conversation that would pass `longest_prompt` begins anew.
    """

    groups: int
    users: int  # of each group
    prefix: int
    question: tuple[float, float]
    answer: tuple[float, float]
    largest_answer: int
    longest_prompt: int
    stages: Sequence[Stage]

    def load(self, seed: int) -> Load:
        """Requests of a seed; all count as one stage, as they were published."""
        random, n = stream(seed, "inference_perf"), self.groups * self.users
        arrival_us, stage = arrivals(self.stages, True, random)
        question = _lengths(random, self.question, n, self.longest_prompt - self.prefix)
        answer = _lengths(random, self.answer, n, self.largest_answer)
        said, talk = [0] * n, [0] * n
        spans, inputs, outputs = [], [], []
        for user in _in_turn(random, n, stage):
            if self.prefix + said[user] + question[user] > self.longest_prompt:
                said[user], talk[user] = 0, talk[user] + 1
            inputs.append(self.prefix + said[user] + question[user])
            outputs.append(answer[user])
            said[user] += question[user] + answer[user]
            talked: Span = (("talk", user, talk[user]), 0, said[user])
            spans.append([(("group", user // self.users), 0, self.prefix), talked])
        return Load(_table(spans, arrival_us, inputs, outputs), np.zeros(len(stage), np.int64))


def arrivals(
    stages: Sequence[Stage], poisson: bool, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[n] µs and number of the stage: as many as the rate says, evenly or at times drawn, a pause between stages."""
    times, numbers, begin = [], [], 0.0
    for number, (rate, seconds) in enumerate(stages):
        n = round(rate * seconds)
        times.append(begin + (np.sort(random.uniform(0, seconds, n)) if poisson else np.arange(n) / rate))
        numbers.append(np.full(n, number))
        begin += seconds + PAUSE_S
    return np.rint(np.concatenate(times) * 1e6).astype(np.int64), np.concatenate(numbers)


def _in_turn(random: np.random.Generator, users: int, stage: NDArray[np.int64]) -> list[int]:
    """[n] who sends: all users in an order drawn once, again and again."""
    found: list[int] = np.resize(random.permutation(users), len(stage)).tolist()
    return found


def _lengths(random: np.random.Generator, law: tuple[float, float], n: int, largest: int) -> list[int]:
    drawn: list[int] = np.clip(np.rint(random.normal(*law, n)), 1, largest).astype(int).tolist()
    return drawn


def _table(
    spans: Sequence[Iterable[Span]],
    arrival_us: NDArray[np.int64],
    inputs: Sequence[int] | NDArray[np.int64],
    outputs: ArrayLike,
) -> RequestTable:
    content = intern_sequences(spans, [int(tokens) for tokens in inputs])
    return assemble(content, arrival_us=arrival_us, input_tokens=inputs, output_tokens=outputs)
