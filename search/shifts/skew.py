"""Who sends how much: tenants, and with them their prefixes, that are more or less unequal."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from search.problem.problem import Problem
from search.problem.traffic import Drawn
from search.shifts.sources import listed

#: On the exponent of the tenants' shares, which stays at 0 or above: the strong sibling of the default problem.
STEP = 0.4


def with_skew(problem: Problem, step: float) -> Problem:
    """The problem with another exponent of the tenants' shares; of clients, shares that go by rank as well."""
    spec = listed(problem)
    population = spec.population
    if population is not None:
        zipf = round(max(0.0, population.tenants.zipf + step), 9)
        population = replace(population, tenants=replace(population.tenants, zipf=zipf))
    order = sorted(range(len(spec.clients)), key=lambda i: (-spec.clients[i].rate_fraction, i))
    clients = [
        replace(client, rate_fraction=client.rate_fraction * (order.index(i) + 1) ** -step)
        for i, client in enumerate(spec.clients)
    ]
    return problem.on(Drawn(replace(spec, clients=tuple(clients), population=population)))


SHIFTS = {
    "prefix skew weaker": partial(with_skew, step=-STEP),
    "prefix skew stronger": partial(with_skew, step=STEP),
}
