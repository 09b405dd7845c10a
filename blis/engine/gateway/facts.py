"""What a template may know of the request at hand, gathered into `w.ask` and `w.views` (docs/policies.md section 2).

Facts about instances alone are in the views already (signals.py). Each of the others is looked up only for
an event that reads it, and what a decision changes is remembered only if somebody reads it.
"""

from __future__ import annotations

from blis.engine.cache.signal import cached_blocks
from blis.engine.gateway.adapters import see_adapters
from blis.engine.gateway.breakers import is_open
from blis.engine.gateway.hedge_times import barred
from blis.engine.gateway.homes import prompt_home, session_home, settle_prompt, settle_session
from blis.engine.gateway.prefix_index import matched_blocks, prompt_blocks, record
from blis.engine.gateway.records import DECODE_PROFILE
from blis.engine.records import DECODES
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
    if w.config.placed or w.config.filtered or w.config.lives or w.config.apart or len(w.rivals) > 0:
        allow(w, r, DECODES)
    if w.config.reads_tenants & event:
        tenant = w.tenants[1 + w.traits[r].tenant]
        ask.tenant_in_flight = tenant.in_flight
        ask.tenant_tokens = tenant.tokens
        ask.in_flight_tokens = w.tenants[0].tokens
    if w.config.reads_completed & event:
        ask.completed = 0
        for i in range(w.config.instances):
            ask.completed += w.instances[i].completed
        ask.completed -= w.cluster.prefilled


@kernel
def allow(w, r, role):
    """Fill in which instances may do their part for a request, and may at all."""
    places = 0
    elsewhere = barred(w, r)
    for i in range(w.config.instances):
        view = w.views[i]
        fits = w.engines[i].roles & role > 0
        allowed = fits and (not w.config.placed or w.places[w.traits[r].placement, i].eligible)
        view.eligible = allowed and not w.instances[i].offline and not is_open(w, i, w.ask.now_us) and i != elsewhere
        view.place = places
        places += fits
    w.ask.places = places


@kernel
def match(w, r, profile):
    """Fill in what routing reads about the request on every instance."""
    w.ask.turn = w.cluster.turn if profile == DECODE_PROFILE else w.cluster.prefill_turn
    if w.config.reads_prefix:
        w.ask.prompt_blocks = prompt_blocks(w, r)
        for i in range(w.config.instances):
            w.views[i].matched_blocks = matched_blocks(w, i, r)
    if w.config.reads_cache:
        w.ask.cache_blocks = w.rows[r].input_tokens // w.config.block_tokens
        for i in range(w.config.instances):
            w.views[i].cached_blocks = cached_blocks(w, i, r)
    if w.config.reads_home or w.config.reads_exact_home:
        home = prompt_home(w, r, profile)
        for i in range(w.config.instances):
            w.views[i].home = i == home
    if w.config.reads_session:
        home = session_home(w, r, profile)
        for i in range(w.config.instances):
            w.views[i].session_home = i == home
    if w.config.reads_labels:
        for i in range(w.config.instances):
            w.views[i].preferred = w.places[w.traits[r].placement, i].preferred
    if w.config.reads_lora:
        see_adapters(w, r)


@kernel
def remember(w, r, i, profile, cold, known):
    """The request goes to instance i: take down what later decisions will ask for.

    cold: as `is_cold` has it. known: it has been noted already that its prompt goes there.
    """
    if cold:
        w.cluster.cold += 1
        w.views[i].cold_stamp = w.cluster.cold
    if w.config.reads_prefix and not known:
        record(w, i, r)
    if w.config.reads_home or w.config.reads_exact_home:
        settle_prompt(w, r, i, profile)
    if w.config.reads_session:
        settle_session(w, r, i, profile)


@kernel
def is_cold(w):
    """Whether no eligible instance knows the prompt that is asked about, if anybody reads that."""
    cold = w.config.reads_cold > 0
    for i in range(w.config.instances if cold else 0):
        if w.views[i].eligible and w.views[i].matched_blocks > 0:
            cold = False
    return cold
