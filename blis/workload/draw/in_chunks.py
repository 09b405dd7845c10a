"""Requests from a specification, some at a time: those that `generate` draws at once, however many there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_integer, check_number
from blis.tables.requests import RequestTable
from blis.tables.streams import Chunk, RequestStream
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.draw.arrivals import MAX_RATE, MAX_REQUESTS
from blis.workload.draw.generate import assembled, draw, none_generated, sources_of
from blis.workload.draw.merged import arrivals_in_parts
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.draw.streams import Going
from blis.workload.draw.who import Names, population_prefix_tokens

#: Requests of a chunk, about: so many that a call of numpy costs next to nothing for each.
CHUNK = 2**15


def generate_in_chunks(
    spec: WorkloadSpec, seed: int, n: int | None = None, rate_scale: float = 1.0, size: int = CHUNK
) -> RequestStream:
    """The requests of `generate` with the same arguments. size: of a chunk, about.

    Raises InputError as that does, and for conversations and prompts that repeat earlier ones, which hang on requests
    that are not held any more, and for LoRA adapters.
    """
    check_integer("seed", seed, 0)
    check_number("rate_scale", rate_scale, above=0)
    check_number("aggregate_rate * rate_scale", spec.aggregate_rate * rate_scale, 0, MAX_RATE)
    if n is not None:
        check_integer("n", n, 1, MAX_REQUESTS)
    if spec.reuse is not None:
        raise InputError("reuse: prompts that repeat earlier ones cannot be drawn in chunks")
    for name, one in zip(spec.sender_names, spec.senders, strict=True):
        if one.multi_turn is not None:
            raise InputError(f"{name or 'population'}: reasoning.multi_turn: conversations cannot be drawn in chunks")
        if one.adapters is not None:
            raise InputError(f"{name or 'population'}: adapters: requests for LoRA adapters cannot be drawn in chunks")
    names = Names.of(spec)
    prefix_tokens = _prefix_tokens(spec)
    return RequestStream(patterns(prefix_tokens, names), _chunks(spec, names, seed, n, rate_scale, size))


def patterns(prefix_tokens: NDArray[np.int64], names: Names) -> RequestTable:
    """A row a prefix, and the same rows again, so that all are shared; a row without one if there is none.

    prefix_tokens: of each group, 0 = none.
    """
    groups = np.tile(np.flatnonzero(prefix_tokens > 0), 2)
    groups = groups if len(groups) else np.array([-1])
    tokens = np.where(groups >= 0, prefix_tokens[groups], 0) if len(prefix_tokens) else np.zeros(1, np.int64)
    return assemble(
        intern_prefix_groups(groups, tokens, tokens + 1, np.zeros_like(tokens)),
        arrival_us=np.zeros_like(tokens),
        input_tokens=tokens + 1,
        output_tokens=np.zeros_like(tokens),
        slo_names=names.slo,
        tenant_names=names.tenants,
        placements=names.placements,
    )


def _prefix_tokens(spec: WorkloadSpec) -> NDArray[np.int64]:
    """Of each group: those of the clients, then the tenants of a population."""
    of_clients = np.array([*spec.group_prefix_tokens().values()], np.int64)
    if spec.population is None or spec.population.prefix is None or not spec.population.prefix.share:
        return of_clients
    return np.concatenate([of_clients, population_prefix_tokens(spec.population, spec.seed)])


def _chunks(
    spec: WorkloadSpec, names: Names, seed: int, n: int | None, rate_scale: float, size: int
) -> Iterator[Chunk]:
    """Chunk by chunk, each from streams that go on."""
    sources = sources_of(spec, spec.aggregate_rate * rate_scale)
    senders = np.array([number for number, _ in sources], np.int32)
    limit, streams, first = n or spec.num_requests or None, Going(seed), 0
    prefix_tokens = _prefix_tokens(spec)
    row = np.full(len(prefix_tokens) + 1, -1, np.int32)  # of the patterns, by group; the last is for no group
    row[:-1][prefix_tokens > 0] = np.arange(np.count_nonzero(prefix_tokens))
    parts = arrivals_in_parts(
        [source for _, source in sources], streams, limit, spec.horizon or MAX_TIME_US, min(size, limit or size)
    )
    for starts_us, index in parts:
        drawn = draw(spec, names, streams, starts_us, senders[index], None, None)
        group = np.where(drawn.who.prefix_tokens > 0, drawn.who.group, -1)
        yield Chunk(first, assembled(spec, names, streams, drawn), row[group])
        first += len(starts_us)
    if not first:
        raise none_generated(spec)
