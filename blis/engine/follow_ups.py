"""Closed loops: whoever is answered lets others come, once their client has thought (architecture.md section 2)."""

from __future__ import annotations

from blis.engine import heap
from blis.engine.columns import COMPLETED_US, FIRST_TOKEN_US
from blis.engine.in_flight import is_over
from blis.engine.records import NEVER_US, NONE
from blis.jit import kernel


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
        if not is_over(w.requests[w.thoughts[0, 0].request].status):
            return w.thoughts[0, 0].key
        heap.remove(w.thoughts, 0, w.cluster.thoughts, 0)
        w.cluster.thoughts -= 1
    return NEVER_US


@kernel
def release_followers(w, r, now_us):
    """The request has got its answer, if its client still waits then: it is known when those arrive that follow it.

    The client has an answer when its last token is out with all overheads, as E2E counts it (Q6).
    """
    if len(w.rivals) > 0 and w.rivals[r] != NONE:
        return  # it is not known yet whose answer it gets
    if len(w.gave_up_us) > 0 and not _is_awaited(w, r, now_us):
        return
    for h in range(w.loops[r].first, w.loops[r].end):
        follower = w.followers[h]
        arrival_us = w.rows[r].arrival_us + e2e_us(w, r) + w.loops[follower].think_us
        w.rows[follower].arrival_us = arrival_us
        heap.push(w.releases, 0, w.cluster.released, arrival_us, follower, follower)
        w.cluster.cut |= arrival_us > w.config.horizon_us
        w.cluster.released += 1


@kernel
def _is_awaited(w, r, now_us):
    """Whether the client of a request that is completed has not given up, and will not before it has the answer."""
    asked_us = w.rows[r].arrival_us
    waits_us = w.config.first_token_timeout_us
    late = waits_us > 0 and asked_us + waits_us > now_us and first_token_after_us(w, r) >= waits_us
    late |= w.config.timeout_us > 0 and e2e_us(w, r) >= w.config.timeout_us
    return w.gave_up_us[r] == NEVER_US and not late


@kernel
def first_token_after_us(w, r):
    """From asking to the first token, or to the end of a request without any; NEVER_US if there is none yet."""
    token_us = w.times[FIRST_TOKEN_US, r]
    if token_us == NONE:
        return NEVER_US
    overhead_us = w.engines[w.requests[r].instance].overhead_us if w.rows[r].output_tokens > 0 else 0
    return token_us - w.rows[r].arrival_us + overhead_us


@kernel
def e2e_us(w, r):
    """From asking to the last token of a completed request, as its client counts."""
    return w.times[COMPLETED_US, r] - w.rows[r].arrival_us + answer_overhead_us(w, r)


@kernel
def answer_overhead_us(w, r):
    """What E2E has on top of the clock: an overhead for all that a step gave; in compat (Q4) the last one again."""
    tokens = w.rows[r].output_tokens
    if tokens == 0 and w.config.first_token_without_output:
        tokens = 1
    if len(w.accepted) > 0:
        tokens -= w.accepted[r]
    more_us = 0
    if w.config.last_gap_twice:
        tokens += 1
        more_us = w.requests[r].finish_us
    return more_us + tokens * w.engines[w.requests[r].instance].overhead_us
