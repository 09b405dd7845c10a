"""A routing decision: eligible instances, filters in order, template, picker (policies.md 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from blis.config import Compat
from tests.oracle.engine import Job
from tests.oracle.memory import Memory
from tests.oracle.scorers import SCORERS, Question, Scores
from tests.oracle.setup import Setup
from tests.oracle.view import View


class Router:
    """Every template is a function that scores the instances left; the picker takes one of them."""

    def __init__(self, setup: Setup, compat: Compat, view: View) -> None:
        """Start without history."""
        self._setup, self._compat, self._view = setup, compat, view
        self._role = "decode"
        self.memory = Memory(setup, compat, view)

    def for_prefills(self) -> Router:
        """The choice of instances that compute prompts for others."""
        setup = self._setup.for_prefills()
        other = Router(setup, self._compat, self._view)
        other._role, other.memory = "prefill", self.memory.for_prefills(setup, self._compat)
        return other

    def choose(self, job: Job, forced: int | None = None) -> tuple[int, Scores]:
        """Return the instance for a request, or the forced one, and the score of each one left by the filters."""
        target, scores, note = self.decide(job, forced)
        note()
        return target, scores

    def decide(self, job: Job, forced: int | None = None) -> tuple[int, Scores, Callable[[], None]]:
        """The same, and what takes note of it."""
        ask = Question(
            job,
            tuple(self._view.eligible(job, self._role)),
            self._view,
            self.memory,
            self.memory.full_blocks(job),
        )
        for name, given in self._setup.filters:
            ask = replace(ask, among=FILTERS[name](ask, given) or ask.among)
        scores = self._scores(ask)
        target = self._pick(ask, scores) if forced is None else forced
        return target, scores, partial(self.memory.routed, job, self.memory.is_cold(job, ask.among), target)

    def _scores(self, ask: Question) -> Scores:
        if self._setup.routing == "weighted":
            return self._weighted(ask)
        if self._setup.routing == "round-robin":
            return self._round_robin(ask)
        if self._setup.routing == "lmetric":
            return self._lmetric(ask)
        return TEMPLATES[self._setup.routing](ask, self._setup.routing_parameters)

    def _weighted(self, ask: Question) -> Scores:
        """Composite of the scorers, in their order; the weights are divided by their sum first."""
        total = 0.0
        for _, weight in self._setup.scorers:  # one after the other: `sum` rounds otherwise from Python 3.12 on
            total += weight
        composite = dict.fromkeys(ask.among, 0.0)
        for name, weight in self._setup.scorers:
            given = self._setup.scorer_parameters.get(name, {})
            for j, score in self._scorer(name)(replace(ask, given=given)).items():
                composite[j] += min(max(score, 0.0), 1.0) * (weight / total)
        return composite

    def _scorer(self, name: str) -> Callable[[Question], Scores]:
        """What a name means; the original knows no other precise prefix cache than the one of April 2026."""
        old = name == "precise-prefix-cache" and self._compat.min_max_precise
        return SCORERS["precise-prefix-cache-2026-04" if old else name]

    def _round_robin(self, ask: Question) -> Scores:
        """Instances take turns; the next one is taken if the one whose turn it is has not been left."""
        pool = self._view.pool(self._role)
        return {j: -((pool.index(j) - self.memory.decisions) % len(pool)) for j in ask.among}

    def _lmetric(self, ask: Question) -> Scores:
        """New prefill tokens times batch size."""

        def new_tokens(j: int) -> int:
            matched = ask.memory.matched_blocks(j, ask.job)
            return max(ask.job.prompt_tokens - ask.memory.block_tokens * matched, 1)

        return {j: -(new_tokens(j) * (ask.view.load(j) + 1)) for j in ask.among}

    def _pick(self, ask: Question, scores: Scores) -> int:
        if self._setup.picker == "weighted-random":
            return _pick_by_weight(ask, scores)
        best = [j for j in ask.among if scores[j] == max(scores.values())]
        at_random = self._setup.tie_break == "random" and not self._compat.first_of_ties
        return best[int(ask.job.request.uniform * len(best))] if at_random else best[0]


def _pick_by_weight(ask: Question, scores: Scores) -> int:
    """Draw an instance with a probability that grows with its score."""
    number, total = ask.job.request.draws["picker"], 0.0
    for j in ask.among:
        total += scores[j]
    if total == 0.0:
        return ask.among[int(number * len(ask.among))]
    reached = 0.0
    for j in ask.among:
        reached += scores[j]
        if reached > number * total:
            return j
    return ask.among[-1]


# -- templates with nothing but the question and their parameters


def _only(ask: Question, target: int) -> Scores:
    """1 for the instance a template has chosen itself, 0 for the others."""
    return {j: float(j == target) for j in ask.among}


def _least_loaded(ask: Question, _: Mapping[str, float]) -> Scores:
    return {j: -ask.view.load(j) for j in ask.among}


def _always_busiest(ask: Question, _: Mapping[str, float]) -> Scores:
    return {j: ask.view.load(j) for j in ask.among}


def _prefix_affinity(ask: Question, _: Mapping[str, float]) -> Scores:
    home = ask.memory.prefix_home(ask.job)
    return {j: 1 if j == home else -ask.view.load(j) for j in ask.among}


def _session_affinity(ask: Question, given: Mapping[str, float]) -> Scores:
    home, spill_load = ask.memory.session_home(ask.job), given.get("spill_load", 64)
    loads = {j: ask.view.load(j) for j in ask.among}
    return {j: 1 if j == home and load < spill_load else -load for j, load in loads.items()}


def _power_of_two(ask: Question, _: Mapping[str, float]) -> Scores:
    among, draws = list(ask.among), ask.job.request.draws
    a = among.pop(int(draws["choice-1"] * len(among)))
    if not among:
        return _only(ask, a)
    b = among[int(draws["choice-2"] * len(among))]
    return _only(ask, b if ask.view.load(b) < ask.view.load(a) else a)


def _random(ask: Question, _: Mapping[str, float]) -> Scores:
    return _only(ask, ask.among[int(ask.job.request.draws["choice-1"] * len(ask.among))])


TEMPLATES: dict[str, Callable[[Question, Mapping[str, float]], Scores]] = {
    "least-loaded": _least_loaded,
    "always-busiest": _always_busiest,
    "prefix-affinity": _prefix_affinity,
    "prefix-affinity-exact": _prefix_affinity,  # the router's memory knows which homes there are
    "session-affinity": _session_affinity,
    "power-of-two": _power_of_two,
    "random": _random,
}


# -- filters: those that stay


def _sticky(ask: Question, given: Mapping[str, float]) -> tuple[int, ...]:
    """Instances that know most of the prompt, unless they are far more loaded than the others."""
    needed = given.get("threshold", 0.8) * ask.full_blocks
    knowing = [j for j in ask.among if ask.memory.matched_blocks(j, ask.job) >= needed]
    if ask.full_blocks == 0 or not knowing:
        return ()
    least_knowing = min(ask.view.in_flight_tokens(j) for j in knowing)
    least = min(ask.view.in_flight_tokens(j) for j in ask.among)
    penalty_ms = (least_knowing - least) / given.get("prefill_tokens_per_s", 20480.0) * 1000.0
    return ask.among if penalty_ms > given.get("max_queueing_penalty_ms", 14000.0) else tuple(knowing)


def _short_queues(ask: Question, given: Mapping[str, float]) -> tuple[int, ...]:
    return tuple(j for j in ask.among if ask.view.queue_depth(j) <= given.get("max_waiting", 128))


FILTERS: dict[str, Callable[[Question, Mapping[str, float]], tuple[int, ...]]] = {
    "prefix-affinity": _sticky,
    "load": _short_queues,
}
