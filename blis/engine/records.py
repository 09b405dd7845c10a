"""The state of a running simulation: one record a thing, one array a kind, every field with its meaning.

Letters in shapes: I instances, n requests, S shared nodes of the content tree, bs block size.
Times are integer microseconds, NEVER_US when there is none; links and numbers of things are NONE when
there is none. "Block" is a KV block; block j of a sequence holds its tokens [j * bs, (j + 1) * bs).
"""

from __future__ import annotations

import numpy as np

from blis.latency.step import STEP

NONE = -1
NEVER_US = 2**62

# Where a run stands; when it came back before the end its state is consistent, and calling again goes on.
FRESH, DONE, PAUSED = range(3)
GROW_RUNS, GROW_LOG, GROW_GAPS, GROW_TRANSIT, GROW_SAMPLES, GROW_STEPS, GROW_TURNS, GROW_LOOKS = range(3, 11)

# What a request is doing (REQUEST.phase).
AWAY, PREFILL, DECODE = range(3)

# Where the KV of a prompt is that another instance computes (REQUEST.kv). Of the request itself: nowhere else, on the
# other instance, on its way, here but not looked at yet, here. Of the prefill: on its instance until somebody has it.
LOCAL, REMOTE, COMING, LANDED, HERE = range(5)
HELD, SENT = REMOTE, COMING

# What an instance may do (ENGINE.roles), as bits.
DECODES, PREFILLS = 1, 2

# Who has a prompt computed elsewhere (CONFIG.decider), in the order of blis.config.DECIDERS.
ALWAYS, NEVER, UNCACHED = range(3)

# Requests that come from a prefill reach a queue behind those that the router has sent, at one instant.
HANDED = 2**40

# How the wait queue is kept (CONFIG.queue_order): a list, a heap by rank, or a heap that is looked through.
FCFS, RANKED, LEAST_ATTAINED = range(3)

# Owners of a run of free blocks (RUN.owner): a shared node >= 0, nobody, or request r as OWNED - r. Nobody's blocks
# are ANONYMOUS, or SPENT if they are full and a lower tier will keep them although nobody can ask for them again.
ANONYMOUS = -1
SPENT = -2
OWNED = -3

#: The ends of a list whose entries are linked by `prev` and `next` (links.py).
ENDS = np.dtype([("head", "i8"), ("tail", "i8")])

#: Places in an array for entries that come and go: those ever used, and the first given back, linked by `next`.
SLOTS = np.dtype([("used", "i8"), ("free", "i8")])

