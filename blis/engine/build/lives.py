"""The lives of instances, settled before the run: from who fails when to all turns, the router's beliefs among them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from blis.config import LONGEST_US, Compat, Failures, Outage, Retries, Scenario
from blis.engine.build.arrays import listed, room
from blis.engine.gateway.records import FAILS, FOUND_OFFLINE, FOUND_ONLINE, LIFE, SERVES
from blis.engine.records import HEAP, NEVER_US
from blis.engine.world import Array
from blis.errors import InputError
from blis.tables.requests import RequestTable


class Span(NamedTuple):
    """A time of one instance, from an instant to before another."""

    instance: int
    from_us: int
    to_us: int


def check_lives(scenario: Scenario, compat: Compat) -> None:
    """Raise InputError where instances are to fail or to come in a run like the original's, which knows of neither."""
    for name in ("failures", "autoscaling"):
        if getattr(scenario.cluster, name).any and compat != Compat():
            raise InputError(f"cluster.{name}: the original knows no such thing; leave compat out, or cluster.{name}")


def planned(scenario: Scenario, table: RequestTable) -> list[Outage]:
    """Who fails when and for how long: what is scheduled, and what is drawn.

    Drawn from the seed and the table alone, for each instance by itself, from the first request until the last one
    comes, as far as that is known: all policies meet the same failures.
    """
    failures, instances = scenario.cluster.failures, scenario.cluster.places
    if not failures.mtbf_us:
        return list(failures.scheduled)
    start_us = table.first_arrival_us
    end_us = min(scenario.horizon_us or NEVER_US, int(table.soonest_us.max(initial=0)), LONGEST_US)
    if (end_us - start_us) * instances > _MOST * failures.mtbf_us:
        raise InputError(f"cluster.failures.mtbf_us: {failures.mtbf_us} µs gives more than {_MOST:,} failures")
    key = [scenario.seed, zlib.crc32(table.uniform.tobytes())]
    load_us = scenario.cluster.startup.load_us
    drawn = (_drawn(failures, load_us, start_us, end_us, np.random.default_rng([*key, i]), i) for i in range(instances))
    return [*failures.scheduled, *chain.from_iterable(drawn)]


def outages(scenario: Scenario, table: RequestTable) -> list[Span]:
    """When instances are down: by instance and time, and what touches is one."""
    load_us = scenario.cluster.startup.load_us
    found = (
        Span(i, outage.gone_us, outage.gone_us + outage.down_us + load_us)
        for outage in planned(scenario, table)
        for i in outage.instances
    )
    return _joined(found)


def silences(scenario: Scenario, table: RequestTable) -> list[Span]:
    """When the router believes that instances are gone: told so, or without a heartbeat for so long, until the next."""
    failures = scenario.cluster.failures
    unheard = (_silence(failures, outage) for outage in outages(scenario, table))
    silent = _joined(unheard, overlap_us=1)  # where two touch, there is a heartbeat
    missed = (Span(i, from_us + failures.offline_after_us, to_us) for i, from_us, to_us in silent)
    told = (
        Span(i, outage.at_us, to_us)
        for outage in failures.scheduled
        if outage.drain_us is not None
        for i, from_us, to_us in silent
        if i in outage.instances and from_us <= outage.gone_us <= to_us
    )
    return _joined(span for span in (*missed, *told) if span.from_us < span.to_us)


def encode_lives(scenario: Scenario, table: RequestTable) -> tuple[dict[str, float], dict[str, Array]]:
    """The numbers of CONFIG and the arrays of World."""
    cluster, horizon_us = scenario.cluster, scenario.horizon_us or NEVER_US
    turns = sorted(turn for turn in _turns(scenario, table) if turn[0] <= horizon_us)
    may_be_lost = bool(turns) or cluster.autoscaling.any
    rows = len(table) * scenario.rows_a_request
    sent_again = rows if may_be_lost and cluster.retries.limit else 0
    config: dict[str, float] = {
        "lives": may_be_lost,
        "warm_up_us": cluster.startup.warm_up_us,
        "warm_up_factor": cluster.startup.warm_up_factor,
        **_retry_config(cluster.retries),
        "breaker_failures": cluster.breaker.failures,
        "open_us": cluster.breaker.open_us,
    }
    arrays = {
        "lives": listed(LIFE, turns) if turns else _NO_TURNS,
        "again": room(HEAP, (1, rows if cluster.hedging.any else sent_again)),
        "retries": np.empty(sent_again, np.int32),
    }
    return config, arrays


def first_failures_us(scenario: Scenario, table: RequestTable) -> Array:
    """[instances] when each fails for the first time."""
    found = np.full(scenario.cluster.places, NEVER_US)
    for i, from_us, _ in reversed(outages(scenario, table)):
        found[i] = _fails_us(scenario, from_us)
    return found


def _drawn(
    failures: Failures, load_us: int, start_us: int, end_us: int, rng: np.random.Generator, instance: int
) -> Iterator[Outage]:
    """The random failures of one instance: it serves and is gone for times that are exponential."""
    at_us = start_us + _time_us(rng, failures.mtbf_us)
    while at_us <= end_us:
        down_us = _time_us(rng, failures.mttr_us)
        yield Outage((instance,), at_us, down_us)
        at_us += down_us + load_us + _time_us(rng, failures.mtbf_us)


def _time_us(rng: np.random.Generator, mean_us: int) -> int:
    return min(1 + int(rng.exponential(mean_us)), LONGEST_US)


def _retry_config(retries: Retries) -> dict[str, float]:
    return {
        "retry_limit": retries.limit,
        "retry_budget": retries.budget,
        "most_saved": 10 * retries.saved,
        "backoff_us": retries.backoff_us,
    }


def _turns(scenario: Scenario, table: RequestTable) -> Iterator[tuple[int, int, int, int]]:
    """Rows of LIFE."""
    down = outages(scenario, table)
    for span, after in pairwise([*down, Span(-1, 0, 0)]):
        fails_us = _fails_us(scenario, after.from_us) if after.instance == span.instance else NEVER_US
        yield span.from_us, FAILS, span.instance, 0
        yield span.to_us, SERVES, span.instance, fails_us
    for span in silences(scenario, table):
        yield span.from_us, FOUND_OFFLINE, span.instance, 0
        yield span.to_us, FOUND_ONLINE, span.instance, 0


def _fails_us(scenario: Scenario, at_us: int) -> int:
    """A failure behind the horizon never happens."""
    return NEVER_US if at_us > (scenario.horizon_us or NEVER_US) else at_us


def _silence(failures: Failures, outage: Span) -> Span:
    """From the last heartbeat before an outage to the first one after it."""
    every_us = failures.heartbeat_us
    if every_us == 0:
        return outage
    last_us = (outage.from_us - 1) // every_us * every_us
    return Span(outage.instance, last_us, -(-outage.to_us // every_us) * every_us)


def _joined(spans: Iterable[Span], overlap_us: int = 0) -> list[Span]:
    """The spans by instance and time, those that overlap for so long as one; 0: that touch."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and found[-1].instance == span.instance and found[-1].to_us - span.from_us >= overlap_us:
            found[-1] = found[-1]._replace(to_us=max(found[-1].to_us, span.to_us))
        else:
            found.append(span)
    return found


_NO_TURNS = room(LIFE, 0)

#: Random failures of a run at most, about.
_MOST = 1_000_000
