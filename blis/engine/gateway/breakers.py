"""Circuit breakers: an instance that fails again and again gets nothing for a while (docs/failures.md).

No event opens or closes one: what has happened last is noted, and looked at when somebody is routed.
"""

from __future__ import annotations

from blis.engine.records import NEVER_US
from blis.jit import kernel


@kernel
def is_open(w, i, now_us):
    """Whether instance i gets nothing now."""
    return _is_failing(w, i, now_us) and now_us < w.instances[i].tries_us


@kernel
def note_try(w, i, now_us):
    """A request is sent to instance i: if that fails, nobody follows before the next pause is over."""
    if _is_failing(w, i, now_us):
        w.instances[i].tries_us = now_us + w.config.open_us


@kernel
def note_failure(w, i, now_us):
    """Instance i has lost or refused a request."""
    instance = w.instances[i]
    instance.failures = _in_a_row(instance, now_us) + 1
    instance.answered_us = NEVER_US
    instance.tries_us = now_us + w.config.open_us


@kernel
def _is_failing(w, i, now_us):
    """Whether instance i has failed too often since it answered last."""
    limit = w.config.breaker_failures
    return limit > 0 and _in_a_row(w.instances[i], now_us) >= limit


@kernel
def _in_a_row(instance, now_us):
    """Failures since the latest answer that was there before now."""
    return 0 if instance.answered_us < now_us else instance.failures
