"""Several specifications as one: everybody who sends in any of them, at the rate that they have there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import TypeVar

from blis.errors import InputError
from blis.sums import total
from blis.workload.draw.senders import Client, Population
from blis.workload.draw.spec import WorkloadSpec

S = TypeVar("S", Client, Population)


def composed(specs: Mapping[str, WorkloadSpec]) -> WorkloadSpec:
    """All clients, and the population that one of them has. specs: by the names that errors call them.

    Rates and numbers of requests add up, so that everybody sends as before; a client keeps its id, and so its draws,
    unless another has it already. Prefix groups of one name have one prefix. What a specification says of all who send
    goes to each of its own. Raises InputError by key for what contradicts: two populations, num_requests in some alone,
    different horizons, reuse, one prefix group of two lengths.
    """
    crowded = {name: spec for name, spec in specs.items() if spec.population is not None}
    if len(crowded) > 1:
        raise InputError(f"population: {' and '.join(crowded)} have one each; a specification has one")
    _refuse_reuse(specs)
    drawing = next(iter((crowded or specs).values()))  # whose seed draws the population
    clients = tuple(_clients(specs.values()))
    return WorkloadSpec(
        aggregate_rate=total([spec.aggregate_rate for spec in specs.values()]),
        name="+".join(spec.name or name for name, spec in specs.items()),
        version=_common([spec.version for spec in specs.values()], "2"),
        category=_common([spec.category for spec in specs.values()], ""),
        seed=drawing.seed,
        num_requests=_requests(specs),
        horizon=_horizon(specs),
        clients=clients,
        population=_population(drawing, alone=not clients),
    )


def written_out(spec: WorkloadSpec) -> WorkloadSpec:
    """The same with its clients in it, where a folder of ServeGen's data stands for them."""
    return replace(spec, clients=spec.listed_clients, servegen_data=None)


def _clients(specs: Collection[WorkloadSpec]) -> Iterator[Client]:
    """All of them; who has the id of one before is called `id-2`, and so on."""
    taken: set[str] = set()
    for spec in specs:
        prefixes = spec.group_prefix_tokens()
        senders = zip(spec.listed_clients, spec.sender_names, spec.rate_shares, strict=False)  # less the population
        for client, name, share in senders:
            free = next(one for one in _names(name) if one not in taken)
            taken.add(free)
            yield replace(_at_home(spec, client, share), id=free, prefix_length=prefixes.get(client.prefix_group))


def _population(spec: WorkloadSpec, *, alone: bool) -> Population | None:
    """The population that a specification has, without a weight if it stands alone."""
    if spec.population is None:
        return None
    population = _at_home(spec, spec.population, spec.rate_shares[-1])
    return replace(population, rate_fraction=None) if alone else population


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def _at_home(spec: WorkloadSpec, sender: S, share: float) -> S:
    """A sender with all that its specification says of it; its weight is its requests, or starts of sessions, a second.

    share: that it has of the aggregate rate.
    """
    rates = spec.rates_of(sender)
    return replace(
        sender,
        rate_fraction=share * spec.aggregate_rate,
        rate_over_time=rates and rates.of_any_process() if sender.arrival.cv is None else rates,
        closed_loop=spec.closed_loop(sender) if sender.multi_turn else sender.closed_loop,
    )


def _common(values: Collection[str], otherwise: str) -> str:
    """What all say."""
    return next(iter(values)) if len(set(values)) == 1 else otherwise


def _requests(specs: Mapping[str, WorkloadSpec]) -> int:
    """The number of requests of all together."""
    counts = {name: spec.num_requests for name, spec in specs.items()}
    without = [name for name, number in counts.items() if not number]
    if 0 < len(without) < len(counts):
        raise InputError(f"num_requests: {', '.join(without)} says none, the others do; all must, or none")
    return sum(counts.values())


def _horizon(specs: Mapping[str, WorkloadSpec]) -> int | None:
    """The end that all say."""
    ends = {name: spec.horizon for name, spec in specs.items()}
    if len(set(ends.values())) > 1:
        said = ", ".join(f"{end or 'none'} in {name}" for name, end in ends.items())
        raise InputError(f"horizon: must be the same in all, got {said}")
    return next(iter(ends.values()))


def _refuse_reuse(specs: Mapping[str, WorkloadSpec]) -> None:
    """Prompts that repeat the one so many requests ago would repeat those of others."""
    if mixed := [name for name, spec in specs.items() if spec.reuse]:
        raise InputError(f"reuse: in {' and '.join(mixed)} counts requests of one specification, and cannot be merged")