#: Read-only numbers of one run.
CONFIG = np.dtype(
    [
        ("requests", "i8"),
        ("instances", "i8"),
        ("horizon_us", "i8"),  # events later than this are not executed
        ("closed", "i8"),  # some requests follow others
        ("admission_latency_us", "i8"),
        ("routing_latency_us", "i8"),
        ("admission", "i8"),  # template codes
        ("scores_depend", "i8"),  # on what the routing template's scores depend: REQUEST, VIEWS or VIEW
        ("filtered", "i8"),  # some filter narrows down who may run a request
        ("apart", "i8"),  # prompts may be computed by other instances; then row n + r is the prefill of request r
        ("decider", "i8"),  # ALWAYS, …
        ("uncached_tokens", "i8"),  # that make UNCACHED ask another instance
        ("block_bytes", "i8"),  # of a block of KV that moves …
        ("bytes_us", "i8"),  # … over a link so fast …
        ("link_latency_us", "i8"),  # … and later by so much
        ("hold_us", "i8"),  # how long a prompt's KV waits to be fetched
        ("live", "i8"),  # readings that somebody wants as they are at every moment: bits of SIGNAL.kind
        ("reads_pending", "i8"),  # who reads a fact: bits of the events in control_records
        ("reads_in_flight", "i8"),
        ("reads_prefix", "i8"),
        ("reads_cache", "i8"),
        ("reads_cold", "i8"),
        ("reads_session", "i8"),
        ("reads_home", "i8"),
        ("reads_exact_home", "i8"),
        ("reads_labels", "i8"),
        ("reads_lora", "i8"),
        ("reads_tenants", "i8"),
        ("reads_completed", "i8"),
        ("reads_traits", "i8"),  # something of a request that ROW does not have
        ("placed", "i8"),  # some requests may not run everywhere
        ("adapters", "i8"),  # different LoRA adapters that requests ask for
        ("keeps_past", "i8"),  # the cache signal has an age, so changes of the cache are noted
        ("lives", "i8"),  # instances fail, come or go
        ("warm_up_us", "i8"),  # how long after that steps are slower …
        ("warm_up_factor", "f8"),  # … and how much
        ("retry_limit", "i8"),  # how often a request that was lost is sent again
        ("retry_budget", "f8"),  # retries a request
        ("most_saved", "f8"),  # retries saved up at most
        ("backoff_us", "i8"),  # before the first retry of a request
        ("hedge_after_us", "i8"),  # without a first token; then a copy is sent elsewhere, 0: there are none
        ("hedge_budget", "f8"),  # copies a request
        ("most_hedges", "f8"),  # copies saved up at most
        ("breaker_failures", "i8"),  # in a row, after which an instance gets nothing …
        ("open_us", "i8"),  # … for so long; 0: there is no breaker
        ("first_asks", "i8"),  # requests that are asked for the first time: attempt k of request r is row k * this + r
        ("first_token_timeout_us", "i8"),  # a client gives up if it has no token then, 0 = it waits for ever …
        ("timeout_us", "i8"),  # … or not the whole answer
        ("cancels", "i8"),  # the servers notice
        ("asks_budget", "f8"),  # attempts after the first that a request pays for; < 0: no budget
        ("most_asks", "f8"),  # such attempts saved up at most
        ("flow_control", "i8"),  # admitted requests wait at the gateway
        ("detector", "i8"),  # NEVER_FULL, …
        ("max_concurrency", "f8"),
        ("queue_threshold", "f8"),
        ("kv_threshold", "f8"),
        ("fair_turns", "i8"),  # tenants of a band take turns
        ("band_turns", "i8"),  # so do bands, by their weights; else the most urgent comes first
        ("look_every_us", "i8"),
        ("keeps_decisions", "i8"),
        ("keeps_steps", "i8"),
        ("forced_row", "i8"),  # this request goes …
        ("forced_instance", "i8"),  # … there, NONE: all as the policy says
        ("index_blocks", "i8"),  # capacity of the router's prefix index, an instance
        ("index_block_tokens", "i8"),  # tokens of a block there
        ("index_max_blocks", "i8"),  # blocks of a prompt that it looks at
        ("index_nodes", "i8"),  # slots of the index that stand for nodes; the rest count private blocks
        ("index_root_first", "i8"),
        ("block_tokens", "i8"),  # bs, the same for all instances
        ("max_path", "i8"),  # longest path of shared nodes
        ("model_tokens", "i8"),  # a prompt has fewer, or it is dropped
        ("queue_order", "i8"),  # FCFS, RANKED or LEAST_ATTAINED
        ("scheduler", "i8"),  # template codes, for ranks that arrivals decide
        ("priority", "i8"),
        ("by_deadline", "i8"),  # so is the gateway queue's order
        ("evicts_by_priority", "i8"),  # who is preempted goes by ORDER.victim; else the last member of the batch
        ("idle_when_batch_empties", "i8"),  # the switches of blis.config.Compat the engine acts on
        ("last_gap_twice", "i8"),
        ("first_token_without_output", "i8"),
        ("behind_horizon", "i8"),
        ("last_scheduling_delay", "i8"),
        ("fit_prompt_only", "i8"),
        ("free_full_hit", "i8"),
        ("free_context", "i8"),
    ],
    align=True,
)

