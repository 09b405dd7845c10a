"""The control plane: what it decides next, who gets in, and who goes where.

Cluster-and-policies.md section 2, docs/policies.md sections 3 and 4.
"""

from __future__ import annotations

from blis.engine import heap
from blis.engine.columns import REASON, ROUTED_US
from blis.engine.follow_ups import note_followed
from blis.engine.gateway.arrivals import next_arrival, row_of, settled_us, take_arrival
from blis.engine.gateway.asking import tell_failed
from blis.engine.gateway.autoscaling import activate, live_on
from blis.engine.gateway.breakers import note_try
from blis.engine.gateway.clients import give_up_due
from blis.engine.gateway.due import next_due_us
from blis.engine.gateway.facts import allow, ask_about, is_cold, match, remember
from blis.engine.gateway.fleet import next_life_us
from blis.engine.gateway.hedge_times import is_new_copy, undecided_until_us
from blis.engine.gateway.hedging import begin_race, give_up_copy, hedge_due, watch
from blis.engine.gateway.lives import earn, lose
from blis.engine.gateway.queue import begin_look, join_gateway, leave_gateway, next_dispatched, refuse
from blis.engine.gateway.records import (
    ADMISSION,
    DECODE_PROFILE,
    END,
    GIVE_UP,
    GO_ON,
    LOOK,
    NO_LOOK,
    PREFILL_PROFILE,
    RETRY,
    ROUTING,
)
from blis.engine.gateway.signals import note_changed
from blis.engine.in_flight import note_admitted, note_sent
from blis.engine.instance.transfer import begin_prefill, queueing_us
from blis.engine.observe import keep_decision
from blis.engine.records import GROW_TRANSIT, NEVER, NEVER_US, NONE, PREFILLS, UNCACHED
from blis.jit import kernel
from blis.policies.admission import ADMISSION as ADMISSION_POLICIES
from blis.policies.filters import FILTERS
from blis.policies.registry import REQUEST
from blis.policies.routing import ROUTING as ROUTING_POLICIES
from blis.tables.records import ABANDONED, IN_TRANSIT, NO_INSTANCE, POLICY, REJECTED

_admits = ADMISSION_POLICIES.dispatcher()
_rate = ROUTING_POLICIES.dispatcher()
_keep = FILTERS.dispatcher()


@kernel
def next_event(w):
    """Time and kind of the next event of the control plane; END if there is none up to the horizon.

    GO_ON before one that somebody might precede whom an answer releases: instances go on, and then it is known. GO_ON,
    too, when an instance fails, serves again, comes or goes: before everything else at its instant. Next there comes
    GIVE_UP, which is also that of copies.
    """
    now_us, event = _next_known(w)
    expects = now_us < NEVER_US or (w.config.lives and w.cluster.waiting > 0)
    due_us = next_due_us(w)
    if due_us <= now_us and due_us < NEVER_US:
        w.cluster.expects = expects
        now_us = due_us
        event = GIVE_UP
    known_us = settled_us(w) if w.config.closed else NEVER_US
    if len(w.rivals) > 0:
        known_us = min(known_us, undecided_until_us(w))
    if w.config.lives:
        known_us = min(known_us, next_life_us(w, now_us))
    if now_us >= known_us and known_us <= w.config.horizon_us:
        w.cluster.expects = expects
        return known_us, GO_ON
    if now_us > w.config.horizon_us:
        w.cluster.cut |= now_us < NEVER_US
        return NEVER_US, END
    return now_us, event


@kernel
def _next_known(w):
    """Time and kind of the next event of those that are known; at one instant admissions come first."""
    admission_us = NEVER_US
    comes = next_arrival(w)
    if comes != NONE:
        admission_us = w.rows[comes].arrival_us + w.config.admission_latency_us
    later_us = NEVER_US
    later = ROUTING
    if w.config.flow_control:
        later = LOOK
        if w.cluster.looking != NO_LOOK:
            return w.cluster.look_us, LOOK
        if w.cluster.waiting > 0:
            later_us = w.cluster.next_look_us
    else:
        while w.cluster.next_routing < w.cluster.next_admission and w.requests[
            row_of(w, w.cluster.next_routing)
        ].status in (REJECTED, ABANDONED):
            w.cluster.next_routing += 1
        if w.cluster.next_routing < w.cluster.next_admission:
            latency_us = w.config.admission_latency_us + w.config.routing_latency_us
            later_us = w.rows[row_of(w, w.cluster.next_routing)].arrival_us + latency_us
    if w.cluster.again > 0:
        again_us = w.again[0, 0].key
        if again_us < later_us or (again_us == later_us and later == LOOK):
            later_us = again_us
            later = RETRY
    return min(admission_us, later_us), ADMISSION if admission_us <= later_us else later


