"""Who sends each arrival: tenant, class, prefix and place, as its client says or as drawn from a population."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.placement import Placement
from blis.workload.draw.senders import Population
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.draw.streams import Fresh, stream
from blis.workload.subset import Places

_CELLS = 4096  # of the unit interval, a power of two: most hold no bound


class Who(NamedTuple):
    """[n] columns, and the names that they index."""

    group: NDArray[np.int32]  # prefix group, -1 without one
    prefix_tokens: NDArray[np.int64]
    slo_class: NDArray[np.int16]
    tenant: NDArray[np.int32]
    placement: NDArray[np.int16]

    def take(self, rows: Places) -> Who:
        """Those of some rows."""
        return Who._make(column[rows] for column in self)


class Names(NamedTuple):
    """What the columns index, in the order of the clients, then the population's."""

    slo: tuple[str, ...]
    tenants: tuple[str, ...]
    groups: tuple[str, ...]  # of clients; the tenants of a population follow
    placements: tuple[Placement, ...]

    @classmethod
    def of(cls, spec: WorkloadSpec) -> Names:
        """All names of a specification, each once."""
        clients, population = spec.listed_clients, spec.population
        slo = [client.slo_class for client in clients]
        tenants = [client.tenant_id for client in clients]
        places = [client.placement for client in clients]
        if population is not None:
            slo += population.classes
            tenants += (f"tenant_{i}" for i in range(population.tenants.count))
            places.append(Placement())
        placements: list[Placement] = []
        for place in places:
            if place not in placements:
                placements.append(place)
        slo_names, tenant_names = tuple(dict.fromkeys(slo)), tuple(dict.fromkeys(tenants))
        return cls(slo_names, tenant_names, tuple(spec.group_prefix_tokens()), tuple(placements))


def who_sends(spec: WorkloadSpec, names: Names, drawn: Fresh, sender: NDArray[np.int32]) -> Who:
    """The columns of arrivals.

    drawn: the streams that they come from. sender: [n] number of each one's client, the population's being the last.
    """
    population = spec.population
    if population is not None and not spec.listed_clients:
        return _drawn(population, spec.seed, names, drawn, len(sender))
    known = _of_clients(spec, names)
    if population is None:
        return known.take(sender)
    rows = np.flatnonzero(sender == len(spec.listed_clients))
    theirs = _drawn(population, spec.seed, names, drawn, len(rows))
    found = Who._make(np.append(column, column[:1])[sender] for column in known)
    for name in Who._fields:
        getattr(found, name)[rows] = getattr(theirs, name)
    return found


def population_prefix_tokens(population: Population, spec_seed: int) -> NDArray[np.int64]:
    """[tenants] length of each tenant's prefix, drawn from the specification's seed; 0 without prefixes."""
    if population.prefix is None:
        return np.zeros(population.tenants.count, np.int64)
    random = stream(spec_seed, "population/prefix_length")
    return population.prefix.length_distribution.sample(random, population.tenants.count)


def _of_clients(spec: WorkloadSpec, names: Names) -> Who:
    """[clients] the columns of every client."""
    prefixes = spec.group_prefix_tokens()
    slo, tenants, groups = map(_numbers, (names.slo, names.tenants, names.groups))
    clients = spec.listed_clients
    return Who(
        np.array([groups.get(client.prefix_group, -1) for client in clients], np.int32),
        np.array([prefixes.get(client.prefix_group, 0) for client in clients], np.int64),
        np.array([slo[client.slo_class] for client in clients], np.int16),
        np.array([tenants[client.tenant_id] for client in clients], np.int32),
        np.array([names.placements.index(client.placement) for client in clients], np.int16),
    )


def _drawn(population: Population, spec_seed: int, names: Names, drawn: Fresh, n: int) -> Who:
    """The arrivals of a population, independent draws one a row."""
    tenant = _draw_index(drawn("workload/tenant"), population.tenants.shares(), n)
    slo_class = _draw_index(drawn("workload/class"), np.array(list(population.classes.values())), n)
    share = population.prefix.share if population.prefix is not None else 0.0
    without = drawn("workload/prefix").random(n) >= share
    group = tenant + np.int32(len(names.groups))
    prefix_tokens = population_prefix_tokens(population, spec_seed).take(tenant)
    group[without], prefix_tokens[without] = -1, 0
    known_tenants, known_classes = _numbers(names.tenants), _numbers(names.slo)
    tenants = np.array([known_tenants[f"tenant_{i}"] for i in range(population.tenants.count)], np.int32)
    classes = np.array([known_classes[name] for name in population.classes], np.int16)
    return Who(
        group=group,
        prefix_tokens=prefix_tokens,
        slo_class=classes.take(slo_class),
        tenant=tenants.take(tenant),
        placement=np.full(n, names.placements.index(Placement()), np.int16),
    )


def _numbers(names: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _draw_index(random: np.random.Generator, shares: NDArray[np.float64], n: int) -> NDArray[np.int32]:
    """[n] independent indices, each drawn with its share."""
    upto = np.cumsum(shares)
    bounds = upto[:-1]
    # Rounding may leave the last bound a little below the largest draw.
    edges = np.searchsorted(bounds, np.arange(_CELLS + 1) / _CELLS * upto[-1], side="right")
    draws = random.random(n)
    sure = np.where(np.diff(edges) == 0, edges[:-1], -1).astype(np.int32)
    index = sure.take((draws * _CELLS).astype(np.int64))
    unsure = np.flatnonzero(index < 0)  # searched for, as a bound lies in their cells
    index[unsure] = np.searchsorted(bounds, draws[unsure] * upto[-1], side="right")
    return index
