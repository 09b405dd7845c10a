"""Another mix of SLO classes: twice the weight of the most or of the least urgent one among all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from blis.errors import InputError
from blis.evaluation.slo import class_label
from blis.sums import total
from search.problem.problem import Problem
from search.problem.traffic import Drawn
from search.shifts.sources import listed

FACTOR = 2.0


def with_more_of(problem: Problem, choose: Callable[..., str]) -> Problem:
    """The problem in which the class that `choose` takes by its priority has FACTOR times its weight."""
    spec = listed(problem)
    population = spec.population
    names = [client.slo_class for client in spec.clients] + list(population.classes if population else ())
    chosen = _chosen(problem, names, choose)
    clients = [
        replace(client, rate_fraction=client.rate_fraction * (FACTOR if client.slo_class == chosen else 1))
        for client in spec.clients
    ]
    if population is not None:
        weights = {name: share * (FACTOR if name == chosen else 1) for name, share in population.classes.items()}
        whole = total(weights.values())
        shares = {name: weight / whole for name, weight in weights.items()}
        weight = None if population.rate_fraction is None and not clients else whole * (population.rate_fraction or 1.0)
        population = replace(population, classes=shares, rate_fraction=weight)
    return problem.on(Drawn(replace(spec, clients=tuple(clients), population=population)))


def _chosen(problem: Problem, names: Iterable[str], choose: Callable[..., str]) -> str:
    """The class, the first of equals."""
    known = list(dict.fromkeys(names))
    priorities = {name: problem.scenario.tier(class_label(name)).priority for name in known}
    if len(set(priorities.values())) < 2:
        raise InputError("no class of the requests is more urgent than another")
    return choose(known, key=priorities.__getitem__)


SHIFTS = {
    "more urgent requests": partial(with_more_of, choose=max),
    "more patient requests": partial(with_more_of, choose=min),
}
