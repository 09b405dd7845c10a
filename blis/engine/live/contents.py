"""What prompts share, found by content: a node of the tree for each block, by a hash of all tokens up to its end.

As engines do it: blocks are equal if they and all before them are. A node is forgotten when no instance has anything of
it, the router's index has not, and nobody who is here has it on the path; its number is then given to another block.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from blis.engine.records import NONE
from blis.engine.world import World


class Contents:
    """Numbers of nodes by what is in them."""

    def __init__(self, arrays: World) -> None:
        """arrays: of the run; the caches that these show say what may be forgotten."""
        self._arrays = arrays
        self._nodes = arrays.nodes.shape[1]
        self._number: dict[bytes, int] = {}
        self._content: list[bytes | None] = [None] * self._nodes
        self._users = np.zeros(self._nodes, np.int32)
        self._free = list(range(self._nodes))[::-1]

    def __len__(self) -> int:
        """How many blocks are known."""
        return len(self._number)

    def nodes_of(self, tokens: NDArray[np.int64], ends: list[int]) -> NDArray[np.int64] | None:
        """The nodes of the blocks that end there, used from now on until `leave`; None if there is no room for them.

        ends: counts of leading tokens, growing.
        """
        contents = list(_hashes(tokens, ends))
        known = [self._number[content] for content in contents if content in self._number]
        np.add.at(self._users, known, 1)
        if len(contents) - len(known) > len(self._free):
            self._forget()
        if len(contents) - len(known) > len(self._free):
            np.add.at(self._users, known, -1)
            return None
        nodes = np.array([self._node(content) for content in contents], np.int64)
        self._users[nodes] += 1
        np.add.at(self._users, known, -1)
        return nodes

    def leave(self, nodes: NDArray[np.int64]) -> None:
        """A request that used them has left."""
        self._users[nodes] -= 1

    def _node(self, content: bytes) -> int:
        number = self._number.get(content)
        if number is None:
            number = self._number[content] = self._free.pop()
            self._content[number] = content
        return number

    def _forget(self) -> None:
        """Free the numbers of all blocks that nobody would find."""
        for node in np.flatnonzero(~self._wanted()).tolist():
            content = self._content[node]
            if content is not None:
                del self._number[content]
                self._content[node] = None
                self._free.append(node)
                self._reset(node)

    def _wanted(self) -> NDArray[np.bool_]:
        """[nodes] whether somebody has something of each."""
        arrays, n = self._arrays, self._nodes
        wanted = self._users > 0
        for field in ("resident", "held", "full", "partial"):
            wanted |= (arrays.nodes[field] > 0).any(axis=0)
        if arrays.prefix_index.size:
            wanted |= (arrays.prefix_index.blocks[:, :n] > 0).any(axis=0)
        if arrays.below.size > 1:
            instances = len(arrays.instances)
            wanted |= (arrays.below.reach[0, : instances * n].reshape(instances, n) > 0).any(axis=0)
        return wanted

    def _reset(self, node: int) -> None:
        """Whatever has this number next is new to the router."""
        if self._arrays.past.size:
            self._arrays.past.stamp_us[:, node] = NONE
        if self._arrays.homes.size:
            self._arrays.homes[:, node] = NONE


def _hashes(tokens: NDArray[np.int64], ends: list[int]) -> Iterator[bytes]:
    """A hash of all tokens up to each end."""
    so_far, begin = blake2b(digest_size=16), 0
    for end in ends:
        so_far.update(tokens[begin:end].tobytes())
        begin = end
        yield so_far.copy().digest()