#: Read-only numbers of one instance.
ENGINE = np.dtype(
    [
        ("blocks", "i8"),  # KV cache size T
        ("max_running", "i8"),  # R
        ("budget_tokens", "i8"),  # B, new tokens a step
        ("chunk_tokens", "i8"),  # L, one request's prefill tokens a step; no limit = budget
        ("reserves_prompt", "i8"),  # the switches of blis.config.Engine
        ("unkeyed_first", "i8"),
        ("whole_lone_prefill", "i8"),
        ("schedules_ahead", "i8"),
        ("queueing_us", "f8"),  # alpha 0
        ("queueing_us_token", "f8"),  # alpha 1
        ("overhead_us", "i8"),  # trunc(alpha 2)
        ("roles", "i8"),  # bits of what it may do
        ("max_loras", "i8"),  # the numbers of blis.config.Lora
        ("most_adapters", "i8"),  # that it holds in memory
        ("adapter_load_us", "i8"),
        ("adapter_fetch_us", "i8"),
        ("adapter_factor", "f8"),
        ("latency", "i8"),  # code of the kind of latency model; its parameters are in World.latencies
        ("constant_while_decoding", "i8"),  # its steps in which all decode depend on their number alone
        ("drafts", "i8"),  # tokens guessed for each who decodes, a step; 0 = nobody guesses …
        ("drafting_us", "i8"),  # … and what guessing adds to it
    ],
    align=True,
)

#: What a kernel reads of a request. Only shared nodes are on its path: the rest of it is its own.
ROW = np.dtype(
    [
        ("arrival_us", "i8"),
        ("uniform", "f8"),  # in [0, 1), breaks ties
        ("input_tokens", "i4"),
        ("output_tokens", "i4"),
        ("path_begin", "i4"),  # its PATH entries, root first
        ("path_end", "i4"),
    ],
    align=True,
)

#: One shared node on a request's path; nodes in which no block ends are left out.
PATH = np.dtype([("node", "i8"), ("first_block", "i8"), ("end_block", "i8")], align=True)

#: Cluster-wide state.
CLUSTER = np.dtype(
    [
        ("halt", "i8"),  # FRESH before the start, DONE, or why the kernel must come back
        ("steps_left", "i8"),  # pause after so many steps (tests); < 0 = never
        ("turns_left", "i8"),  # pause after so many events, so that the caller can look up
        ("next_admission", "i8"),  # place in the order of arrivals of the next admission decision
        ("next_routing", "i8"),  # place of the next routing decision, or of a rejected one to skip
        ("next_opener", "i8"),  # no row before this one has still to come by itself
        ("released", "i8"),  # requests that an answer has released and that have not come yet
        ("thoughts", "i8"),  # entries of World.thoughts
        ("decided_us", "i8"),  # latest event of the control plane
        ("expects", "i8"),  # when instances went on last, it was known that somebody comes
        ("turn", "i8"),  # routing decisions so far …
        ("prefill_turn", "i8"),  # … and those about prefills
        ("prefilled", "i8"),  # prefills that are completed
        ("transfers", "i8"),  # entries of World.transfers
        ("meets", "i8"),  # the latest event of an instance has changed what others do next
        ("unrated", "i8"),  # entries of World.unrated; as many as there are instances: all of them
        ("cold", "i8"),  # of these, for requests that no instance knew
        ("rejected", "i8"),  # requests so far
        ("waiting", "i8"),  # at the gateway
        ("looking", "i8"),  # how far the gateway is with the look at hand: NO_LOOK, …
        ("look_us", "i8"),  # when that look is
        ("next_look_us", "i8"),  # the next one on the grid at which it may find something new, while somebody waits
        ("changes", "i8"),  # events of instances so far
        ("next_life", "i8"),  # of World.lives
        ("next_fleet_us", "i8"),  # when the autoscaler looks, or somebody it has started or drains is ready or gone
        ("next_sync_us", "i8"),  # of these, when it looks
        ("synced_us", "i8"),  # when it looked last
        ("fleet_turns", "i8"),  # rows of World.fleet_turns
        ("fleet_looks", "i8"),  # rows of World.fleet_looks
        ("arrived", "i8"),  # requests that admission had decided on at the latest look
        ("first_inside", "i8"),  # no row before this one can still be on an instance
        ("again", "i8"),  # requests that wait before they are sent again
        ("saved", "f8"),  # retries that may be made
        ("hedges_saved", "f8"),  # copies that may be sent
        ("watched", "i8"),  # entries of World.watched
        ("next_watched", "i8"),  # none before this one is due any more
        ("races", "i8"),  # entries of World.races
        ("wasted_tokens", "i8"),  # of prompts that were computed by those who were cancelled
        ("first_due", "i8"),  # no client of a request in a place before this one waits for its first token …
        ("whole_due", "i8"),  # … for its answer
        ("asks_saved", "f8"),  # attempts after the first that clients may make
        ("cache_stamp_us", "i8"),  # instant of the latest reading of the cache signal
        ("sample_rows", "i8"),
        ("run_slots", SLOTS),  # of World.runs
        ("log_rows", "i8"),
        ("kept_steps", "i8"),
        ("gap_rows", "i8"),
        ("cut", "i8"),  # an event lay beyond the horizon
    ],
    align=True,
)

