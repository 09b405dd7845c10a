"""The contract of a policy template, as tests that anybody can run on their own.

    from blis.policies.scorers import SCORERS
    from blis.testing import TemplateContract

    class TestMine(TemplateContract):
        registry, name = SCORERS, "mine"

Collected by pytest, every `test_` method is a promise that the engine and the search rely on. Templates are called as
Python functions, on random instances and requests.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from blis.engine.gateway.records import ASK, VIEW
from blis.jit import Entry
from blis.policies.facts import ALWAYS, FACTS
from blis.policies.registry import Registry

ROUNDS = 30  # random situations a test
_TENANTS, _MEMORY = 3, 8
_SHARES = ("kv_utilization", "preferred", "choice_1", "choice_2", "picker", "admission", "score", "term")


class TemplateContract:
    """What every compiled template promises: scorers, filters, admission policies, routing templates."""

    registry: ClassVar[Registry]
    name: ClassVar[str]

    def test_it_says_what_it_does(self) -> None:
        """It has a docstring: help and docs show it."""
        assert (self.registry[self.name].function.__doc__ or "").strip()

    def test_parameters_have_sensible_ranges(self) -> None:
        """Defaults and the part worth searching lie within the bounds; ranges on a log scale are above zero."""
        for name, bounds in self.registry[self.name].bounds.items():
            low, high = bounds.span or (bounds.low, bounds.high)
            if bounds.relative_to is None:
                assert bounds.low <= low <= high <= bounds.high, name
            assert bounds.default is None or bounds.low <= bounds.default <= bounds.high, name
            assert not bounds.log or low > 0, name

    def test_it_compiles(self) -> None:
        """It takes what the engine gives it, and needs no memory of its own."""
        Entry(self.registry[self.name].function, keep=False)(*self._arguments(*self._situation(0)))

    def test_it_looks_at_nothing_that_it_does_not_read(self) -> None:
        """Other numbers in fields that `reads` does not name change nothing: nobody fills them in."""
        for seed in range(ROUNDS):
            views, ask = self._situation(seed)
            answer = self._answer(views.copy(), ask.copy())
            self._scramble(views, ask, seed)
            assert self._answer(views, ask) == answer

    def test_who_is_not_eligible_does_not_count(self) -> None:
        """Whatever an instance shows that may not get the request, the others' answers stay."""
        for seed in range(ROUNDS):
            views, ask = self._situation(seed)
            views.eligible[0], views.eligible[-1] = 0, 1
            other = views.copy()
            for field in ("queue_depth", "batch_size", "pending", "in_flight", "in_flight_tokens"):
                other[0][field] = 77
            answers = [self._answer(each, ask.copy()) for each in (views, other)]
            assert _eligible(views, answers[0]) == _eligible(views, answers[1])

    def _situation(self, seed: int) -> tuple[Any, Any]:
        """Random instances, at least one of them eligible, and a request."""
        random = np.random.default_rng(seed)
        views = np.zeros(int(random.integers(2, 6)), VIEW).view(np.recarray)
        ask = np.zeros(1, ASK).view(np.recarray)[0]
        for field in VIEW.names or ():
            views[field] = random.random(len(views)) if field in _SHARES else random.integers(0, 9, len(views))
        for field in ASK.names or ():
            ask[field] = random.random() if field in _SHARES else random.integers(0, 9)
        for flag in ("eligible", "home", "session_home"):
            views[flag] = random.integers(0, 2, len(views))
        views.eligible[random.integers(len(views))] = 1
        ask.tenant, ask.prompt_blocks, ask.block_tokens = ask.tenant % _TENANTS, ask.prompt_blocks + 9, 16
        views.place, ask.places = range(len(views)), len(views)
        return views, ask

    def _scramble(self, views: Any, ask: Any, seed: int) -> None:
        random = np.random.default_rng(seed + ROUNDS)
        known = [ALWAYS, *(FACTS[fact] for fact in self.registry[self.name].reads)]
        for field in {field for fact in FACTS.values() for field in fact.views} - {
            f for one in known for f in one.views
        }:
            views[field] = random.integers(0, 2, len(views))
        for field in {field for fact in FACTS.values() for field in fact.ask} - {f for one in known for f in one.ask}:
            ask[field] = random.integers(0, 2)

    def _arguments(self, views: Any, ask: Any) -> list[Any]:
        bounds = self.registry[self.name].bounds
        parameters = self.registry.values(self.name, {key: b.low for key, b in bounds.items() if b.default is None})
        nothing = np.zeros(0, np.int64), np.zeros(0)
        given = {
            "memory": np.zeros((1 + _TENANTS, _MEMORY)),
            "views": views,
            "ask": ask,
            "codes": nothing[0],
            "weights": nothing[1],
        }
        return [*parameters, *(given[name] for name in self.registry.arguments.split(", "))]

    def _answer(self, views: Any, ask: Any) -> tuple[object, ...]:
        """What a template says: it returns it, or writes it into a field of every view."""
        views.term, views.score, views.keep = 0.0, 0.0, 0
        returned = self.registry[self.name].function(*self._arguments(views, ask))
        if returned is not None:
            return (bool(returned),)
        return tuple(zip(views.term.tolist(), views.score.tolist(), views.keep.tolist(), strict=True))


def _eligible(views: Any, answer: tuple[object, ...]) -> list[object]:
    """The part of an answer about instances that may get the request; one for the request is whole."""
    if len(answer) != len(views):
        return list(answer)
    return [part for part, eligible in zip(answer, views.eligible, strict=True) if eligible]