@kernel
def decide(w, now_us, event):
    """Decide on the next request, if there is one. All readings up to now have been taken."""
    if event == GO_ON:
        live_on(w, now_us)
        return
    if event == GIVE_UP:
        give_up_due(w, now_us)
        if len(w.rivals) > 0:
            hedge_due(w, now_us)
        return
    w.cluster.decided_us = now_us
    r = _subject(w, now_us, event)
    if r == NONE:
        return
    ask_about(w, r, now_us, event)
    if event == ADMISSION:
        _admit(w, r, now_us)
    else:
        _route(w, r, now_us, event)


@kernel
def _subject(w, now_us, event):
    """The request an event is about; a look may find none."""
    if event == ADMISSION:
        return next_arrival(w)
    if event == ROUTING:
        return row_of(w, w.cluster.next_routing)
    if event == RETRY:
        return w.again[0, 0].request
    begin_look(w, now_us)
    return next_dispatched(w)


@kernel
def _admit(w, r, now_us):
    """Let a request in or reject it."""
    take_arrival(w, r)
    w.ask.retry_after_us = NONE
    reason = POLICY
    admitted = False
    if _nobody(w):
        reason = NO_INSTANCE
        admitted = _may_wait(w, r)
    else:
        admitted = _admits(w.config.admission, w.params, w.memory, w.views, w.ask)
    if not admitted:
        w.requests[r].status = REJECTED
        w.counts[REASON, r] = reason
        w.cluster.rejected += 1
        _tell(w, r, w.ask.retry_after_us)
        tell_failed(w, r, now_us)
        return
    _tell(w, r, NONE)  # in a live run another was told something in this place
    w.requests[r].status = IN_TRANSIT
    note_admitted(w, r)
    if w.config.flow_control:
        join_gateway(w, r, now_us)
        if w.requests[r].status == IN_TRANSIT:
            activate(w, now_us)


@kernel
def _tell(w, r, retry_after_us):
    """When to come back, if anybody is ever told."""
    if len(w.retry_after_us) > 0:
        w.retry_after_us[r] = retry_after_us


@kernel
def _route(w, r, now_us, event):
    """Send an admitted request to the best instance, or first to another one that computes its prompt."""
    new_copy = is_new_copy(w, r)
    if (w.config.lives or new_copy) and _nobody(w):
        _take_up(w, r, event)
        if new_copy:
            give_up_copy(w, r)
        else:
            refuse(w, r, NO_INSTANCE, now_us)
        return
    target = NONE
    helper = NONE
    cold = False
    helper_cold = False
    for profile in range(len(w.profiles)):
        if profile == PREFILL_PROFILE and not asks_for_prefill(w, r, target):
            break
        i = choose(w, r, profile)
        if profile == PREFILL_PROFILE:
            helper = i
            helper_cold = is_cold(w)
            continue
        target = i
        cold = is_cold(w)
        if w.instances[i].pending >= w.transit.shape[1]:
            w.cluster.halt = GROW_TRANSIT
            return
        if w.config.keeps_decisions:
            keep_decision(w, r)
    _take_up(w, r, event)
    for profile in range(1 + (helper != NONE)):
        if profile == PREFILL_PROFILE:
            w.cluster.prefill_turn += 1
            remember(w, r, helper, profile, helper_cold, helper == target)
        else:
            remember(w, r, target, profile, cold, False)
    if new_copy:
        begin_race(w, r)
    send(w, r, target, NONE if helper == target else helper, now_us)


@kernel
def _take_up(w, r, event):
    """The request waits for its routing no more."""
    if event == RETRY:
        heap.remove(w.again, 0, w.cluster.again, 0)
        w.cluster.again -= 1
    elif w.config.flow_control:
        leave_gateway(w, r)
    else:
        w.cluster.next_routing += 1


@kernel
def _nobody(w):
    """Whether no instance may run the request."""
    if not w.config.placed and not w.config.lives and not w.config.apart and len(w.rivals) == 0:
        return False
    eligible = 0
    for i in range(w.config.instances):
        eligible += w.views[i].eligible
    return eligible == 0


@kernel
def _may_wait(w, r):
    """Whether a request that nobody may run now waits at the gateway for one that comes: all instances are alike."""
    if len(w.fleet) == 0 or not w.config.flow_control:
        return False
    return not w.config.placed or w.places[w.traits[r].placement, 0].eligible == 1


