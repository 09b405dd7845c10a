"""The autoscaler: what it sees, what it recommends, and how much of that it does at once (docs/autoscaling.md).

The rules are those of the Kubernetes HorizontalPodAutoscaler with external metrics of type AverageValue.
"""

from __future__ import annotations

import math

from blis.engine.gateway.fleet import be_gone, is_idle, plan_turn, start_one, take_one_away, take_turns
from blis.engine.gateway.lives import change_lives
from blis.engine.records import DONE, GROW_LOOKS, GROW_TURNS
from blis.jit import kernel
from blis.tables.records import DRAINING, LOADING, READY


@kernel
def live_on(w, now_us):
    """All that happens to instances at this instant: who fails or serves, who is ready or gone, who comes or goes.

    May halt before any of it.
    """
    change_lives(w, now_us)
    if len(w.fleet) == 0 or w.cluster.next_fleet_us != now_us or w.cluster.halt != DONE:
        return
    take_turns(w, now_us)
    if w.cluster.halt != DONE:
        return
    if w.cluster.next_sync_us == now_us:
        if _lacks_room(w):
            return
        _sync(w, now_us)
        w.cluster.next_sync_us = now_us + w.scaling[0].sync_us
    plan_turn(w)


@kernel
def _lacks_room(w):
    """Whether what may be noted until the next look is done has no place: twice a start and an end of each instance."""
    if w.cluster.fleet_turns + 8 * len(w.fleet) + 8 > len(w.fleet_turns):
        w.cluster.halt = GROW_TURNS
    elif w.cluster.fleet_looks == len(w.fleet_looks):
        w.cluster.halt = GROW_LOOKS
    return w.cluster.halt != DONE


@kernel
def activate(w, now_us):
    """Somebody waits: where no instance is there or comes, one is started at once."""
    if len(w.fleet) > 0 and _current(w) == 0:
        start_one(w, now_us)


@kernel
def _sync(w, now_us):
    """Look at what there is to do, and let instances come or go."""
    for i in range(len(w.fleet)):
        if w.fleet[i].state == DRAINING and is_idle(w, i, now_us):
            be_gone(w, i, now_us)
    current = _current(w)
    look = w.fleet_looks[w.cluster.fleet_looks]
    look.time_us = now_us
    look.current = current
    look.recommended = _recommended(w, current, now_us)
    look.change = 0
    w.cluster.fleet_looks += 1
    if current > 0:
        wanted = _limited(w, current, _stabilized(w, current, now_us), now_us)
        while look.change < wanted - current and start_one(w, now_us):
            look.change += 1
        while look.change > wanted - current:
            take_one_away(w, now_us)
            look.change -= 1
    elif look.recommended > 0:
        start_one(w, now_us)
    for i in range(len(w.fleet)):
        w.fleet[i].busy_us = _busy_us(w, i, now_us)
    w.cluster.arrived = w.cluster.next_admission
    w.cluster.synced_us = now_us


@kernel
def _current(w):
    """Instances that load or are ready."""
    current = 0
    for i in range(len(w.fleet)):
        current += w.fleet[i].state in (LOADING, READY)
    return current


@kernel
def _recommended(w, current, now_us):
    """The most instances that any target asks for, within the limits; one at least while there is somebody."""
    scaling = w.scaling[0]
    waiting = w.cluster.waiting + 0.0
    running = 0.0
    kv = 0.0
    busy = 0.0
    elapsed_us = now_us - w.cluster.synced_us
    for i in range(len(w.fleet)):
        instance = w.instances[i]
        if w.fleet[i].state != READY or instance.down != 0:
            continue
        waiting += instance.queue_depth + instance.pending
        running += instance.batch_size
        kv += instance.used_blocks / w.engines[i].blocks
        busy += (_busy_us(w, i, now_us) - w.fleet[i].busy_us) / elapsed_us
    rate = (w.cluster.next_admission - w.cluster.arrived) * 1e6 / elapsed_us
    wanted = _asked_for(scaling.queue_depth, waiting, current, scaling.tolerance)
    wanted = max(wanted, _asked_for(scaling.kv_utilization, kv, current, scaling.tolerance))
    wanted = max(wanted, _asked_for(scaling.busy_utilization, busy, current, scaling.tolerance))
    wanted = max(wanted, _asked_for(scaling.concurrency, waiting + running, current, scaling.tolerance))
    wanted = max(wanted, _asked_for(scaling.requests_per_s, rate, current, scaling.tolerance))
    active = waiting + running + w.cluster.again > 0.0
    return min(max(wanted, scaling.minimum, 1 if active else 0), scaling.maximum)


@kernel
def _asked_for(target, total, current, tolerance):
    """So many instances as have the target each; as many as there are where they are near enough to it."""
    if target == 0.0 or current == 0:
        return 0
    if abs(total / (target * current) - 1.0) <= tolerance:
        return current
    return int(min(math.ceil(total / target), 1e9))


@kernel
def _busy_us(w, i, now_us):
    """How long the instance has been in steps up to now: a step counts as a whole when it begins."""
    instance = w.instances[i]
    return instance.busy_us - max(min(instance.busy_until_us, w.config.horizon_us) - now_us, 0)


@kernel
def _stabilized(w, current, now_us):
    """Up to the least recommended in one window, down to the most in the other."""
    scaling = w.scaling[0]
    least = scaling.maximum
    most = 0
    k = w.cluster.fleet_looks - 1
    latest = k
    while k >= 0:
        look = w.fleet_looks[k]
        if k < latest and look.time_us <= now_us - max(scaling.up_window_us, scaling.down_window_us):
            break
        if k == latest or look.time_us > now_us - scaling.up_window_us:
            least = min(least, look.recommended)
        if k == latest or look.time_us > now_us - scaling.down_window_us:
            most = max(most, look.recommended)
        k -= 1
    return min(max(current, least), most)


@kernel
def _limited(w, current, wanted, now_us):
    """So much of a change as may be made in a period; the limits always hold."""
    scaling = w.scaling[0]
    if wanted > current:
        before = current - _changed(w, now_us - scaling.up_period_us)
        more = max(scaling.up_instances, math.ceil(before * scaling.up_percent / 100.0))
        return min(wanted, max(current, before + more))
    before = current - _changed(w, now_us - scaling.down_period_us)
    fewer = max(scaling.down_instances, math.floor(before * scaling.down_percent / 100.0))
    return max(wanted, min(current, before - fewer))


@kernel
def _changed(w, after_us):
    """How many more instances there are by all looks later than that."""
    change = 0
    k = w.cluster.fleet_looks - 1
    while k >= 0 and w.fleet_looks[k].time_us > after_us:
        change += w.fleet_looks[k].change
        k -= 1
    return change
