"""Small situations for templates: some instances and a request, written by hand, and a way to ask a template."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from blis.engine.gateway.records import ASK, VIEW
from blis.policies.admission import ADMISSION
from blis.policies.facts import FACTS
from blis.policies.filters import FILTERS
from blis.policies.registry import Registry
from blis.policies.routing import ROUTING
from blis.policies.scorers import SCORERS
from tests.kernels import callable_kernel


def instances(count: int, *, eligible: ArrayLike = 1, **fields: ArrayLike) -> Any:
    """Instances with these values, all others zero."""
    views = np.zeros(count, VIEW).view(np.recarray)
    views.eligible, views.place = eligible, range(count)
    for name, values in fields.items():
        views[name] = values
    return views


def question(**fields: float) -> Any:
    """A request with these values, all others zero."""
    ask = np.zeros(1, ASK).view(np.recarray)
    ask.retry_after_us = -1
    for name, value in fields.items():
        ask[name] = value
    return ask[0]


@cache
def _dispatcher(registry: Registry) -> Any:
    return callable_kernel(registry.dispatcher())


def _ask(registry: Registry, name: str, given: dict[str, float], *arguments: Any) -> Any:
    """Call a template by its name, with defaults for what is not given."""
    params = np.array([*registry.values(name, given), 0.0])
    return _dispatcher(registry)(registry.code(name), params, *arguments)


def scores_of(scorer: str, views: Any, ask: Any, **given: float) -> list[float]:
    """What a scorer says of the eligible instances."""
    _ask(SCORERS, scorer, given, views, ask)
    return [float(term) for term in views.term[views.eligible > 0]]


def ratings(template: str, views: Any, ask: Any, scorers: Sequence[tuple[str, float]] = (), **given: float) -> Any:
    """What a routing template says of all instances."""
    ask.places = len(views)
    total = sum(weight for _, weight in scorers)
    codes = np.array([SCORERS.code(name) for name, _ in scorers], np.int64)
    weights = np.array([weight / total for _, weight in scorers])
    _ask(ROUTING, template, given, views, ask, codes, weights)
    return [float(score) for score in views.score]


def chosen(template: str, views: Any, ask: Any, **given: float) -> int:
    """The eligible instance that a template puts first, the first of equal ones."""
    scores = ratings(template, views, ask, **given)
    return max((j for j in range(len(views)) if views.eligible[j]), key=lambda j: (scores[j], -j))


def kept(name: str, views: Any, ask: Any, **given: float) -> list[int]:
    """The eligible instances that a filter would keep."""
    _ask(FILTERS, name, given, views, ask)
    return [j for j in range(len(views)) if views.eligible[j] and views.keep[j]]


def admits(policy: str, views: Any, ask: Any, memory: Any = None, **given: float) -> bool:
    """Whether an admission policy lets the request in."""
    if memory is None:
        memory = np.zeros((3, ADMISSION[policy].memory))
    return bool(_ask(ADMISSION, policy, given, memory, views, ask))


def scramble(views: Any, ask: Any, known: frozenset[str], rng: Any) -> None:
    """Put numbers into every field that a template which reads `known` has no business to look at."""
    allowed = [FACTS[fact] for fact in known]
    for fact in FACTS.values():
        for field in sorted({*fact.views} - {field for one in allowed for field in one.views}):
            views[field] = rng.integers(0, 99, len(views))
        for field in sorted({*fact.ask} - {field for one in allowed for field in one.ask}):
            ask[field] = rng.integers(0, 2)