#: One engine replica. Counters have the names and meanings of schema.INSTANCE_COUNTERS.
INSTANCE = np.dtype(
    [
        ("step_us", "i8"),  # start of the pending step, or NEVER_US
        ("busy_until_us", "i8"),
        ("fails_us", "i8"),  # when it fails next or is taken away, or NEVER_US
        ("outage_us", "i8"),  # when it fails next, there or not
        ("warm_us", "i8"),  # steps that begin before are slower
        ("down", "i8"),  # why it does not serve: bits, see gateway.records
        ("offline", "i8"),  # why the router sends nobody there
        ("failures", "i8"),  # requests lost or refused in a row, as far as nobody is answered since …
        ("answered_us", "i8"),  # … which is then, or NEVER_US
        ("tries_us", "i8"),  # when one that fails may get a request again
        ("pending", "i8"),  # routed here, not yet in the wait queue
        ("queue", ENDS),  # of requests that wait, or of SERVICE records with a tree of such
        ("queue_depth", "i8"),
        ("batch", ENDS),  # of requests, in the order of admissions
        ("batch_size", "i8"),
        ("emptied", "i8"),  # nobody is left in the batch of the step that runs
        ("leaving", ENDS),  # of requests that have got their last token and still hold their blocks and places
        ("leaving_size", "i8"),
        ("importing", ENDS),  # of requests that hold blocks and wait for their KV from elsewhere, as they asked for it
        ("importing_size", "i8"),
        ("landed", "i8"),  # of these, those whose KV has come and who are not looked at yet …
        ("arrived", "i8"),  # … and those who are
        ("exporting", ENDS),  # of prefills that are completed and hold their blocks until somebody has fetched them
        ("exporting_size", "i8"),
        ("link_us", "i8"),  # when its link has sent all that was asked of it
        ("chunk_tokens", "i8"),  # one request's prefill tokens in the batch formation at hand
        ("decoding", "i8"),  # batch members in decode = size of the finish heap
        ("decode_base", "i8"),  # their stored tokens before step s are this + decoding * s
        ("first_ordered", "i8"),  # no member before this one touches shared nodes in a step
        ("admitted", "i8"),  # admissions so far, numbers batch members
        ("evicted", "i8"),  # evictions in the batch formation at hand
        ("step", STEP),  # what the latency model knows of the step at hand
        ("transfer_us", "i8"),  # what that step waits for blocks from lower tiers and for adapters
        ("adapters", "i8"),  # different ones in the batch
        ("idle_adapters", ENDS),  # those in memory besides, the latest to be used first
        ("idle_size", "i8"),
        ("outside", "i8"),  # requests that wait and whose adapter no member has
        ("waiting_adapters", "i8"),  # their different adapters
        ("aside", ENDS),  # requests that are passed over in the batch formation at hand, in their order
        ("free", ENDS),  # runs of free blocks, next to be evicted first
        ("used_blocks", "i8"),
        ("log_row", "i8"),  # its latest row of World.log, NONE if it has none
        ("log_rows", "i8"),  # all of them
        ("gap_us", "i8"),  # what its latest step took
        ("in_flight_tokens", "i8"),  # prompt tokens of requests routed here that have not left
        ("routed", "i8"),
        ("completed", "i8"),
        ("dropped", "i8"),
        ("lost", "i8"),
        ("abandoned", "i8"),
        ("steps", "i8"),
        ("busy_us", "i8"),
        ("last_event_us", "i8"),
        ("input_tokens", "i8"),
        ("first_tokens", "i8"),  # first tokens given out
        ("next_tokens", "i8"),  # all other tokens
        ("drafted_tokens", "i8"),
        ("prefill_tokens", "i8"),
        ("preemptions", "i8"),
        ("hit_blocks", "i8"),
        ("miss_blocks", "i8"),
        ("cpu_hit_blocks", "i8"),
        ("offloaded_blocks", "i8"),
        ("thrashed_blocks", "i8"),
        ("adapter_loads", "i8"),
        ("adapter_fetches", "i8"),
        ("adapter_us", "i8"),
        ("lookup_blocks", "i8"),
        ("lookup_hit_blocks", "i8"),
        ("lookup_cpu_hit_blocks", "i8"),
        ("again_blocks", "i8"),
        ("again_hit_blocks", "i8"),
        ("allocation_failures", "i8"),
        ("peak_blocks", "i8"),
        ("block_us", "i8"),
        ("queue_sum", "i8"),
        ("batch_sum", "i8"),
        ("index", ENDS),  # the router's prefix index of this instance, oldest first
        ("index_used", "i8"),  # blocks in it
        ("index_slots", SLOTS),  # its anonymous slots
    ],
    align=True,
)

