"""What sends the requests of a drawn workload, its population or each of its clients, changed alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from blis.workload.draw.spec import Client, Population
from search.problem.problem import Problem
from search.problem.traffic import Drawn

#: Fields with their new values, of a population or a client.
Changes = Callable[[Population | Client], dict[str, Any]]


def with_sources(problem: Problem, changes: Changes) -> Problem:
    """The problem with every source changed. Raises InputError for a trace, which is what it is."""
    spec = problem.workload
    if spec.population is not None:
        return problem.on(Drawn(replace(spec, population=replace(spec.population, **changes(spec.population)))))
    return problem.on(Drawn(replace(spec, clients=tuple(replace(one, **changes(one)) for one in spec.clients))))
