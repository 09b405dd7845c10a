"""The cache signal: what an instance's cache held of a prompt at the latest instant of the signal's grid.

Nobody copies caches. Instances are brought to the instant and no further before it is read, so whatever a
node changes from then on happened later: its first change notes what was there before.
"""

from __future__ import annotations

from blis.jit import kernel


@kernel
def note_change(w, i, node):
    """Call before the cached blocks of a node change."""
    if w.config.keeps_past:
        past = w.past[i, node]
        if past.stamp_us != w.cluster.cache_stamp_us:
            past.stamp_us = w.cluster.cache_stamp_us
            past.blocks = w.nodes[i, node].resident


@kernel
def cached_blocks(w, i, r):
    """How many leading full blocks of a prompt the signal shows on instance i."""
    cached = 0
    prompt_blocks = w.rows[r].input_tokens // w.config.block_tokens
    for p in range(w.rows[r].path_begin, w.rows[r].path_end):
        if w.path[p].end_block > prompt_blocks:
            break  # generated tokens: nodes are split where prompts end
        node = w.path[p].node
        found = w.nodes[i, node].resident
        if w.config.keeps_past and w.past[i, node].stamp_us == w.cluster.cache_stamp_us:
            found = w.past[i, node].blocks
        cached += found
        if found < w.path[p].end_block - w.path[p].first_block:
            break
    return cached
