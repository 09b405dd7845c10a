"""What the control plane knows and remembers: the records and codes of everything in front of the instances.

Letters in shapes and conventions as in records.py. A fact is only gathered for the events that read it, and
the arrays of what nobody reads are empty.
"""

from __future__ import annotations

import numpy as np

# Events of the control plane, as bits: who reads a fact. With flow control a look routes, else ROUTING does. GO_ON
# decides nothing: instances go on so far. RETRY routes one that was lost. GIVE_UP: clients have waited for too long.
ADMISSION, ROUTING, LOOK, END, GO_ON, RETRY, GIVE_UP = 1, 2, 4, 8, 16, 32, 64

# What a reading brings, as bits of SIGNAL.kind; none for counters that are live once the instances are.
QUEUE, BATCH, KV, CACHE, SAMPLE, LORA = 1, 2, 4, 8, 16, 32

# What a reading shows of an adapter on an instance (ADAPTER.seen), as bits: a member of the batch has it, or one waits.
ACTIVE, WAITS = 1, 2

# What happens to an instance (LIFE.kind): the router finds out later.
FAILS, SERVES, FOUND_OFFLINE, FOUND_ONLINE = range(4)

# Why an instance does not serve (INSTANCE.down), or why the router sends nobody there (INSTANCE.offline), as bits: it
# has failed, or has not been heard; the autoscaler has not started it, or takes it away.
FAILED = UNHEARD = 1
NOT_THERE = 2

# Whom a routing decision is about: the instance that generates, and the one that computes the prompt for it.
DECODE_PROFILE, PREFILL_PROFILE = range(2)

# Detectors of flow control, in the order of blis.config.DETECTORS.
NEVER_FULL, CONCURRENCY, UTILIZATION = range(3)

# How far the gateway is with a look (CLUSTER.looking).
NO_LOOK, STARTED, DISPATCHING = range(3)

#: How an instance is chosen.
PROFILE = np.dtype(
    [
        ("routing", "i8"),  # template code
        ("filters", "i8"),  # how many of its rows in World.filters are meant, and so on
        ("scorers", "i8"),
        ("weights", "i8"),
        ("random_ties", "i8"),
        ("weighted_picker", "i8"),  # draw in proportion to the scores instead of taking the best
    ],
    align=True,
)

#: What the router sees of an instance.
VIEW = np.dtype(
    [
        ("turn", "i8"),  # number of the decision, in kept decisions only
        ("eligible", "i8"),  # the request may go there
        ("place", "i8"),  # its number among those that may do what is asked for
        ("keep", "i8"),  # one filter's verdict
        ("queue_depth", "i8"),  # waiting requests
        ("batch_size", "i8"),
        ("pending", "i8"),
        ("kv_utilization", "f8"),
        ("free_blocks", "i8"),  # KV blocks that nobody refers to, as old as kv_utilization
        ("in_flight", "i8"),  # requests routed there that have not left
        ("in_flight_tokens", "i8"),  # their prompt tokens
        ("matched_blocks", "i8"),  # leading prompt blocks in the router's prefix index
        ("cached_blocks", "i8"),  # leading prompt blocks in the real cache, as old as its signal
        ("home", "i8"),  # the deepest known prefix of the prompt went there last
        ("session_home", "i8"),  # the session's last request went there
        ("cold_stamp", "i8"),  # number of the last cold request sent there, 0 = none
        ("preferred", "f8"),  # share of the request's preferred labels it carries
        ("adapter_active", "i8"),  # a member of the batch has the request's adapter
        ("adapter_waits", "i8"),  # so does one that waits
        ("adapters", "i8"),  # different ones of the batch and of those who wait
        ("max_loras", "i8"),  # different ones that a batch may have
        ("score", "f8"),
        ("term", "f8"),  # one scorer's value
    ],
    align=True,
)

#: What the control plane knows of the request it decides about.
ASK = np.dtype(
    [
        ("now_us", "i8"),
        ("start_us", "i8"),  # arrival of the first request of all
        ("turn", "i8"),  # routing decisions of this kind so far
        ("places", "i8"),  # instances that may do what is asked for
        ("input_tokens", "i8"),
        ("prompt_blocks", "i8"),  # full ones of the prefix index, for its readers
        ("cache_blocks", "i8"),  # full KV blocks of the prompt; for readers of the real cache
        ("block_tokens", "i8"),  # of a block of the prefix index
        ("tenant", "i8"),
        ("priority", "f8"),  # of its class
        ("choice_1", "f8"),  # the request's own random numbers in [0, 1), each for one purpose
        ("choice_2", "f8"),
        ("picker", "f8"),
        ("admission", "f8"),
        ("tenant_in_flight", "i8"),  # requests of its tenant
        ("tenant_tokens", "i8"),  # their prompt tokens
        ("in_flight_tokens", "i8"),  # prompt tokens of everybody
        ("completed", "i8"),  # requests completed so far
        ("retry_after_us", "i8"),  # set by an admission policy that rejects: when to come back, or NONE
    ],
    align=True,
)