#: A request's mutable state. Narrow, because there may be millions; when what happened to it stands in World.times.
REQUEST = np.dtype(
    [
        ("token_us", "i8"),  # when its latest token came out, kept while it is evicted
        ("finish_us", "i8"),  # duration of its last step
        ("instance", "i4"),
        ("preemptions", "i4"),
        ("first_step", "i4"),
        ("last_step", "i4"),  # step of its latest token; kept up to date only while it does not decode
        ("base_step", "i4"),  # step that ended its latest prefill, or with drafts its latest one …
        ("generated", "i4"),  # … and gave this many tokens in all; one more every step since
        ("latest", "i4"),  # tokens of the latest step that gave some
        ("computed", "i4"),  # tokens whose KV is stored, while in prefill; with drafts, those that have blocks
        ("cached_tokens", "i4"),
        ("filled", "i4"),  # blocks it holds in shared nodes
        ("frontier", "i4"),  # PATH entry of the node it fills next, or its path_end
        ("own_run", "i4"),  # its own free blocks while it is evicted
        ("sequence", "i4"),  # place in the order of admissions
        ("prev", "i4"),  # neighbours in the gateway queue, the wait queue or the batch
        ("next", "i4"),
        ("ring", "i4"),  # it takes a new block in the steps with number = ring (mod bs)
        ("status", "i1"),
        ("phase", "i1"),
        ("detached", "i1"),  # admitted with a free full hit (compat): holds no prompt blocks
        ("kv", "i1"),  # LOCAL, …
    ],
    align=True,
)

#: An entry of a binary min-heap, ordered by (key, tie).
HEAP = np.dtype([("key", "i8"), ("tie", "i8"), ("request", "i8")], align=True)

#: Equal consecutive steps of an instance, as they are noted while it runs: a row of STEP_LOG before it is grouped.
LOGGED = np.dtype([("instance", "i4"), ("count", "i4"), ("gap_us", "i8")])

#: A request's place in orders that are settled before the run, or when it arrives where arrivals are not known
#: before; only what the run asks for is set.
ORDER = np.dtype(
    [
        ("rank", "i8"),  # in the wait queue, the lowest is admitted first …
        ("victim", "i8"),  # among members to be preempted, the lowest goes first
        ("tie", "i4"),  # … of equal ranks the lowest of these
        ("tenant", "i4"),
        ("left", "i4"),  # those below it in the tree of who waits
        ("right", "i4"),
    ],
    align=True,
)

