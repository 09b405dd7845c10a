"""`World`: all arrays of a run under one name, so that kernels take `w` instead of twenty arguments.

Cheap only because kernels count no references (jit.py). Letters in shapes as in records.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]


class World(NamedTuple):
    """The state of a run: three records, and arrays. Kernels get a reference to it (reference.py)."""

    cluster: Any  # CLUSTER, a record
    config: Any  # CONFIG, a record
    engines: Array  # [I] ENGINE
    latencies: Array  # [I, parameters] float64, of each instance's latency model
    rows: Array  # [n] ROW, shared between runs; the run's own where some arrivals are not known before
    path: Array  # [entries] PATH, shared between runs
    index_rows: Array  # [n] ROW with paths in blocks of the router's prefix index: `rows` if they are KV blocks
    index_path: Array  # [entries] PATH
    order: Array  # [n] ORDER, no rows if nobody asks
    loops: Array  # [n] LOOP; this one and the next 4 have no rows where nobody follows anybody
    followers: Array  # [follow-ups] rows, by whom they follow
    line: Array  # [n] rows in the order of arrivals, as far as they have come
    releases: Array  # [1, follow-ups] HEAP of (arrival, row): who has been released and comes next
    thoughts: Array  # [1, n] HEAP of (soonest_us, row): who was sent to an instance and has followers; some have left
    columns: Array  # [n] COLUMNS, no rows if ranks are settled before the run
    priority: Array  # parameters of the priority policy
    scheduler: Array  # parameters of the scheduler
    requests: Array  # [n] REQUEST
    instances: Array  # [I] INSTANCE
    agenda: Array  # [2 x a power of two] when who does something next, see agenda.py
    nodes: Array  # [I, S] NODE
    runs: Array  # [capacity] RUN
    tiers: Array  # [lower tiers, I] TIER
    below: Array  # [lower tiers, I S + n] BELOW: nodes instance by instance, then requests; [1, 1] without a tier
    ring: Array  # [I, bs] decoding members that take a block in steps of this remainder
    accepts: Array  # [I, drafts] the chances of the first, the second, … to be accepted
    accepted: Array  # [n] draft tokens it got; no rows if nobody guesses
    finish: Array  # [I, R] HEAP of (last step, sequence): who completes next
    transit: Array  # [I, capacity] HEAP of (queued_us, decision): who enters the wait queue next
    service: Array  # [I, tenants] SERVICE, no tenants if nobody asks
    log: Array  # [capacity] LOGGED; what filled it before is with the caller
    gaps: Array  # [capacity] LONG_GAP
    prefix_index: Array  # [I, 2 (S + 1)] INDEX; this one and the next 11 are empty where nobody reads them
    past: Array  # [I, S] PAST
    homes: Array  # [profiles, S] instance that a node went to last; [profiles, prompts] under the exact rule
    session_homes: Array  # [profiles, sessions] the same
    traits: Array  # [n] TRAITS
    places: Array  # [placements, I] PLACE
    tenants: Array  # [1 + tenants] TENANT
    bands: Array  # [bands] BAND
    flows: Array  # [bands, tenants] ENDS of requests, by rank
    lives: Array  # [turns in the lives of instances] LIFE
    again: Array  # [1, n] HEAP of (time, row): who is sent again when; this one and the next have no rows if nobody is
    retries: Array  # [n] how often each was
    rivals: Array  # [2 n] row that each races with for a first token, or NONE; no rows, as the next 3, without hedging
    serving: Array  # [n] the row of the two that serves each request, or will
    races: Array  # [n] copies in races that are not decided
    watched: Array  # [n (1 + retries)] HEAP, a list: for whom a copy is due when, as they were sent
    scaling: Array  # [1] SCALING; this one and the next 3 have no rows where nobody comes or goes
    fleet: Array  # [I] MEMBER
    fleet_turns: Array  # [capacity] FLEET_TURN
    fleet_looks: Array  # [capacity] FLEET_LOOK
    waits_us: Array  # [n] how long a client waits before it asks again with this row; no rows if nobody does
    gave_up_us: Array  # [n] when its client has given up, NEVER_US if not; no rows where clients wait for ever
    adapters: Array  # [I, adapters] ADAPTER; this one and the next 2 have no rows where nobody asks for an adapter
    adapter: Array  # [n] the adapter of each request, NONE: it is for the base model
    adapter_us: Array  # [n] what steps have waited for it when they admitted the request, NONE: none has
    transfers: Array  # [1, n] HEAP of (time, row): whose KV has come when, which prefill is given up when; this one and
    handovers: Array  # … [3, n], times and blocks (columns.HANDOVERS), have no rows if nobody prefills for others
    samples: Array  # [capacity] SAMPLE
    kept_steps: Array  # [capacity] KEPT_STEP
    decisions: Array  # [n, I] VIEW
    retry_after_us: Array  # [n]
    signals: Array  # [groups] SIGNAL
    views: Array  # [I] VIEW
    unrated: Array  # [I] instances whose views have changed since their scores were made
    ask: Any  # ASK, a record
    params: Array  # parameters of the admission template
    memory: Array  # [1 + tenants, slots] what it remembers
    profiles: Array  # [1 or 2] PROFILE; the rows of this one and the next 4 are for one of them each
    filters: Array  # [profiles, filters, 1 + parameters] code and parameters
    template: Array  # [profiles, parameters] of the routing template
    codes: Array  # [profiles, scorers] codes
    weights: Array  # [profiles, scorers and more] weights, sum 1, then the scorers' parameters
    times: Array  # [columns, n] int64 results, see columns.TIMES
    counts: Array  # [columns, n] int32 results, see columns.COUNTS