#: Signals that are read together: at every instant of a grid, or at decisions.
SIGNAL = np.dtype(
    [
        ("kind", "i8"),  # bits
        ("readers", "i8"),  # bits of the events that want it
        ("age_us", "i8"),  # grid; 0 = live
        ("lazy", "i8"),  # read at the first decision when it has reached its age, instead of on the grid
        ("next_us", "i8"),  # not due before
        ("changes", "i8"),  # CLUSTER.changes at the latest reading
    ],
    align=True,
)

#: What is known of a request beyond ROW; only fields that somebody reads are filled.
TRAITS = np.dtype(
    [
        ("priority", "f8"),  # of its class
        ("choice_1", "f8"),  # table.draws
        ("choice_2", "f8"),
        ("picker", "f8"),
        ("admission", "f8"),
        ("tenant", "i4"),
        ("session", "i4"),
        ("placement", "i4"),
        ("prompt", "i4"),  # equal for prompts equal up to their last full block
        ("band", "i4"),  # of the gateway queue, 0 = most urgent
        ("rank", "i8"),  # in the order of the gateway queue; of equal ones the first to arrive is first
    ],
    align=True,
)

#: What an instance is for a placement.
PLACE = np.dtype([("preferred", "f8"), ("eligible", "i8")], align=True)

#: Requests of a tenant that are admitted, neither completed, nor dropped, nor rejected at the gateway.
TENANT = np.dtype([("in_flight", "i8"), ("tokens", "i8")], align=True)

#: A band of the gateway queue: all requests whose classes have one priority. Those of one tenant are a flow.
BAND = np.dtype(
    [
        ("max_requests", "i8"),  # that may wait in it
        ("ttl_us", "i8"),  # 0 = for ever
        ("weight", "i8"),  # requests a round, where bands take turns
        ("left", "i8"),  # of these in the round at hand
        ("waiting", "i8"),
        ("next_tenant", "i8"),  # whose turn it is
        ("oldest", "i8"),  # none of those that came before the one in this place waits in it
    ],
    align=True,
)

#: A turn in the life of an instance. All are known before the run, in the order of time, kind, instance.
LIFE = np.dtype(
    [
        ("time_us", "i8"),
        ("kind", "i8"),
        ("instance", "i8"),
        ("fails_us", "i8"),  # of one that serves: when it fails next, or NEVER_US
    ],
    align=True,
)

#: What the autoscaler goes by; targets of 0 count for nothing. Fields as in blis.config.Autoscaling.
SCALING = np.dtype(
    [
        ("minimum", "i8"),
        ("maximum", "i8"),
        ("queue_depth", "f8"),
        ("kv_utilization", "f8"),
        ("busy_utilization", "f8"),
        ("concurrency", "f8"),
        ("requests_per_s", "f8"),
        ("tolerance", "f8"),
        ("sync_us", "i8"),
        ("up_window_us", "i8"),
        ("up_instances", "i8"),
        ("up_percent", "f8"),
        ("up_period_us", "i8"),
        ("down_window_us", "i8"),
        ("down_instances", "i8"),
        ("down_percent", "f8"),
        ("down_period_us", "i8"),
        ("drain_us", "i8"),
        ("load_us", "i8"),  # before one that is started serves
        ("memory_us", "i8"),  # how far back it looks at most
    ],
    align=True,
)

#: What the autoscaler has done with an instance.
MEMBER = np.dtype(
    [
        ("state", "i8"),  # LOADING, READY, DRAINING or GONE
        ("turn_us", "i8"),  # when it is ready, or gone at the latest; else NEVER_US
        ("started_us", "i8"),
        ("busy_us", "i8"),  # how long it had been in steps at the latest look
    ],
    align=True,
)

#: The cached blocks of a node before its first change since the reading at an instant.
PAST = np.dtype([("stamp_us", "i8"), ("blocks", "i8")], align=True)
