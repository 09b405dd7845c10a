"""What sends the requests of a drawn workload, its population and each of its clients, changed alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from blis.errors import InputError
from blis.workload.draw.senders import Client, Population
from blis.workload.draw.spec import WorkloadSpec
from search.problem.problem import Problem
from search.problem.traffic import Drawn

#: Fields with their new values, of a population or a client.
Changes = Callable[[Population | Client], dict[str, Any]]


def with_sources(problem: Problem, changes: Changes) -> Problem:
    """The problem with every source changed. Raises InputError for a trace, which is what it is."""
    spec = listed(problem)
    clients = tuple(replace(one, **changes(one)) for one in spec.clients)
    population = None if spec.population is None else replace(spec.population, **changes(spec.population))
    return problem.on(Drawn(replace(spec, clients=clients, population=population)))


def listed(problem: Problem) -> WorkloadSpec:
    """The specification of a drawn workload. Raises InputError if others than its own lines say who sends."""
    spec = problem.workload
    if spec.servegen_data is not None:
        raise InputError("servegen_data says who sends, and is what it is")
    return spec
