"""Where requests come in: what is known of each gets a row and its blocks get nodes, until it leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.engine.live.contents import Contents
from blis.engine.live.rooms import Coming, Rooms
from blis.engine.live.strip import Strip
from blis.engine.records import NONE
from blis.engine.world import Array, World

Tokens = NDArray[np.int64]


class Entrance:
    """Takes requests into the arrays of a run and out again."""

    def __init__(self, rooms: Rooms) -> None:
        """rooms: those that requests are taken into."""
        self._rooms = rooms
        self._contents = Contents(rooms.state.arrays)
        self._paths = Strip(2**16), Strip(2**16)
        self._known: tuple[Array, ...] = (np.empty(0), np.empty(0))  # arrays of paths that the run has
        self._rows = rooms.rows, rooms.index_rows
        config = rooms.state.arrays.config
        most = int(config.index_max_blocks) if rooms.state.arrays.prefix_index.size else 0
        self._sizes = int(config.block_tokens), int(config.index_block_tokens), most  # of blocks, and how many at most
        self._longest = int(config.max_path)
        self._tenants: dict[str, int] = {}
        self._sessions: dict[str, int] = {}

    @property
    def _arrays(self) -> World:
        return self._rooms.state.arrays

    def take(
        self, coming: Coming, tokens: Tokens, tenant: str = "", session: str = ""
    ) -> tuple[int, NDArray[np.int64]] | None:
        """The row and the nodes of a request that comes; None if there is no room for it.

        tokens: of the prompt, then any of the answer that are known.
        """
        ends, on_path, on_index, on_prompt = self._block_ends(len(tokens), coming.input_tokens)
        nodes = None if self._rooms.full else self._contents.nodes_of(tokens, ends.tolist())
        if nodes is None:
            return None
        row = self._rooms.take(coming, self._tenant(tenant), self._session(session))
        self._write_paths(row, nodes[on_path], nodes[on_index])
        if len(self._arrays.traits):
            self._rooms.traits["prompt"][row] = nodes[on_prompt]
        return row, nodes

    def leave(self, row: int, nodes: NDArray[np.int64]) -> None:
        """The request is over: whatever it took is free."""
        for rows, strip in zip(self._rows, self._paths, strict=True):
            begin = int(rows["path_begin"][row])
            strip.give_back(begin, int(rows["path_end"][row]) - begin)
        self._contents.leave(nodes)
        self._rooms.give_back(row)

    def _block_ends(self, tokens: int, prompt_tokens: int) -> tuple[Any, ...]:
        """Where blocks end; which of them are KV blocks, which the router's index looks at, which is a prompt's last.

        A prompt shorter than a block counts as one.
        """
        size, index_size, most = self._sizes
        kv_ends = np.arange(1, tokens // size + 1) * size
        index_ends = np.arange(1, min(prompt_tokens // index_size, most) + 1) * index_size
        prompt_end = prompt_tokens // size * size or prompt_tokens
        if index_size == size and prompt_tokens >= size:  # an end of the index and of the prompt is one of a KV block
            return kv_ends, slice(None), slice(len(index_ends)), prompt_end // size - 1
        ends = np.union1d(np.append(kv_ends, prompt_end), index_ends)
        return ends, *(np.searchsorted(ends, each) for each in (kv_ends, index_ends, prompt_end))

    def _write_paths(self, row: int, *nodes: Array) -> None:
        """The paths of a request, in KV blocks and in blocks of the router's index."""
        for rows, strip, path in zip(self._rows, self._paths, nodes, strict=True):
            rows["path_begin"][row] = begin = strip.put(path)
            rows["path_end"][row] = begin + len(path)
        if any(strip.array is not known for strip, known in zip(self._paths, self._known, strict=True)):
            self._known = tuple(strip.array for strip in self._paths)
            self._rooms.state.arrays = self._arrays._replace(path=self._known[0], index_path=self._known[1])
        if len(nodes[0]) > self._longest:
            self._longest = self._arrays.config.max_path = len(nodes[0])

    def _tenant(self, name: str) -> int:
        """The number of a tenant; those that come when all numbers are given share the last."""
        return self._tenants.setdefault(name, min(len(self._tenants), self._rooms.limits.tenants - 1))

    def _session(self, name: str) -> int:
        """The number of a session, NONE without one; the oldest is forgotten when all numbers are given."""
        if not name:
            return NONE
        if name not in self._sessions:
            full = len(self._sessions) >= self._rooms.limits.sessions
            number = self._sessions.pop(next(iter(self._sessions))) if full else len(self._sessions)
            self._sessions[name] = number
            if full and self._arrays.session_homes.size:
                self._arrays.session_homes[:, number] = NONE
        return self._sessions[name]
