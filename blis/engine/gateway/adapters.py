"""What the router sees of LoRA adapters: whose requests run and wait on an instance (docs/lora.md)."""

from __future__ import annotations

from blis.engine.gateway.records import ACTIVE, LORA, WAITS
from blis.engine.instance.adapters import adapter_of
from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def read_adapters(w, i):
    """Take down what instance i shows now."""
    w.views[i].adapters = _different(w, i)
    for a in range(w.config.adapters):
        w.adapters[i, a].seen = _state(w, i, a)


@kernel
def see_adapters(w, r):
    """Fill in what is known of the adapter of a request on every instance; of the base model there is none."""
    a = adapter_of(w, r)
    for i in range(w.config.instances):
        view = w.views[i]
        seen = 0
        if w.config.live & LORA:
            view.adapters = _different(w, i)
            seen = _state(w, i, a) if a != NONE else 0
        elif a != NONE:
            seen = w.adapters[i, a].seen
        view.adapter_active = seen & ACTIVE > 0
        view.adapter_waits = seen & WAITS > 0


@kernel
def _different(w, i):
    """Adapters of the batch and of those who wait, each once."""
    return w.instances[i].adapters + w.instances[i].waiting_adapters


@kernel
def _state(w, i, a):
    """What is to be seen of an adapter."""
    adapter = w.adapters[i, a]
    return (ACTIVE if adapter.members > 0 else 0) | (WAITS if adapter.waiting > 0 else 0)
