"""Requests from a specification: the same specification and seed give the same table, everywhere.

Every purpose has its own random stream (arrivals, lengths of one client, ties, …), so changing one
distribution changes nothing else. Source: workload-and-calibration.md section 6.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_integer, check_number
from blis.sums import total
from blis.tables.origin import Origin
from blis.tables.placement import Placement
from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.copies import intern_copies
from blis.workload.content.tree import InternedContent, intern_prefix_groups
from blis.workload.draw.arrivals import MAX_RATE, MAX_REQUESTS, Source, merged_arrivals
from blis.workload.draw.prompts import Prompts, context_tokens, draw_prompts, rounds_of
from blis.workload.draw.rates import make_clock
from blis.workload.draw.reuse import draw_reuse
from blis.workload.draw.senders import Client, Population
from blis.workload.draw.sessions import Turns
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.draw.streams import Fresh
from blis.workload.draw.turns import Conversations, conversations, over_networks
from blis.workload.draw.who import Names, Who, population_prefix_tokens, who_sends

POPULATION = "population"  # its name among those of clients
PART_LEAD = 1000  # gaps before each stage of a burstiness of its own: it is met in the middle of things


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
    sources = sources_of(spec, spec.aggregate_rate * rate_scale)
    starts_us, number = merged_arrivals([source for _, source in sources], seed, limit, spec.horizon or MAX_TIME_US)
    sender = number if len(sources) == len(spec.senders) else np.array([one for one, _ in sources], np.int32)[number]
    if len(starts_us) == 0:
        raise none_generated(spec)
    return _table(spec, seed, starts_us, sender, limit)


def none_generated(spec: WorkloadSpec) -> InputError:
    """What is wrong with a specification of which nobody comes."""
    horizon = f"the horizon of {spec.horizon} µs" if spec.horizon else "the windows and stages end"
    return InputError(f"0 requests generated: none arrives before {horizon}")


class Drawn(NamedTuple):
    """The requests that arrivals start, in the order of a table."""

    sender: NDArray[np.int32]
    who: Who
    prompts: Prompts
    said_before: NDArray[np.int64]  # tokens of prefix and context
    arrival_us: NDArray[np.int64]
    talks: Conversations | None  # None: nobody has sessions


def _table(
    spec: WorkloadSpec, seed: int, starts_us: NDArray[np.int64], sender: NDArray[np.int32], limit: int | None
) -> RequestTable:
    """The requests that arrivals start, at most `limit`."""
    names = Names.of(spec)
    return assembled(spec, names, Fresh(seed), _first(spec, names, seed, starts_us, sender, limit))


def assembled(spec: WorkloadSpec, names: Names, streams: Fresh, drawn: Drawn) -> RequestTable:
    """The table of requests that have been drawn from these streams."""
    talks, who, prompts = drawn.talks, drawn.who, drawn.prompts
    input_tokens = prompts.own_tokens
    input_tokens += drawn.said_before
    talks = talks and over_networks(spec, talks, drawn.sender, input_tokens, prompts.output_tokens)
    columns: dict[str, Any] = {
        "arrival_us": drawn.arrival_us,
        "input_tokens": input_tokens,
        "output_tokens": prompts.output_tokens,
        "uniform": streams("workload/uniform").random(len(input_tokens)),
        "slo_class": who.slo_class,
        "tenant": who.tenant,
        **(talks.columns() if talks else {}),
    }
    for column in columns.values():
        column.setflags(write=False)  # it is the table's from here on
    return assemble(
        _content(
            spec,
            streams.seed,
            drawn.sender,
            (who.group, who.prefix_tokens, input_tokens, prompts.output_tokens, talks and talks.carried_on),
        ),
        slo_names=names.slo,
        tenant_names=names.tenants,
        session_names=talks.session_names if talks else (),
        placement=who.placement if names.placements != (Placement(),) else None,
        placements=names.placements,
        adapter=who.adapter if names.adapters else None,
        adapter_names=names.adapters,
        origin=_origin(spec, drawn.sender, prompts),
        notes=spec.notes,
        **columns,
    )


def _content(spec: WorkloadSpec, seed: int, sender: NDArray[np.int32], columns: tuple[Any, ...]) -> InternedContent:
    """What prompts share; columns: those of `intern_prefix_groups`."""
    if spec.reuse is None:
        return intern_prefix_groups(*columns)
    return intern_copies(*draw_reuse(spec.reuse, seed, columns[2], sender, spec.sender_names), *columns)


def _first(
    spec: WorkloadSpec,
    names: Names,
    seed: int,
    starts_us: NDArray[np.int64],
    sender: NDArray[np.int32],
    limit: int | None,
) -> Drawn:
    """The first `limit` requests of all starts; no more is drawn than they need."""
    rounds = rounds_of(spec, seed, sender)
    if rounds is not None and limit is None and rounds.sum() > MAX_REQUESTS:
        raise InputError(f"{rounds.sum()} requests of {len(rounds)} arrivals; at most {MAX_REQUESTS} fit in a table")
    if rounds is None or limit is None:
        return draw(spec, names, Fresh(seed), starts_us, sender, rounds, limit)
    count = int(np.searchsorted(np.cumsum(rounds), limit)) + 1
    drawn = draw(spec, names, Fresh(seed), starts_us[:count], sender[:count], rounds[:count], limit)
    # Sessions that start later may come before the last rounds of those.
    last_us = drawn.talks.last_us if drawn.talks else 0
    more = int(np.searchsorted(starts_us, last_us, side="right"))
    if more <= count:
        return drawn
    return draw(spec, names, Fresh(seed), starts_us[:more], sender[:more], rounds[:more], limit)


def draw(
    spec: WorkloadSpec,
    names: Names,
    streams: Fresh,
    starts_us: NDArray[np.int64],
    sender: NDArray[np.int32],
    rounds: NDArray[np.int64] | None,
    limit: int | None,
) -> Drawn:
    """The first `limit` requests of these starts: what they are is drawn, how they hang together follows."""
    who = who_sends(spec, names, streams, sender)
    if rounds is None:
        prompts = draw_prompts(spec, streams, sender, np.ones(len(sender), np.bool_))
        return Drawn(sender, who, prompts, who.prefix_tokens, starts_us, None)
    turns = Turns.of(rounds)
    sender, who = sender[turns.start], who.take(turns.start)
    prompts = draw_prompts(spec, streams, sender, turns.round == 0)
    said_before = who.prefix_tokens + context_tokens(spec, turns, sender, prompts)
    talks = conversations(spec, turns, starts_us, sender, prompts, limit)
    order = talks.order
    return Drawn(sender[order], who.take(order), prompts.take(order), said_before[order], talks.arrival_us, talks)


def _origin(spec: WorkloadSpec, sender: NDArray[np.int32], prompts: Prompts) -> Origin | None:
    """What only reports want to know; None for a population of which nothing is known but its tenants."""
    if not any(isinstance(one, Client) or one.network or one.multimodal or one.reasoning for one in spec.senders):
        return None
    return Origin(
        client=sender,
        client_names=tuple(name or POPULATION for name in spec.sender_names),
        streaming=tuple(isinstance(one, Client) and one.streaming for one in spec.senders),
        networks=tuple(one.between for one in spec.senders),
        modality_tokens=prompts.modality_tokens,
        reason_ratio=prompts.reason_ratio,
    )


def mean_input_tokens(spec: WorkloadSpec) -> float:
    """Expected prompt tokens of an arrival, all rounds of a session together, given the population (its prefixes).

    Exact but for the rounding of lengths to whole tokens and for drawn numbers of rounds. Times
    spec.aggregate_rate it is the mean offered token rate.
    """
    prefixes = spec.group_prefix_tokens()
    return total(
        share * _mean_tokens(spec, one, prefixes) for share, one in zip(spec.rate_shares, spec.senders, strict=True)
    )


def _mean_tokens(spec: WorkloadSpec, one: Client | Population, prefixes: dict[str, int]) -> float:
    """The same of one sender."""
    own = one.input_distribution.mean_tokens if one.multimodal is None else one.multimodal.mean_tokens
    if isinstance(one, Client):
        prefix = float(prefixes.get(one.prefix_group, 0))
    elif one.prefix is None:
        prefix = 0.0
    else:
        prefix = one.prefix.share * float(one.tenants.shares() @ population_prefix_tokens(one, spec.seed))
    if one.multi_turn is None:
        return own + prefix
    return one.multi_turn.mean_prompts_tokens(prefix, own, one.output_distribution.mean_tokens)


def sources_of(spec: WorkloadSpec, rate: float) -> list[tuple[int, Source]]:
    """The arrival processes of all senders, each with its sender's number, and rates in arrivals per second.

    One a sender, or one a stage of those whose burstiness changes with it.
    """
    found = []
    for number, (name, one, share) in enumerate(zip(spec.sender_names, spec.senders, spec.rate_shares, strict=True)):
        stream_name = f"workload/{name}/arrivals" if name else "workload/arrivals"
        rates = spec.rates_of(one)
        parts = rates.parts() if rates and one.arrival.cv is not None else [(1.0, rates)]
        for part, (cv_factor, own_rates) in enumerate(parts):
            part_name, lead = (f"{stream_name}/{part}", PART_LEAD) if len(parts) > 1 else (stream_name, 0)
            clock = make_clock(own_rates, one.lifecycle)
            found.append((number, Source(part_name, one.arrival.scaled(cv_factor), rate * share, clock, lead)))
    return found
