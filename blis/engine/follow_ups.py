"""Closed loops: whoever is answered lets others come, once their client has thought (architecture.md section 2)."""

from __future__ import annotations

from blis.engine import heap
from blis.engine.columns import COMPLETED_US
from blis.engine.records import NEVER_US
from blis.jit import kernel
from blis.tables.records import COMPLETED, DROPPED, LOST


@kernel
def note_followed(w, r):
    """The request is sent to an instance for the first time: from now on its answer may let others come."""
    if w.loops[r].soonest_us > 0 and not sent_again(w, r):
        heap.push(w.thoughts, 0, w.cluster.thoughts, w.loops[r].soonest_us, r, r)
        w.cluster.thoughts += 1


@kernel
def sent_again(w, r):
    """Whether an instance has failed under the request before."""
    return len(w.retries) > 0 and w.retries[r] > 0


@kernel
def shortest_thought_us(w):
    """The least that a client thinks who waits for an answer of an instance, NEVER_US if none does."""
    while w.cluster.thoughts > 0:
        status = w.requests[w.thoughts[0, 0].request].status
        if status != COMPLETED and status != DROPPED and status != LOST:
            return w.thoughts[0, 0].key
        heap.remove(w.thoughts, 0, w.cluster.thoughts, 0)
        w.cluster.thoughts -= 1
    return NEVER_US


@kernel
def release_followers(w, r):
    """The request has got its answer: it is known when those arrive that follow it.

    The client has an answer when its last token is out with all overheads, as E2E counts it (Q6).
    """
    for h in range(w.loops[r].first, w.loops[r].end):
        follower = w.followers[h]
        arrival_us = w.times[COMPLETED_US, r] + answer_overhead_us(w, r) + w.loops[follower].think_us
        w.rows[follower].arrival_us = arrival_us
        heap.push(w.releases, 0, w.cluster.released, arrival_us, follower, follower)
        w.cluster.cut |= arrival_us > w.config.horizon_us
        w.cluster.released += 1


@kernel
def answer_overhead_us(w, r):
    """What E2E has on top of the clock: an overhead for every token; with compat's Q4 the last step once more."""
    tokens = w.rows[r].output_tokens
    if tokens == 0 and w.config.first_token_without_output:
        tokens = 1
    more_us = 0
    if w.config.last_gap_twice:
        tokens += 1
        more_us = w.requests[r].finish_us
    return more_us + tokens * w.engines[w.requests[r].instance].overhead_us