#: Whom a request follows and who follows it, where somebody does.
LOOP = np.dtype(
    [
        ("think_us", "i8"),  # from the answer before it to its arrival; 0 = it follows none
        ("soonest_us", "i8"),  # the least of these among its followers; 0 = it has none
        ("first", "i4"),  # its followers in World.followers …
        ("end", "i4"),
        ("place", "i4"),  # in the order of arrivals, once it has come
    ],
    align=True,
)

#: What templates of priorities and schedulers know of a request, where it is not settled before the run.
COLUMNS = np.dtype(
    [
        ("arrival_us", "i8"),
        ("input_tokens", "i8"),
        ("output_tokens", "i8"),
        ("class_priority", "f8"),
        ("class_weight", "f8"),
        ("ttft_us", "f8"),
        ("length_noise", "f8"),
        ("priority", "f8"),  # what the priority policy says, once it has arrived
    ],
    align=True,
)

#: What one instance has computed for one tenant.
SERVICE = np.dtype(
    [
        ("tokens", "i8"),  # in all, without the next two
        ("charged_tokens", "i8"),  # in prefills of one step …
        ("charged_step", "i8"),  # … that with this number
        ("decoding", "i8"),  # members in decode: each has got a token in every step …
        ("base_steps", "i8"),  # … after its REQUEST.base_step; the sum of these
        ("root", "i8"),  # of its requests that wait, the one that is admitted first
        ("prev", "i8"),  # … if there is any, its neighbours among those who have one
        ("next", "i8"),
    ],
    align=True,
)

#: Cached and held blocks of one shared node on one instance. Both are leading blocks of the node.
NODE = np.dtype(
    [
        ("resident", "i4"),  # blocks in the cache
        ("held", "i4"),  # of these, with a reference
        ("full", "i4"),  # requests that hold every block of the node
        ("partial", "i4"),  # requests that hold some
        ("shallow_run", "i4"),  # its free blocks [held, resident) as runs; the deepest is always nearest to eviction
    ],
    align=True,
)

#: A run of free blocks in the LRU list of an instance, or of blocks in that of a lower tier, evicted from `hi` down.
RUN = np.dtype(
    [
        ("owner", "i8"),  # shared node, ANONYMOUS, SPENT, or OWNED - request; in a lower tier SPENT or its row of BELOW
        ("lo", "i8"),  # node's own numbering for a node, block numbers for a request; of nobody's only hi - lo counts
        ("hi", "i8"),
        ("since_us", "i8"),  # when a lower tier got it
        ("prev", "i4"),  # neighbours in the LRU list
        ("next", "i4"),
        ("up", "i4"),  # neighbours within the owner: shallower
        ("down", "i4"),  # deeper
    ],
    align=True,
)

#: A tier of an instance's KV cache below the GPU.
TIER = np.dtype(
    [
        ("blocks", "i8"),  # its size; 0 = the instance has no such tier
        ("base_latency_us", "i8"),  # of one transfer to the GPU …
        ("bandwidth_blocks_us", "f8"),  # … and how fast it goes on
        ("used_blocks", "i8"),
        ("lru", ENDS),  # its runs, next to be evicted first
    ],
    align=True,
)

#: What a lower tier holds of one owner: a shared node on one instance, or the own blocks of an evicted request.
BELOW = np.dtype(
    [
        ("reach", "i8"),  # end of its blocks there, which begin where the tiers above end; 0 = none
        ("shallow_run", "i8"),  # the shallowest run of them
    ],
    align=True,
)

#: A LoRA adapter on one instance.
ADAPTER = np.dtype(
    [
        ("members", "i4"),  # of the batch that have it
        ("waiting", "i4"),  # requests in the wait queue that do
        ("last_step", "i8"),  # the latest one whose batch had it, kept up to date while no member has it
        ("held", "i4"),  # it is in memory, with members or without
        ("seen", "i4"),  # what the latest reading showed: ACTIVE, WAITS
        ("prev", "i4"),  # neighbours in INSTANCE.idle_adapters
        ("next", "i4"),
    ],
    align=True,
)

#: An entry of the router's prefix index: slot s < S is node s, anonymous ones count private blocks.
INDEX = np.dtype([("blocks", "i8"), ("prev", "i4"), ("next", "i4")], align=True)
