"""The KV cache of an instance, counted in blocks per node instead of one by one (engine.md section 8).

A shared node keeps two numbers: its leading blocks that are cached (`resident`) and of these the ones
with a reference (`held`). Both are prefixes of the node because holders of a block hold all blocks
before it (8.7) and a chain is evicted from its end (8.6). What follows the shared nodes of a sequence
belongs to one request alone and is only a number of blocks.
"""

from __future__ import annotations

from blis.engine.blocks import drop, drop_node_run, push_head, push_tail
from blis.engine.records import ANONYMOUS, DECODE, NONE, OWNED
from blis.jit import kernel


@kernel
def blocks_for(tokens, block_tokens):
    """How many blocks so many tokens need."""
    return (tokens + block_tokens - 1) // block_tokens


@kernel
def lookup(w, i, r, limit):
    """How many leading blocks of a request are cached, at most `limit`, and how many of these are free."""
    cached = 0
    free = 0
    for p in range(w.rows[r].path_begin, w.rows[r].path_end):
        room = limit - cached
        if room <= 0:
            return cached, free
        node = w.nodes[i, w.path[p].node]
        found = min(min(node.resident, w.path[p].end_block - w.path[p].first_block), room)
        cached += found
        free += max(0, found - node.held)
        if found < w.path[p].end_block - w.path[p].first_block:
            return cached, free
    own = w.requests[r].own_run
    if own != NONE:
        found = min(w.runs[own].hi - cached, limit - cached)
        cached += found
        free += found
    return cached, free


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
def fill(w, i, r, blocks):
    """Key the request's blocks up to number `blocks`, all full now, for others to find.

    Where the same content is cached already the request refers to that copy and its own block becomes
    the next one to be taken (one keyed copy per content, engine.md 8.7).
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
        _advance(request, entry, deeper)


@kernel
def release(w, i, r, tokens, evicted):
    """Free the blocks of a request with `tokens` stored tokens that has left the batch, last block first."""
    request = w.requests[r]
    instance = w.instances[i]
    first_token = w.rows[r].input_tokens if request.detached else 0
    private = blocks_for(tokens - first_token, w.config.block_tokens) - request.filled
    instance.used_blocks -= private
    own = tokens // w.config.block_tokens - request.filled
    if evicted and not request.detached and own > 0:
        private -= own
    else:
        own = 0
    if private > 0:
        push_tail(w, i, ANONYMOUS, 0, private)
    if own > 0:
        request.own_run = push_tail(w, i, OWNED - r, request.filled, request.filled + own)
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
    node.resident = max(node.resident, deeper)
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
        held = _deepest_holder(w, entry, w.instances[i].first_ordered)
    if held < node.held:
        w.instances[i].used_blocks -= node.held - held
        new = push_tail(w, i, entry.node, held, node.held)
        w.runs[new].down = node.shallow_run
        if node.shallow_run == NONE:
            node.deep_run = new
        else:
            w.runs[node.shallow_run].up = new
        node.shallow_run = new
        node.held = held


@kernel
def _deepest_holder(w, entry, member):
    """The most blocks of a node that a batch member which has not passed it yet holds."""
    deepest = 0
    while member != NONE:
        request = w.requests[member]
        if request.frontier < w.rows[member].path_end and w.path[request.frontier].node == entry.node:
            deepest = max(deepest, request.filled - entry.first_block)
        member = request.batch_next
    return deepest


@kernel
def is_ordered(w, r):
    """Whether a batch member's place in the batch matters: it prefills or will fill shared blocks."""
    return w.requests[r].phase != DECODE or w.requests[r].frontier < w.rows[r].path_end
