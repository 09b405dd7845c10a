"""What a template may know of the request at hand, gathered into `w.ask` and `w.views` (docs/policies.md section 2).

Facts about instances alone are in the views already (signals.py). Each of the others is looked up only for
an event that reads it, and what a decision changes is remembered only if somebody reads it.
"""

from __future__ import annotations

from blis.engine.cache.signal import cached_blocks
from blis.engine.gateway.homes import prompt_home, session_home, settle_prompt, settle_session
from blis.engine.gateway.prefix_index import matched_blocks, prompt_blocks, record
from blis.jit import kernel


@kernel
def ask_about(w, r, now_us, event):
    """Fill in the request, and where it may go."""
    ask = w.ask
    ask.now_us = now_us
    ask.input_tokens = w.rows[r].input_tokens
    if w.config.reads_traits & event:
        traits = w.traits[r]
        ask.tenant = traits.tenant
        ask.priority = traits.priority
        ask.choice_1 = traits.choice_1
        ask.choice_2 = traits.choice_2
        ask.picker = traits.picker
        ask.admission = traits.admission
    if w.config.placed or w.config.filters > 0 or w.config.lives:
        for i in range(w.config.instances):
            allowed = w.places[w.traits[r].placement, i].eligible if w.config.placed else 1
            w.views[i].eligible = 0 if w.instances[i].offline else allowed
    if w.config.reads_tenants & event:
        tenant = w.tenants[1 + w.traits[r].tenant]
        ask.tenant_in_flight = tenant.in_flight
        ask.tenant_tokens = tenant.tokens
        ask.in_flight_tokens = w.tenants[0].tokens
    if w.config.reads_completed & event:
        ask.completed = 0
        for i in range(w.config.instances):
            ask.completed += w.instances[i].completed


@kernel
def match(w, r):
    """Fill in what routing reads about the request on every instance."""
    w.ask.turn = w.cluster.turn
    if w.config.reads_prefix:
        w.ask.prompt_blocks = prompt_blocks(w, r)
        for i in range(w.config.instances):
            w.views[i].matched_blocks = matched_blocks(w, i, r)
    if w.config.reads_cache:
        w.ask.cache_blocks = w.rows[r].input_tokens // w.config.block_tokens
        for i in range(w.config.instances):
            w.views[i].cached_blocks = cached_blocks(w, i, r)
    if w.config.reads_home or w.config.reads_exact_home:
        home = prompt_home(w, r)
        for i in range(w.config.instances):
            w.views[i].home = i == home
    if w.config.reads_session:
        home = session_home(w, r)
        for i in range(w.config.instances):
            w.views[i].session_home = i == home
    if w.config.reads_labels:
        for i in range(w.config.instances):
            w.views[i].preferred = w.places[w.traits[r].placement, i].preferred


@kernel
def remember(w, r, i):
    """The request goes to instance i: take down what later decisions will ask for."""
    if w.config.reads_cold:
        _stamp_cold(w, i)
    if w.config.reads_prefix:
        record(w, i, r)
    if w.config.reads_home or w.config.reads_exact_home:
        settle_prompt(w, r, i)
    if w.config.reads_session:
        settle_session(w, r, i)


@kernel
def _stamp_cold(w, i):
    """No eligible instance knew the prompt: instance i is the latest to get such a request."""
    for other in range(w.config.instances):
        if w.views[other].eligible and w.views[other].matched_blocks > 0:
            return
    w.cluster.cold += 1
    w.views[i].cold_stamp = w.cluster.cold
