"""Which instance does something next: a tournament in which the sooner of two goes one level up.

Entry 1 is the soonest of all, below entry k stand entries 2 k and 2 k + 1, and the second half are the instances in
their order, then all links between them if KV moves, filled up with such as never do anything. So who has nothing to do
costs nothing, however many they are.
"""

from __future__ import annotations

from blis.engine.records import NEVER_US
from blis.jit import kernel


@kernel
def clear(agenda):
    """Nobody does anything."""
    for at in range(len(agenda)):
        agenda[at] = NEVER_US


@kernel
def note(agenda, i, next_us):
    """Instance i does something next at `next_us`."""
    at = (len(agenda) >> 1) + i
    agenda[at] = next_us
    while at > 1:
        at >>= 1
        agenda[at] = min(agenda[2 * at], agenda[2 * at + 1])


@kernel
def soonest_us(agenda):
    """When anybody does something next."""
    return agenda[1]


@kernel
def soonest_other_us(agenda, i):
    """When anybody else than instance i does something next."""
    at = (len(agenda) >> 1) + i
    found_us = NEVER_US
    while at > 1:
        found_us = min(found_us, agenda[at ^ 1])
        at >>= 1
    return found_us


@kernel
def first_before(agenda, until_us):
    """Of those who do something before `until_us` the one with the lowest number; there is one."""
    at = 1
    while 2 * at < len(agenda):
        at *= 2
        if agenda[at] >= until_us:
            at += 1
    return at - (len(agenda) >> 1)
