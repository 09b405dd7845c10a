"""The router's own guess of what each instance has cached: an LRU of prompt blocks (cluster-and-policies.md 4.4).

Touching a request's prompt moves every block of each node on its path to the young end, so a node is
always one entry: its leading blocks if leaves age first (the default), its trailing blocks if roots do
(`compat: original`). Blocks of a request's own text are never asked for again and only take up room.
Slots below S are nodes; anonymous slots follow, at most one between two nodes.
A block is one of the router's own size: paths come in such blocks, each in the node in which it ends, so what two
prompts share are the blocks of the nodes they share, whatever the size.
"""

from __future__ import annotations

from blis.engine import links
from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def prompt_blocks(w, r):
    """How many full blocks of a prompt the index looks at."""
    return min(w.rows[r].input_tokens // w.config.index_block_tokens, w.config.index_max_blocks)


@kernel
def matched_blocks(w, i, r):
    """How many consecutive leading blocks of the prompt that is asked about the index holds for instance i."""
    matched = 0
    blocks = w.ask.prompt_blocks
    for p in range(w.index_rows[r].path_begin, w.index_rows[r].path_end):
        if w.index_path[p].end_block > blocks:
            break  # generated tokens: nodes are split where prompts end
        found = w.prefix_index[i, w.index_path[p].node].blocks
        size = w.index_path[p].end_block - w.index_path[p].first_block
        if found < size:
            # With roots first, what is missing is the node's beginning.
            return matched if w.config.index_root_first else matched + found
        matched += size
    return matched


@kernel
def record(w, i, r):
    """Note that a request went to instance i: its full prompt blocks become the youngest."""
    begin = w.index_rows[r].path_begin
    end = begin
    blocks = w.ask.prompt_blocks
    private = blocks
    while end < w.index_rows[r].path_end and w.index_path[end].end_block <= blocks:
        private = blocks - w.index_path[end].end_block
        end += 1
    if w.config.index_root_first:
        for p in range(begin, end):
            _touch(w, i, w.index_path[p].node, w.index_path[p].end_block - w.index_path[p].first_block)
        _add_private(w, i, private)
    else:
        _add_private(w, i, private)
        for p in range(end - 1, begin - 1, -1):
            _touch(w, i, w.index_path[p].node, w.index_path[p].end_block - w.index_path[p].first_block)


@kernel
def _touch(w, i, node, size):
    """Make all `size` blocks of a node the youngest. Missing ones come in first, each for the oldest if full."""
    instance = w.instances[i]
    young = 0  # blocks of the node already placed at the young end
    missing = size - w.prefix_index[i, node].blocks
    while missing > 0:
        room = w.config.index_blocks - instance.index_used
        if room > 0:
            part = min(room, missing)
            instance.index_used += part
            young += part
            missing -= part
            continue
        oldest = instance.index.head
        if oldest == NONE:
            break  # the node alone is larger than the index: its own oldest blocks make room, count unchanged
        if oldest == node:
            # Its own old blocks leave one by one for new ones, which makes as many more missing: no progress
            # until none is left.
            young += w.prefix_index[i, node].blocks
            _unlink(w, i, node)
            w.prefix_index[i, node].blocks = 0
        else:
            part = min(missing, w.prefix_index[i, oldest].blocks)
            instance.index_used -= part
            w.prefix_index[i, oldest].blocks -= part
            if w.prefix_index[i, oldest].blocks == 0:
                _unlink(w, i, oldest)
    if w.prefix_index[i, node].blocks > 0:
        _unlink(w, i, node)
    w.prefix_index[i, node].blocks = min(w.prefix_index[i, node].blocks + young, w.config.index_blocks)
    links.push_tail(instance.index, w.prefix_index[i], node)


@kernel
def _add_private(w, i, count):
    """Insert `count` blocks nobody will ask for again; the oldest go if there is no room."""
    if count <= 0:
        return
    instance = w.instances[i]
    count = min(count, w.config.index_blocks)
    surplus = instance.index_used + count - w.config.index_blocks
    while surplus > 0:
        oldest = instance.index.head
        part = min(surplus, w.prefix_index[i, oldest].blocks)
        surplus -= part
        instance.index_used -= part
        w.prefix_index[i, oldest].blocks -= part
        if w.prefix_index[i, oldest].blocks == 0:
            _unlink(w, i, oldest)
    instance.index_used += count
    tail = instance.index.tail
    if tail >= w.config.index_nodes:
        w.prefix_index[i, tail].blocks += count
        return
    entries = w.prefix_index[i]
    slot = links.take_slot(instance.index_slots, entries)
    entries[slot].blocks = count
    links.push_tail(instance.index, entries, slot)


@kernel
def _unlink(w, i, slot):
    """Take an entry out of the list; private neighbours that meet become one."""
    before = w.prefix_index[i, slot].prev
    after = w.prefix_index[i, slot].next
    _remove(w, i, slot)
    if before >= w.config.index_nodes and after >= w.config.index_nodes:
        w.prefix_index[i, before].blocks += w.prefix_index[i, after].blocks
        _remove(w, i, after)


@kernel
def _remove(w, i, slot):
    instance = w.instances[i]
    links.unlink(instance.index, w.prefix_index[i], slot)
    if slot >= w.config.index_nodes:
        links.give_back(instance.index_slots, w.prefix_index[i], slot)
