"""The KV cache of an instance, counted in blocks per node instead of one by one (engine.md section 8).

A shared node keeps two numbers: its leading blocks that are cached (`resident`) and of these the ones
with a reference (`held`). Both are prefixes of the node because holders of a block hold all blocks
before it (8.7) and a chain is evicted from its end (8.6). What follows the shared nodes of a sequence
belongs to one request alone and is only a number of blocks.
"""

from __future__ import annotations

from blis.engine.cache.blocks import drop, drop_node_run, push_head, push_tail
from blis.engine.cache.runs import add_shallow
from blis.engine.cache.signal import note_change
from blis.engine.cache.tier import CPU, THRASH_WINDOW_US, discard, node_owner, request_owner, transfer_us
from blis.engine.records import ANONYMOUS, DECODE, NEVER_US, NONE, OWNED, SPENT
from blis.jit import kernel


@kernel
def blocks_for(tokens, block_tokens):
    """How many blocks so many tokens need."""
    return (tokens + block_tokens - 1) // block_tokens


@kernel
def lookup(w, i, r, limit):
    """How many leading blocks of a request are cached, at most `limit`.

    Also, how many of these are free on the GPU, and how many are in the tier below.
    """
    cached = 0
    free = 0
    lower = 0
    tiered = w.tiers[CPU, i].blocks > 0
    for p in range(w.rows[r].path_begin, w.rows[r].path_end):
        room = limit - cached
        if room <= 0:
            return cached, free, lower
        node = w.nodes[i, w.path[p].node]
        size = w.path[p].end_block - w.path[p].first_block
        found = min(min(node.resident, size), room)
        free += max(0, found - node.held)
        if tiered:
            more = min(min(w.below[CPU, node_owner(w, i, w.path[p].node)].reach, size), room) - found
            found += max(0, more)
            lower += max(0, more)
        cached += found
        if found < size:
            return cached, free, lower
    own = w.requests[r].own_run
    if own != NONE:
        found = min(w.runs[own].hi - cached, limit - cached)
        cached += found
        free += found
    if tiered:
        more = min(w.below[CPU, request_owner(w, r)].reach, limit) - cached
        cached += max(0, more)
        lower += max(0, more)
    return cached, free, lower


@kernel
def attach(w, i, r, blocks):
    """Give a request references to its first `blocks` cached blocks."""
    request = w.requests[r]
    instance = w.instances[i]
    request.filled = 0
    request.frontier = w.rows[r].path_begin
    while request.filled < blocks and request.frontier < w.rows[r].path_end:
        entry = w.path[request.frontier]
        depth = min(blocks, entry.end_block) - entry.first_block
        instance.used_blocks += _hold(w, i, entry, 0, depth)
        _advance(request, entry, depth)
    own = request.own_run
    if own != NONE:
        instance.used_blocks += w.runs[own].hi - w.runs[own].lo
        request.own_run = NONE
        drop(w, i, own)


@kernel
def reload(w, i, r, cached, blocks, now_us):
    """Take the last `blocks` of a request's `cached` leading blocks out of the tier below; the step waits for them.

    The caller has attached those on the GPU, now takes as many GPU blocks, and fills them.
    """
    instance = w.instances[i]
    recent_us = now_us - THRASH_WINDOW_US
    for p in range(w.requests[r].frontier, w.rows[r].path_end):
        entry = w.path[p]
        owner = node_owner(w, i, entry.node)
        instance.thrashed_blocks += discard(w, CPU, i, owner, cached - entry.first_block, recent_us)
    instance.thrashed_blocks += discard(w, CPU, i, request_owner(w, r), cached, recent_us)
    instance.cpu_hit_blocks += blocks
    instance.transfer_us += transfer_us(w.tiers[CPU, i], blocks)


@kernel
def fill(w, i, r, blocks):
    """Key the request's blocks up to number `blocks`, all full now, for others to find.

    Where the same content is cached already the request refers to that copy and its own block becomes
    the next one to be taken (one keyed copy per content, engine.md 8.7). A copy in the tier below goes.
    """
    request = w.requests[r]
    instance = w.instances[i]
    while request.filled < blocks and request.frontier < w.rows[r].path_end:
        entry = w.path[request.frontier]
        depth = request.filled - entry.first_block
        deeper = min(blocks, entry.end_block) - entry.first_block
        copies = min(deeper, w.nodes[i, entry.node].resident) - depth
        instance.used_blocks += _hold(w, i, entry, depth, deeper)
        if copies > 0:
            instance.used_blocks -= copies
            push_head(w, i, copies)
        if w.tiers[CPU, i].blocks > 0:
            discard(w, CPU, i, node_owner(w, i, entry.node), deeper, NEVER_US)
        _advance(request, entry, deeper)


