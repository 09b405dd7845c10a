"""What an instance has computed for each tenant, for the scheduler `least-attained-service` alone.

Tokens charged in prefills and tokens generated, as they were at the end of the last step. Members that
decode cost nothing a step: one number for all of a tenant says how many tokens they have got.
"""

from __future__ import annotations

from blis.engine.records import LEAST_ATTAINED
from blis.jit import kernel


@kernel
def attained_tokens(w, i, t):
    """Tokens computed for a tenant before the step at hand."""
    service = w.service[i, t]
    steps = w.instances[i].steps
    tokens = service.tokens + service.decoding * steps - service.base_steps
    if service.charged_step <= steps:
        tokens += service.charged_tokens
    return tokens


@kernel
def charge(w, i, r, tokens):
    """Note prefill tokens of the step that is being formed, which nobody sees before the next one."""
    if w.config.queue_order != LEAST_ATTAINED:
        return
    service = w.service[i, w.order[r].tenant]
    step = w.instances[i].steps + 1
    if service.charged_step < step:
        service.tokens += service.charged_tokens
        service.charged_tokens = 0
        service.charged_step = step
    service.charged_tokens += tokens


@kernel
def enter_decode(w, i, r):
    """A prefill has ended with a token, and one more comes every step; a request without outputs gives none."""
    if w.config.queue_order != LEAST_ATTAINED:
        return
    service = w.service[i, w.order[r].tenant]
    service.tokens += w.rows[r].output_tokens > 0
    service.decoding += 1
    service.base_steps += w.requests[r].base_step


@kernel
def leave_decode(w, i, r):
    """The request got its latest token in the last step that was counted."""
    if w.config.queue_order != LEAST_ATTAINED:
        return
    service = w.service[i, w.order[r].tenant]
    service.tokens += w.instances[i].steps - w.requests[r].base_step
    service.decoding -= 1
    service.base_steps -= w.requests[r].base_step
