"""How fresh the control plane's view of the instances is (default-problem.md section 1).

A signal of age a is read at the latest instant k * a that is not after now, in the state before that
instant's events; at age 0 it is live. Readings come in the order of time, because instances only go forward.
"""

from __future__ import annotations

from blis.engine.agenda import first_before, note, soonest_other_us, soonest_us
from blis.engine.gateway.adapters import read_adapters
from blis.engine.gateway.due import next_due_us
from blis.engine.gateway.records import BATCH, CACHE, END, GIVE_UP, GO_ON, KV, LOOK, LORA, QUEUE, SAMPLE
from blis.engine.instance.step import advance, next_us
from blis.engine.instance.transfer import end_transfer
from blis.engine.observe import sample_wanted, take_sample
from blis.engine.records import DONE, NEVER_US
from blis.jit import kernel
from blis.policies.registry import VIEW


@kernel
def refresh(w, now_us, event):
    """Take the readings that an event at `now_us` wants, one instant after the other. May halt before any of them.

    Here alone instances advance: every call of a kernel is a copy of it.
    """
    while True:
        due_us, due = _next_reading(w, now_us, event)
        if due == 0:
            return
        _advance_all(w, due_us)
        if w.cluster.halt == DONE:
            _read(w, due, due_us, event)
        if w.cluster.halt != DONE:
            return


@kernel
def _next_reading(w, now_us, event):
    """The earliest instant up to now at which something has to be read for an event, and all that is due then."""
    earliest_us = NEVER_US
    due = 0
    for s in range(len(w.signals)):
        signal = w.signals[s]
        if now_us < signal.next_us or not signal.readers & event:
            continue
        if signal.kind == SAMPLE:
            due_us = signal.next_us  # every one counts, not only the latest
        elif signal.lazy or signal.age_us == 0:
            due_us = now_us
        else:
            due_us = now_us // signal.age_us * signal.age_us
        if due_us < earliest_us or due == 0:
            earliest_us = due_us
            due = 0
        if due_us == earliest_us:
            due |= 1 << s
    return earliest_us, due


@kernel
def _advance_all(w, until_us):
    """Run all events of all instances before `until_us`. May stop early: look at cluster.halt."""
    until_us = min(until_us, w.config.horizon_us + 1)
    while soonest_us(w.agenda) < until_us:
        if w.config.apart and w.cluster.transfers > 0 and w.transfers[0, 0].key == soonest_us(w.agenda):
            end_transfer(w, w.transfers[0, 0].key)
            _show_all(w)
        else:
            i, end_us = _next_to_go_on(w, until_us)
            advance(w, i, end_us)
            show(w, i)
            if w.cluster.meets:
                _show_all(w)
        if w.cluster.halt != DONE:
            return


@kernel
def _next_to_go_on(w, until_us):
    """An instance that does something before `until_us`, and how far it may go on.

    Any, and as far as that, where none has anything to do with another. Else the soonest of all, and only until another
    does something, or the links: that may change what it does.
    """
    if not w.config.apart:
        return first_before(w.agenda, until_us), until_us
    now_us = soonest_us(w.agenda)
    i = first_before(w.agenda, now_us + 1)
    return i, min(until_us, max(soonest_other_us(w.agenda, i), now_us + 1))


@kernel
def _show_all(w):
    """Several instances have met: note of all of them what they do next, and who is there."""
    w.cluster.meets = 0
    for i in range(w.config.instances):
        show(w, i)
    w.cluster.unrated = w.config.instances


@kernel
def _read(w, due, now_us, event):
    """Take the readings that `due` names, bits in the order of w.signals. May halt before it has begun."""
    kinds = 0
    for s in range(len(w.signals)):
        if due >> s & 1:
            kinds |= w.signals[s].kind
    last = event == END or (event in (GO_ON, GIVE_UP) and not w.cluster.expects and w.cluster.released == 0)
    over = last and not sample_wanted(w, now_us) and next_due_us(w) == NEVER_US
    if kinds & SAMPLE and not over:
        take_sample(w, now_us)
        if w.cluster.halt != DONE:
            return
    if kinds:
        w.cluster.unrated = w.config.instances
        for i in range(w.config.instances):
            if not w.instances[i].down:  # nobody reads it then
                copy(w, i, kinds)
                if kinds & LORA:
                    read_adapters(w, i)
    if kinds & CACHE:
        w.cluster.cache_stamp_us = now_us
    for s in range(len(w.signals)):
        if due >> s & 1:
            ended = over and w.signals[s].kind == SAMPLE
            w.signals[s].next_us = NEVER_US + 1 if ended else now_us + max(w.signals[s].age_us, 1)
            w.signals[s].changes = w.cluster.changes


@kernel
def next_news_us(w):
    """The first instant at which a look can see something that the one just done did not, if nobody comes or goes.

    A reading shows what instances did before its instant: what the one that comes next does is news to the first
    reading after it. One that was taken before the latest change is news itself when it is taken again.
    """
    event_us = soonest_us(w.agenda)
    news_us = NEVER_US
    for s in range(len(w.signals)):
        signal = w.signals[s]
        if signal.kind == SAMPLE or not signal.readers & LOOK:
            continue
        seen_us = signal.next_us
        if signal.changes == w.cluster.changes and not signal.lazy:  # a lazy one is due by when it was last read
            age_us = max(signal.age_us, 1)
            seen_us = event_us // age_us * age_us + age_us if event_us < NEVER_US else NEVER_US
        news_us = min(news_us, seen_us)
    return news_us


@kernel
def copy(w, i, kinds):
    """Show what the reading of these kinds brings of instance i, which is not down."""
    view = w.views[i]
    instance = w.instances[i]
    if kinds & QUEUE:
        view.queue_depth = instance.queue_depth + instance.importing_size
    if kinds & BATCH:
        view.batch_size = instance.batch_size
    if kinds & KV:
        view.kv_utilization = instance.used_blocks / w.engines[i].blocks
        view.free_blocks = w.engines[i].blocks - instance.used_blocks


@kernel
def show(w, i):
    """Instance i has gone on, or somebody has left it: show what is always seen as it is."""
    if w.config.live:
        copy(w, i, w.config.live)
        _unrate(w, i)
    note_changed(w, i)


@kernel
def note_changed(w, i):
    """Instance i has gone on, or somebody has been sent there: note when it does something next, and who is there."""
    note(w.agenda, i, next_us(w, i))
    view = w.views[i]
    instance = w.instances[i]
    if w.config.reads_pending and view.pending != instance.pending:
        view.pending = instance.pending
        _unrate(w, i)
    in_flight = instance.routed - instance.completed - instance.dropped - instance.lost - instance.abandoned
    if w.config.reads_in_flight and (view.in_flight != in_flight or view.in_flight_tokens != instance.in_flight_tokens):
        view.in_flight = in_flight
        view.in_flight_tokens = instance.in_flight_tokens
        _unrate(w, i)


@kernel
def _unrate(w, i):
    """The view of instance i has changed."""
    if w.config.scores_depend == VIEW and w.cluster.unrated < w.config.instances:
        w.unrated[w.cluster.unrated] = i
        w.cluster.unrated += 1
    else:
        w.cluster.unrated = w.config.instances