@kernel
def release(w, i, r, tokens, evicted):
    """Free the blocks of a request with `tokens` stored tokens that has left the batch, last block first.

    Of its latest step only the token that was known before has a key: the others were guessed (docs/speculative.md).
    """
    request = w.requests[r]
    instance = w.instances[i]
    first_token = w.rows[r].input_tokens if request.detached else 0
    blocks = blocks_for(max(tokens, request.computed) - first_token, w.config.block_tokens)  # room for drafts, too
    full = (tokens + 1 - request.latest) // w.config.block_tokens
    private = blocks - request.filled
    instance.used_blocks -= private
    own = 0  # full blocks that it alone can ask for again, or that a lower tier will keep
    if not request.detached and (evicted or w.tiers[CPU, i].blocks > 0):
        own = full - request.filled
    first = 0  # blocks without a key that are taken before all others
    if w.engines[i].unkeyed_first:
        first = private if request.detached else blocks - full
    if first > 0:
        push_head(w, i, first)
    if private > own + first:
        push_tail(w, i, ANONYMOUS, 0, private - own - first)
    if own > 0:
        run = push_tail(w, i, OWNED - r if evicted else SPENT, request.filled, request.filled + own)
        if evicted:
            request.own_run = run
    filled = request.filled
    last = min(request.frontier, w.rows[r].path_end - 1)
    request.filled = 0
    request.frontier = w.rows[r].path_end
    for p in range(last, w.rows[r].path_begin - 1, -1):
        depth = min(filled, w.path[p].end_block) - w.path[p].first_block
        if depth > 0:
            _let_go(w, i, w.path[p], depth)


@kernel
def _advance(request, entry, depth):
    request.filled = entry.first_block + depth
    if request.filled == entry.end_block:
        request.frontier += 1


@kernel
def _hold(w, i, entry, depth, deeper):
    """Extend one request's reference in a node from `depth` to `deeper` blocks.

    Returns how many of them were free. What is beyond the cached blocks is cached now.
    """
    node = w.nodes[i, entry.node]
    if depth == 0:
        node.partial += 1
    if deeper == entry.end_block - entry.first_block:
        node.partial -= 1
        node.full += 1
    taken = 0
    while node.held + taken < min(deeper, node.resident):
        shallow = node.shallow_run
        run = w.runs[shallow]
        part = min(run.hi, deeper) - run.lo
        run.lo += part
        taken += part
        if run.lo == run.hi:
            drop_node_run(w, i, shallow)
    node.held = max(node.held, deeper)
    if deeper > node.resident:
        note_change(w, i, entry.node)
        node.resident = deeper
    return taken


@kernel
def _let_go(w, i, entry, depth):
    node = w.nodes[i, entry.node]
    if depth == entry.end_block - entry.first_block:
        node.full -= 1
    else:
        node.partial -= 1
    if node.full > 0:
        return
    held = 0
    if node.partial > 0:
        instance = w.instances[i]
        held = _deepest_holder(w, entry, instance.first_ordered)
        if instance.leaving_size > 0:
            held = max(held, _deepest_holder(w, entry, instance.leaving.head))
        if instance.importing_size > 0:
            held = max(held, _deepest_holder(w, entry, instance.importing.head))
        if instance.exporting_size > 0:
            held = max(held, _deepest_holder(w, entry, instance.exporting.head))
    if held < node.held:
        w.instances[i].used_blocks -= node.held - held
        add_shallow(node, w.runs, push_tail(w, i, entry.node, held, node.held))
        node.held = held


@kernel
def _deepest_holder(w, entry, member):
    """The most blocks of a node that a member from `member` on which has not passed it yet holds."""
    deepest = 0
    while member != NONE:
        request = w.requests[member]
        if request.frontier < w.rows[member].path_end and w.path[request.frontier].node == entry.node:
            deepest = max(deepest, request.filled - entry.first_block)
        member = request.next
    return deepest


@kernel
def is_ordered(w, r):
    """Whether a batch member's place in the batch matters: it prefills, will fill shared blocks, or has drafts."""
    request = w.requests[r]
    drafts = w.engines[request.instance].drafts > 0
    return request.phase != DECODE or request.frontier < w.rows[r].path_end or drafts
