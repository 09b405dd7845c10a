"""Lists through arrays: entries know their neighbours, `prev` and `next`, and a record of ENDS knows the two ends.

An entry is a number, its place in an array of records that have these two fields. It is in one list at a time.
Where entries come and go by themselves, SLOTS says which places of the array are free.
"""

from __future__ import annotations

from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def clear(ends):
    """Make the list empty."""
    ends.head = NONE
    ends.tail = NONE


@kernel
def push_head(ends, entries, at):
    """Put an entry before all others."""
    insert(ends, entries, at, NONE, ends.head)


@kernel
def push_tail(ends, entries, at):
    """Put an entry behind all others."""
    insert(ends, entries, at, ends.tail, NONE)


@kernel
def insert(ends, entries, at, before, after):
    """Put an entry between two that are neighbours; where there is NONE, it becomes the end."""
    entries[at].prev = before
    entries[at].next = after
    if before == NONE:
        ends.head = at
    else:
        entries[before].next = at
    if after == NONE:
        ends.tail = at
    else:
        entries[after].prev = at


@kernel
def unlink(ends, entries, at):
    """Take an entry out; it still knows who its neighbours were."""
    before = entries[at].prev
    after = entries[at].next
    if before == NONE:
        ends.head = after
    else:
        entries[before].next = after
    if after == NONE:
        ends.tail = before
    else:
        entries[after].prev = before


@kernel
def take_slot(slots, entries):
    """A place for a new entry: the one given back last, or one that was never used."""
    at = slots.free
    if at == NONE:
        at = slots.used
        slots.used += 1
    else:
        slots.free = entries[at].next
    return at


@kernel
def give_back(slots, entries, at):
    """An entry that is in no list any more makes room for another."""
    entries[at].next = slots.free
    slots.free = at
