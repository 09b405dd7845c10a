"""Chats that name their parents: whose answer each waits for, and what to say of parents that nobody can wait for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.workload.follow import openers

_NONE = ("", "-1")  # what stands for no parent


class Chats(NamedTuple):
    """follows: [n] the row of each one's parent, -1 = none. sessions: [n] names of conversations, by who opens them."""

    follows: NDArray[np.int64]
    sessions: list[str]
    notes: tuple[str, ...]


def chats(names: Sequence[str], parents: Sequence[str], order: Sequence[int]) -> Chats:
    """Chats by name and by the name of their parent; order: their rows in the order of time.

    A parent is the last chat of its name before the child. Who has none before it begins a conversation.
    """
    known, last = set(names), dict[str, int]()
    follows, again = np.full(len(names), -1), set[int]()
    later = absent = 0
    for row in order:
        name, parent = names[row], parents[row]
        follows[row] = last.get(parent, -1)
        if follows[row] < 0 and parent not in _NONE:
            later, absent = later + (parent in known), absent + (parent not in known)
        if name in last:
            again.add(row)
        last[name] = row
    said = [f"chat_{name}@{row}" if row in again else f"chat_{name}" for row, name in enumerate(names)]
    notes = (
        (absent, "have a parent that is not in the file: they begin conversations"),
        (later, "have a parent that comes no sooner than they do: they begin conversations"),
        (len(again), "have the chat_id of one before: a parent is the last one of its name"),
    )
    return Chats(
        follows,
        [said[row] for row in openers(follows)[0].tolist()],
        tuple(f"{count} of {len(names)} chats {what}" for count, what in notes if count),
    )
