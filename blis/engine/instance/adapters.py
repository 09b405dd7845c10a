"""LoRA adapters of an instance: who may join its batch, and what a step waits for (docs/lora.md).

One order says where each is: those that members of the batch have, then those that no member has, by when one had it
last. The first ones have the places on the GPU, and these and some more are in memory.
"""

from __future__ import annotations

from blis.engine import links
from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def adapter_of(w, r):
    """The adapter of a request, NONE if it is for the base model."""
    return w.adapter[r] if w.config.adapters > 0 else NONE


@kernel
def admissible(w, i):
    """How many of those that wait may join the batch, as far as it is for their adapters."""
    instance = w.instances[i]
    return instance.queue_depth - (instance.outside if instance.adapters == w.engines[i].max_loras else 0)


@kernel
def is_barred(w, i, r):
    """Whether a request that waits has an adapter that would be one too many in the batch."""
    a = adapter_of(w, r)
    return a != NONE and w.adapters[i, a].members == 0 and w.instances[i].adapters == w.engines[i].max_loras


@kernel
def note_waits(w, i, r, one):
    """The request waits from now on (one: 1), or no more (-1)."""
    a = adapter_of(w, r)
    if a == NONE:
        return
    adapter = w.adapters[i, a]
    adapter.waiting += one
    if adapter.members == 0:
        w.instances[i].outside += one
        w.instances[i].waiting_adapters += one if adapter.waiting == max(one, 0) else 0


@kernel
def take_up(w, i, r):
    """The request, which is not barred, joins the batch: the step waits until its adapter is on the GPU."""
    a = adapter_of(w, r)
    if a == NONE:
        return
    instance = w.instances[i]
    adapter = w.adapters[i, a]
    if adapter.members == 0:
        waits_us = _bring(w, i, a)
        w.adapter_us[r] = max(w.adapter_us[r], 0) + waits_us
        instance.transfer_us += waits_us
        instance.adapter_us += waits_us
        instance.adapters += 1
        instance.outside -= adapter.waiting
        instance.waiting_adapters -= adapter.waiting > 0
    w.adapter_us[r] = max(w.adapter_us[r], 0)
    adapter.members += 1


@kernel
def _bring(w, i, a):
    """Bring an adapter that no member has to the GPU; how long it takes. What was used least recently makes room."""
    instance = w.instances[i]
    engine = w.engines[i]
    adapter = w.adapters[i, a]
    if adapter.held:
        on_gpu = instance.adapters + _place(w, i, a) < engine.max_loras
        links.unlink(instance.idle_adapters, w.adapters[i], a)
        instance.idle_size -= 1
        instance.adapter_loads += not on_gpu
        return 0 if on_gpu else engine.adapter_load_us
    if instance.adapters + instance.idle_size == engine.most_adapters:
        oldest = instance.idle_adapters.tail
        links.unlink(instance.idle_adapters, w.adapters[i], oldest)
        instance.idle_size -= 1
        w.adapters[i, oldest].held = 0
    adapter.held = 1
    instance.adapter_loads += 1
    instance.adapter_fetches += 1
    return engine.adapter_load_us + engine.adapter_fetch_us


@kernel
def _place(w, i, a):
    """How many of those that no member has were used after this one of them."""
    place = 0
    other = w.instances[i].idle_adapters.head
    while other != a:
        place += 1
        other = w.adapters[i, other].next
    return place


@kernel
def put_down(w, i, r):
    """The request leaves the batch, of which the latest step was the last one that had it."""
    a = adapter_of(w, r)
    if a == NONE:
        return
    instance = w.instances[i]
    adapter = w.adapters[i, a]
    adapter.members -= 1
    if adapter.members > 0:
        return
    instance.adapters -= 1
    instance.outside += adapter.waiting
    instance.waiting_adapters += adapter.waiting > 0
    adapter.last_step = instance.steps
    before = NONE
    after = instance.idle_adapters.head
    while after != NONE and w.adapters[i, after].last_step == instance.steps and after < a:
        before = after
        after = w.adapters[i, after].next
    links.insert(instance.idle_adapters, w.adapters[i], a, before, after)
    instance.idle_size += 1
