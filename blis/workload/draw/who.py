"""Who sends each arrival: tenant, class, prefix, place, adapter, as its client says or as drawn from a population."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.placement import Placement
from blis.workload.draw.prompts import Streams, rows_of_senders
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
    adapter: NDArray[np.int32]  # -1: the base model

    def take(self, rows: Places) -> Who:
        """Those of some rows."""
        return Who._make(column[rows] for column in self)


class Names(NamedTuple):
    """What the columns index, in the order of the clients, then the population's."""

    slo: tuple[str, ...]
    tenants: tuple[str, ...]
    groups: tuple[str, ...]  # of clients; the tenants of a population follow
    placements: tuple[Placement, ...]
    adapters: tuple[str, ...]

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
        adapters = dict.fromkeys(name for one in spec.senders if one.adapters for name in one.adapters.names)
        return cls(slo_names, tenant_names, tuple(spec.group_prefix_tokens()), tuple(placements), tuple(adapters))


def who_sends(spec: WorkloadSpec, names: Names, drawn: Fresh, sender: NDArray[np.int32]) -> Who:
    """The columns of arrivals.

    drawn: the streams that they come from. sender: [n] number of each one's client, the population's being the last.
    """
    return _with_adapters(spec, names, drawn, sender, _without_adapters(spec, names, drawn, sender))


def _with_adapters(spec: WorkloadSpec, names: Names, drawn: Fresh, sender: NDArray[np.int32], who: Who) -> Who:
    """The same with the adapters of those who ask for any."""
    if not names.adapters:
        return who
    number, adapter = _numbers(names.adapters), np.full(len(sender), -1, np.int32)
    tenant = _places_in_population(spec, names)[who.tenant]
    for one, rows, _ in rows_of_senders(sender, len(spec.senders)):
        if (adapters := spec.senders[one].adapters) is not None:
            own = np.array([*map(number.__getitem__, adapters.names), -1], np.int32)
            streams = Streams(drawn, spec.sender_names[one])
            adapter[rows] = own[adapters.draw(streams("adapter"), tenant[rows])]
    return who._replace(adapter=adapter)


def _places_in_population(spec: WorkloadSpec, names: Names) -> NDArray[np.int32]:
    """[tenants] which of the population's each is; 0 for those of clients alone."""
    found, number = np.zeros(len(names.tenants), np.int32), _numbers(names.tenants)
    for i in range(spec.population.tenants.count if spec.population else 0):
        found[number[f"tenant_{i}"]] = i
    return found


def _without_adapters(spec: WorkloadSpec, names: Names, drawn: Fresh, sender: NDArray[np.int32]) -> Who:
    """The columns as if all were for the base model."""
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
        np.full(len(clients), -1, np.int32),
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
        adapter=np.full(n, -1, np.int32),
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
