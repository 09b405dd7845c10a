"""Faults in the KV cache: what a request holds, which blocks go first, the tier below, the signal."""

from __future__ import annotations

from tests.mutants import Mutant

_KV = "blis/engine/cache/kv.py"
_BLOCKS = "blis/engine/cache/blocks.py"
_TIER = "blis/engine/cache/tier.py"
_SIGNAL = "blis/engine/cache/signal.py"
_SLOTS = "blis/engine/cache/runs.py"
_ORACLE = ("tests/laws/test_engine_equals_oracle.py",)
_BY_HAND = ("tests/blis/engine/cache/test_kv.py",)
_ORDER = ("tests/blis/engine/cache/test_blocks.py",)
_TIER_TESTS = ("tests/blis/engine/cache/test_tier.py",)
_SHOWN = ("tests/blis/engine/cache/test_signal.py",)

MUTANTS = (
    Mutant(
        _KV,
        "first = private if request.detached else blocks",
        "first = tokens",
        _ORACLE,
        "full blocks without a key wait behind cached ones",
    ),
    Mutant(
        _KV,
        "if first > 0:\n        push_head(w, i, first)",
        "if first > 0:\n        push_tail(w, i, ANONYMOUS, 0, first)",
        ("tests/vectors/test_profiles.py",),
        "a block that is not full waits behind cached ones",
    ),
    Mutant(
        _KV,
        "return (tokens + block_tokens - 1) // block_tokens",
        "return (tokens + block_tokens) // block_tokens",
        _BY_HAND,
        "a full last block asks for one more",
    ),
    Mutant(_KV, "room = limit - cached", "room = limit + 1 - cached", _BY_HAND, "one cached block too many is used"),
    Mutant(
        _KV,
        "free += max(0, found - node.held)",
        "free += found",
        _BY_HAND,
        "blocks that somebody holds count as free ones to be attached",
    ),
    Mutant(
        _KV,
        "if found < size:",
        "if found < 0:",
        _BY_HAND,
        "a look-up goes on behind a block that is missing",
        equal="deeper blocks leave first, from the GPU and from the tier: nothing is behind one that is missing",
    ),
    Mutant(_KV, "free += found", "free += found + 1", _ORACLE, "an evicted request's own blocks count for one more"),
    Mutant(
        _KV,
        "instance.used_blocks += w.runs[own].hi - w.runs[own].lo",
        "instance.used_blocks += w.runs[own].hi",
        _ORACLE,
        "shared blocks before an evicted request's own count twice",
    ),
    Mutant(
        _KV,
        "depth = min(blocks, entry.end_block) - entry.first_block",
        "depth = entry.end_block - entry.first_block",
        _BY_HAND,
        "attaching a part of a node attaches all of it",
    ),
    Mutant(
        _KV,
        "discard(w, CPU, i, owner, cached - entry.first_block, recent_us)",
        "discard(w, CPU, i, owner, cached, recent_us)",
        _TIER_TESTS,
        "a reload takes blocks behind its end out of the tier",
    ),
    Mutant(
        _KV,
        "transfer_us(w.tiers[CPU, i], blocks)",
        "transfer_us(w.tiers[CPU, i], cached)",
        _TIER_TESTS,
        "blocks that are on the GPU are transferred, too",
    ),
    Mutant(
        _KV,
        "copies = min(deeper, w.nodes[i, entry.node].resident) - depth",
        "copies = 0",
        _BY_HAND,
        "a second copy of a content stays beside the first",
    ),
    Mutant(
        _KV,
        "push_head(w, i, copies)",
        "push_tail(w, i, ANONYMOUS, 0, copies)",
        _BY_HAND,
        "a block exchanged for its copy is the last to be taken",
    ),
    Mutant(
        _KV,
        "discard(w, CPU, i, node_owner(w, i, entry.node), deeper, NEVER_US)",
        "discard(w, CPU, i, node_owner(w, i, entry.node), depth, NEVER_US)",
        _ORACLE,
        "a content computed again stays in the tier below",
    ),
    Mutant(
        _KV,
        "first_token = w.rows[r].input_tokens if request.detached else 0",
        "first_token = 0",
        _ORACLE,
        "compat: a free full hit gives back blocks of its prompt that it never held",
    ),
    Mutant(
        _KV,
        "own = full - request.filled",
        "own = private",
        _ORACLE,
        "an evicted request finds its part-filled last block again",
    ),
    Mutant(
        _KV,
        "for p in range(last, w.rows[r].path_begin - 1, -1):",
        "for p in range(w.rows[r].path_begin, last + 1):",
        _BY_HAND,
        "a sequence is released from its beginning, which is evicted first",
    ),
    Mutant(_KV, "if node.full > 0:", "if node.full > 1:", _BY_HAND, "of two holders one does not count"),
    Mutant(_KV, "if node.partial > 0:", "if node.partial > 1:", _BY_HAND, "a single partial holder holds nothing"),
    Mutant(
        _KV,
        "deepest = max(deepest, request.filled - entry.first_block)",
        "deepest = request.filled - entry.first_block",
        _BY_HAND,
        "when the deepest partial holder leaves, the last one counts instead of the next deepest",
    ),
    Mutant(
        _KV,
        "deepest = max(deepest, request.filled - entry.first_block)",
        "deepest = max(deepest, entry.end_block - entry.first_block)",
        _BY_HAND,
        "when the deepest partial holder leaves, its blocks stay held",
    ),
    Mutant(
        _KV,
        "node.held = max(node.held, deeper)",
        "node.held = deeper",
        _BY_HAND,
        "a shallow newcomer lets go of a node",
    ),
    Mutant(
        _KV,
        "    if depth == 0:\n        node.partial += 1",
        "    if depth >= 0:\n        node.partial += 1",
        _ORACLE,
        "a holder that goes deeper counts once more",
        equal="the number of partial holders only saves a walk that would find none",
    ),
    Mutant(
        _KV,
        "return request.phase != DECODE or request.frontier < w.rows[r].path_end or drafts",
        "return request.phase != DECODE or drafts",
        _BY_HAND,
        "who generates shared content is skipped, and its blocks are found by nobody",
    ),
    Mutant(
        _BLOCKS,
        "if owner in (ANONYMOUS, SPENT) and tail != NONE and w.runs[tail].owner == owner:",
        "if owner in (ANONYMOUS, SPENT) and tail != NONE:",
        _ORDER,
        "empty blocks join the run of a node",
    ),
    Mutant(
        _BLOCKS,
        "if head != NONE and w.runs[head].owner == ANONYMOUS:",
        "if head != NONE:",
        _ORACLE,
        "an exchanged block joins the run of a node",
    ),
    Mutant(_BLOCKS, "instance.miss_blocks += count", "instance.miss_blocks += 1", _ORDER, "misses count calls"),
    Mutant(
        _BLOCKS,
        "w.nodes[i, run.owner].resident = run.hi",
        "w.nodes[i, run.owner].resident = run.lo",
        _ORDER,
        "evicting the last block of a run forgets all of it",
    ),
    Mutant(
        _BLOCKS,
        "if run.owner != ANONYMOUS and w.tiers[CPU, i].blocks > 0:",
        "if run.owner >= 0 and w.tiers[CPU, i].blocks > 0:",
        _TIER_TESTS,
        "a request's own blocks never reach the tier below",
    ),
    Mutant(
        _BLOCKS,
        "w.requests[OWNED - run.owner].own_run = NONE",
        "w.requests[OWNED - run.owner].own_run = head",
        _ORACLE,
        "an evicted request finds blocks that were taken from it",
    ),
    Mutant(
        _BLOCKS,
        "w.runs[before].hi += w.runs[after].hi - w.runs[after].lo",
        "w.runs[before].hi += w.runs[after].hi - w.runs[after].lo - 1",
        _ORDER,
        "a block is lost where two empty runs meet",
    ),
    Mutant(
        _TIER,
        "oldest.hi -= part",
        "oldest.lo += part",
        _TIER_TESTS,
        "the beginning of what is oldest leaves a full tier first",
    ),
    Mutant(
        _TIER,
        "(owner == SPENT or w.runs[tail].since_us == now_us)",
        "(owner == SPENT or w.runs[tail].since_us <= now_us)",
        _TIER_TESTS,
        "a block is as old as the one that came before it",
    ),
    Mutant(
        _TIER,
        "_append(w, t, i, owner, run.hi, run.hi + count, now_us)",
        "_append(w, t, i, owner, run.lo, run.lo + count, now_us)",
        _TIER_TESTS,
        "what is written back takes the place of what stays",
    ),
    Mutant(
        _TIER, "if run.since_us > recent_us:", "if run.since_us >= recent_us:", _TIER_TESTS, "a millisecond thrashes"
    ),
    Mutant(_TIER, "math.ceil(", "math.floor(", _TIER_TESTS, "a transfer ends before its last microsecond"),
    Mutant(
        _TIER,
        "w.below[t, oldest.owner].reach = oldest.hi",
        "w.below[t, oldest.owner].reach = oldest.lo",
        _TIER_TESTS,
        "an owner whose last block left the tier has lost all of the run",
    ),
    Mutant(
        _TIER,
        "part = min(run.hi, end) - run.lo",
        "part = run.hi - run.lo",
        _TIER_TESTS,
        "the tier gives away more than what the GPU has now",
    ),
    Mutant(
        _SIGNAL,
        "if past.stamp_us != w.cluster.cache_stamp_us:",
        "if past.stamp_us <= w.cluster.cache_stamp_us:",
        _SHOWN,
        "the signal shows the cache before its latest change, not at its instant",
    ),
    Mutant(
        _SIGNAL,
        "if w.path[p].end_block > prompt_blocks:",
        "if w.path[p].end_block > prompt_blocks + 1:",
        _SHOWN,
        "a generated block counts as one of the prompt",
    ),
    Mutant(
        _SIGNAL,
        "if found < w.path[p].end_block - w.path[p].first_block:",
        "if found < 0:",
        _SHOWN,
        "the signal counts blocks behind one that is missing",
        equal="deeper blocks leave first: nothing is behind one that is missing, at any instant",
    ),
    Mutant(_SLOTS, "run.up = NONE", "run.up = position", _ORACLE, "a run in a used slot keeps a neighbour"),
)
