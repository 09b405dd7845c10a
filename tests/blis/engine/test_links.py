"""Lists through arrays do what lists of numbers do."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from blis.engine import links
from blis.engine.records import ENDS, INDEX, NONE, SLOTS
from tests.kernels import callable_kernel

clear, push_head, push_tail, insert = map(
    callable_kernel, (links.clear, links.push_head, links.push_tail, links.insert)
)
unlink, take_slot, give_back = map(callable_kernel, (links.unlink, links.take_slot, links.give_back))


def empty_list() -> tuple[Any, Any]:
    ends = np.zeros(1, ENDS).view(np.recarray)[0]
    clear(ends)
    return ends, np.zeros(40, INDEX).view(np.recarray)


def walk(start: int, entries: Any, link: str) -> list[int]:
    found = []
    while start != NONE:
        found.append(int(start))
        start = entries[start][link]
    return found


def test_a_list_reads_the_same_from_both_ends():
    rng = Random(1)
    ends, entries = empty_list()
    plain: list[int] = []
    for _ in range(2000):
        free = [at for at in range(len(entries)) if at not in plain]
        what = rng.choice(["head", "tail", "insert", "out", "out"])
        if what == "out" and plain:
            at = rng.choice(plain)
            unlink(ends, entries, at)
            plain.remove(at)
        elif free and what == "head":
            push_head(ends, entries, free[0])
            plain.insert(0, free[0])
        elif free and what == "tail":
            push_tail(ends, entries, free[0])
            plain.append(free[0])
        elif free and what == "insert":
            place = rng.randint(0, len(plain))
            around = [NONE, *plain, NONE]
            insert(ends, entries, free[0], around[place], around[place + 1])
            plain.insert(place, free[0])
        assert walk(ends.head, entries, "next") == plain
        assert walk(ends.tail, entries, "prev") == plain[::-1]


def test_what_is_taken_out_knows_its_neighbours():
    ends, entries = empty_list()
    for at in (3, 1, 2):
        push_tail(ends, entries, at)
    unlink(ends, entries, 1)
    assert (entries[1].prev, entries[1].next) == (3, 2)


def test_no_place_is_taken_twice_and_those_given_back_come_first():
    slots = np.zeros(1, SLOTS).view(np.recarray)[0]
    slots.used, slots.free = 5, NONE
    entries = np.zeros(40, INDEX).view(np.recarray)
    assert [take_slot(slots, entries) for _ in range(3)] == [5, 6, 7]
    give_back(slots, entries, 6)
    give_back(slots, entries, 5)
    assert [take_slot(slots, entries) for _ in range(3)] == [5, 6, 8]
    assert slots.used == 9
