"""Requests from a specification: the same specification and seed give the same table, everywhere.

Every purpose has its own random stream (arrivals, lengths of one client, ties, …), so changing one
distribution changes nothing else. Source: workload-and-calibration.md section 6.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_integer, check_number
from blis.sums import total
from blis.tables.placement import Placement
from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.draw.arrivals import MAX_RATE, MAX_REQUESTS, Source, merged_arrivals
from blis.workload.draw.spec import Population, WorkloadSpec
from blis.workload.draw.streams import stream


class _Columns(NamedTuple):
    """What differs between clients and a population: [n] columns and the names that they index."""

    group: NDArray[np.int64]  # prefix group, -1 without one
    prefix_tokens: NDArray[np.int64]
    own_tokens: NDArray[np.int64]  # of the prompt, after the prefix
    output_tokens: NDArray[np.int64]
    slo_class: NDArray[np.int64]
    tenant: NDArray[np.int64]
    slo_names: tuple[str, ...]
    tenant_names: tuple[str, ...]
    placement: NDArray[np.int64] | None = None
    placements: tuple[Placement, ...] = (Placement(),)


def generate(spec: WorkloadSpec, seed: int, n: int | None = None, rate_scale: float = 1.0) -> RequestTable:
    """A table of requests.

    seed: the table's, >= 0; spec.seed only fixes the population. n: how many requests instead of
    spec.num_requests. rate_scale: factor on the arrival rate; it changes arrival times and nothing else.
    Raises InputError for numbers out of range and if no request arrives before the horizon.
    """
    check_integer("seed", seed, 0)
    check_number("rate_scale", rate_scale, above=0)
    check_number("aggregate_rate * rate_scale", spec.aggregate_rate * rate_scale, 0, MAX_RATE)
    if n is not None:
        check_integer("n", n, 1, MAX_REQUESTS)
    limit = n or spec.num_requests or None
    sources = _sources(spec, spec.aggregate_rate * rate_scale)
    arrival_us, source = merged_arrivals(sources, seed, limit, spec.horizon or MAX_TIME_US)
    if len(arrival_us) == 0:
        raise InputError(f"0 requests generated: none arrives before the horizon of {spec.horizon} µs")
    if spec.population is not None:
        columns = _population_columns(spec.population, spec.seed, seed, len(arrival_us))
    else:
        columns = _client_columns(spec, seed, source)
    input_tokens = columns.prefix_tokens + columns.own_tokens
    return assemble(
        intern_prefix_groups(columns.group, columns.prefix_tokens, input_tokens, columns.output_tokens),
        arrival_us=arrival_us,
        input_tokens=input_tokens,
        output_tokens=columns.output_tokens,
        uniform=stream(seed, "workload/uniform").random(len(arrival_us)),
        slo_class=columns.slo_class,
        tenant=columns.tenant,
        slo_names=columns.slo_names,
        tenant_names=columns.tenant_names,
        placement=columns.placement,
        placements=columns.placements,
    )


def mean_input_tokens(spec: WorkloadSpec) -> float:
    """Expected prompt tokens per request, given the specification's population (its prefix lengths).

    Exact but for the rounding of lengths to whole tokens; no draws but the population's. Times
    spec.aggregate_rate it is the mean offered token rate.
    """
    if spec.population is not None:
        own = spec.population.input_distribution.mean_tokens
        if spec.population.prefix is None:
            return own
        prefix_tokens = population_prefix_tokens(spec.population, spec.seed)
        return own + spec.population.prefix.share * float(spec.population.tenants.shares() @ prefix_tokens)
    prefixes = spec.group_prefix_tokens()
    whole = total(client.rate_fraction for client in spec.clients)
    return total(
        client.rate_fraction / whole * (client.input_distribution.mean_tokens + prefixes.get(client.prefix_group, 0))
        for client in spec.clients
    )


def population_prefix_tokens(population: Population, spec_seed: int) -> NDArray[np.int64]:
    """[tenants] length of each tenant's prefix, drawn from the specification's seed; 0 without prefixes."""
    if population.prefix is None:
        return np.zeros(population.tenants.count, np.int64)
    random = stream(spec_seed, "population/prefix_length")
    return population.prefix.length_distribution.sample(random, population.tenants.count)


def _sources(spec: WorkloadSpec, rate: float) -> list[Source]:
    """The arrival processes of a specification, with their rates in requests per second."""
    if spec.population is not None:
        return [Source("workload/arrivals", spec.population.arrival, rate)]
    whole = total(client.rate_fraction for client in spec.clients)
    return [
        Source(f"workload/{name}/arrivals", client.arrival, rate * client.rate_fraction / whole)
        for name, client in zip(spec.client_names, spec.clients, strict=True)
    ]


def _population_columns(population: Population, spec_seed: int, seed: int, n: int) -> _Columns:
    """The requests of a population, independent draws one a row."""
    tenant = _draw_index(stream(seed, "workload/tenant"), population.tenants.shares(), n)
    shares = np.array(list(population.classes.values()))
    share = population.prefix.share if population.prefix is not None else 0.0
    carries = stream(seed, "workload/prefix").random(n) < share
    return _Columns(
        group=np.where(carries, tenant, -1),
        prefix_tokens=np.where(carries, population_prefix_tokens(population, spec_seed)[tenant], 0),
        own_tokens=population.input_distribution.sample(stream(seed, "workload/input"), n),
        output_tokens=population.output_distribution.sample(stream(seed, "workload/output"), n),
        slo_class=_draw_index(stream(seed, "workload/class"), shares, n),
        tenant=tenant,
        slo_names=tuple(population.classes),
        tenant_names=tuple(f"tenant_{i}" for i in range(population.tenants.count)),
    )


def _client_columns(spec: WorkloadSpec, seed: int, source: NDArray[np.int64]) -> _Columns:
    """The requests of clients; source: [n] index of the client that sends each row."""
    own_tokens, output_tokens = np.empty(len(source), np.int64), np.empty(len(source), np.int64)
    for i, (name, client) in enumerate(zip(spec.client_names, spec.clients, strict=True)):
        rows = np.flatnonzero(source == i)
        own_tokens[rows] = client.input_distribution.sample(stream(seed, f"workload/{name}/input"), len(rows))
        output_tokens[rows] = client.output_distribution.sample(stream(seed, f"workload/{name}/output"), len(rows))
    prefixes = spec.group_prefix_tokens()
    groups = list(prefixes)
    group = [groups.index(client.prefix_group) if client.prefix_group else -1 for client in spec.clients]
    prefix_tokens = [prefixes.get(client.prefix_group, 0) for client in spec.clients]
    slo_names = tuple(dict.fromkeys(client.slo_class for client in spec.clients))
    tenant_names = tuple(dict.fromkeys(client.tenant_id for client in spec.clients))
    placements: list[Placement] = []
    for client in spec.clients:
        if client.placement not in placements:
            placements.append(client.placement)
    placement = np.array([placements.index(client.placement) for client in spec.clients])[source]
    return _Columns(
        group=np.array(group)[source],
        prefix_tokens=np.array(prefix_tokens)[source],
        own_tokens=own_tokens,
        output_tokens=output_tokens,
        slo_class=np.array([slo_names.index(client.slo_class) for client in spec.clients])[source],
        tenant=np.array([tenant_names.index(client.tenant_id) for client in spec.clients])[source],
        slo_names=slo_names,
        tenant_names=tenant_names,
        placement=placement if placements != [Placement()] else None,
        placements=tuple(placements),
    )


def _draw_index(random: np.random.Generator, shares: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """[n] independent indices, each drawn with its share."""
    bounds = np.cumsum(shares)
    # Rounding may leave the last bound a little below the largest draw.
    return np.searchsorted(bounds[:-1], random.random(n) * bounds[-1], side="right")
