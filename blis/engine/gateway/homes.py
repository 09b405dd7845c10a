"""Where prompts and sessions went last: to generate, or to have their prompts computed (`profile`).

A home belongs to a shared node; under the exact rule to all prompts that are equal up to their last full
block. What only one request has needs no home, because nobody asks for it.
"""

from __future__ import annotations

from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def prompt_home(w, r, profile):
    """The instance that the deepest known full block of a prompt went to, or NONE."""
    homes = w.homes[profile]
    if w.config.reads_exact_home:
        return homes[w.traits[r].prompt]
    home = NONE
    prompt_blocks = w.rows[r].input_tokens // w.config.block_tokens
    for p in range(w.rows[r].path_begin, w.rows[r].path_end):
        node = w.path[p].node
        if w.path[p].end_block > prompt_blocks or homes[node] == NONE:
            break
        home = homes[node]
    return home


@kernel
def settle_prompt(w, r, i, profile):
    """The request went to instance i: so will what shares its prompt."""
    homes = w.homes[profile]
    if w.config.reads_exact_home:
        homes[w.traits[r].prompt] = i
        return
    prompt_blocks = w.rows[r].input_tokens // w.config.block_tokens
    for p in range(w.rows[r].path_begin, w.rows[r].path_end):
        if w.path[p].end_block > prompt_blocks:
            break
        homes[w.path[p].node] = i


@kernel
def session_home(w, r, profile):
    """The instance that the request's session went to last, or NONE."""
    session = w.traits[r].session
    return w.session_homes[profile, session] if session != NONE else NONE


@kernel
def settle_session(w, r, i, profile):
    """The request went to instance i: so will its session."""
    if w.traits[r].session != NONE:
        w.session_homes[profile, w.traits[r].session] = i