@kernel
def asks_for_prefill(w, r, target):
    """Whether another instance than `target`, which generates, is asked for the prompt of the request.

    Then the views say who may be.
    """
    if w.config.decider == NEVER:
        return False
    if w.config.decider == UNCACHED:
        cached_tokens = w.views[target].matched_blocks * w.config.index_block_tokens
        if w.rows[r].input_tokens - cached_tokens < w.config.uncached_tokens:
            return False
    allow(w, r, PREFILLS)
    return not _nobody(w)


@kernel
def choose(w, r, profile):
    """The best instance for the request that is asked about, to generate or to compute its prompt."""
    match(w, r, profile)
    _filter(w, profile)
    _rate_views(w, profile)
    return _pick(w, r, profile)


@kernel
def send(w, r, i, helper, now_us):
    """The request is on its way to instance i, where there is room for it in transit; one that is down refuses it.

    helper: the instance that computes its prompt first, NONE if i does. The router has remembered where it goes.
    """
    instance = w.instances[i]
    earn(w, r)
    note_try(w, i, now_us)
    watch(w, r, now_us)
    w.cluster.turn += 1
    w.requests[r].instance = i
    w.times[ROUTED_US, r] = now_us
    note_sent(w, i, r)
    if w.config.closed:
        note_followed(w, r)
    instance.routed += 1
    if helper != NONE:
        note_changed(w, i)
        r = begin_prefill(w, r, helper, now_us)
        i = helper
        instance = w.instances[i]
        instance.routed += 1
    instance.last_event_us = max(instance.last_event_us, now_us)
    if instance.down:
        lose(w, i, r, now_us)
        note_changed(w, i)
        return
    queued_us = now_us + queueing_us(w, i, r)
    heap.push(w.transit, i, instance.pending, queued_us, w.cluster.turn, r)
    instance.pending += 1
    note_changed(w, i)


@kernel
def _rate_views(w, profile):
    """Bring the scores up to now: of all instances, or of those alone whose views have changed."""
    how = w.profiles[profile]
    codes = w.codes[profile, : how.scorers]
    weights = w.weights[profile, : how.weights]
    whole = w.cluster.unrated == w.config.instances
    while w.cluster.unrated > 0:
        first = 0 if whole else w.unrated[w.cluster.unrated - 1]
        end = w.config.instances if whole else first + 1
        _rate(how.routing, w.template[profile], w.views[first:end], w.ask, codes, weights)
        w.cluster.unrated = 0 if whole else w.cluster.unrated - 1
    if w.config.scores_depend == REQUEST:
        w.cluster.unrated = w.config.instances


@kernel
def _filter(w, profile):
    """Narrow down the eligible instances, one filter after the other; one that would leave nobody does nothing."""
    for f in range(w.profiles[profile].filters):
        _keep(int(w.filters[profile, f, 0]), w.filters[profile, f, 1:], w.views, w.ask)
        kept = 0
        for i in range(w.config.instances):
            kept += w.views[i].eligible and w.views[i].keep
        if kept > 0:
            for i in range(w.config.instances):
                w.views[i].eligible = w.views[i].eligible and w.views[i].keep


@kernel
def _pick(w, r, profile):
    """The instance that the scores say, unless this request is forced elsewhere."""
    if r == w.config.forced_row and profile == DECODE_PROFILE:
        return w.config.forced_instance
    if w.profiles[profile].weighted_picker:
        return draw(w.views, w.ask.picker)
    return best(w.views, w.rows[r].uniform if w.profiles[profile].random_ties else 0.0)


@kernel
def best(views, uniform):
    """The eligible instance with the highest score; of n exactly equal ones number floor(uniform * n) by index."""
    top = 0.0
    ties = 0
    for i in range(len(views)):
        if not views[i].eligible:
            continue
        if ties == 0 or views[i].score > top:
            top = views[i].score
            ties = 1
        elif views[i].score == top:
            ties += 1
    skip = min(int(uniform * ties), ties - 1)
    for i in range(len(views)):
        if views[i].eligible and views[i].score == top:
            if skip == 0:
                return i
            skip -= 1
    return 0


@kernel
def draw(views, uniform):
    """An eligible instance with a probability in proportion to its score; equally likely if all scores are zero."""
    total = 0.0
    count = 0
    for i in range(len(views)):
        if views[i].eligible:
            total += views[i].score
            count += 1
    last = 0
    passed = 0.0
    skip = int(uniform * count)
    for i in range(len(views)):
        if not views[i].eligible:
            continue
        last = i
        passed += views[i].score
        if total > 0.0 and passed > uniform * total:
            return i
        if total == 0.0 and skip == 0:
            return i
        skip -= 1
    return last
