"""RequestTable: every request of a run as plain columns, built once and never changed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from blis.tables.origin import Origin
from blis.tables.placement import Placement


@dataclass(frozen=True)
class ContentTree:
    """The radix tree of token streams that the requests of one table walk through.

    Two KV blocks hold the same content iff (node, block index) are equal, where a block belongs to the
    node of its last token. Nodes are split where sequences branch or end, so a sequence covers a node
    wholly or not at all. Source: architecture.md section 2.

    parent: [nodes] int32, -1 at a root. A parent has a smaller number than its children.
    start_token, end_token: [nodes] int64, positions in the sequence that the node covers, [start, end).
    shared: [nodes] int32, consecutive numbers for nodes that two or more requests touch, -1 for private ones.
    """

    parent: NDArray[np.int32]
    start_token: NDArray[np.int64]
    end_token: NDArray[np.int64]
    shared: NDArray[np.int32]

    @property
    def n_shared(self) -> int:
        """How many nodes two or more requests touch."""
        return int(self.shared.max(initial=-1)) + 1


@dataclass(frozen=True)
class RequestTable:
    """One row a request, sorted by (arrival, input order). Arrays are read-only.

    A request of a closed loop follows another: it has no arrival (-1) before that one is answered and its client has
    thought. Such rows stand behind the row that opens their session, before the next row that has an arrival.

    n requests; p path entries. The path of row r is path_node[path_offset[r]:path_offset[r + 1]] from
    the root on; path_end_token gives where each node ends. It covers the prompt and then the generated
    tokens, so its last end is input + output tokens; the prompt is the part below input_tokens.
    """

    arrival_us: NDArray[np.int64]  # [n] microseconds, >= 0, non-decreasing; -1 of one that follows another
    input_tokens: NDArray[np.int64]  # [n] >= 1
    output_tokens: NDArray[np.int64]  # [n] >= 0, known in advance to the simulator, never to policies
    path_offset: NDArray[np.int64]  # [n + 1]
    path_node: NDArray[np.int32]  # [p]
    path_end_token: NDArray[np.int64]  # [p]
    output_node: NDArray[np.int32]  # [n] node of the first generated token (of the last prompt token if none)
    slo_class: NDArray[np.int16]  # [n] index into slo_names
    tenant: NDArray[np.int32]  # [n] index into tenant_names
    session: NDArray[np.int32]  # [n] index into session_names, -1 without a session
    round: NDArray[np.int32]  # [n] 0-based round of the session
    uniform: NDArray[np.float64]  # [n] in [0, 1): breaks ties at random, the same for every candidate
    tree: ContentTree
    slo_names: tuple[str, ...] = ("",)
    tenant_names: tuple[str, ...] = ("",)
    session_names: tuple[str, ...] = ()
    placement: NDArray[np.int16] | None = None  # [n] index into placements; None: all rows have the first
    placements: tuple[Placement, ...] = (Placement(),)
    adapter: NDArray[np.int32] | None = None  # [n] index into adapter_names, -1 = base model; None: of all rows
    adapter_names: tuple[str, ...] = ()  # of LoRA adapters
    origin: Origin | None = None  # who sent them, of what; None: nothing is known but the tenants
    request_ids: tuple[str, ...] | None = None  # None: request_0, request_1, … in row order
    predecessor: NDArray[np.int32] | None = None  # [n] row that it follows, -1 = none; None: nobody follows anybody
    think_us: NDArray[np.int64] | None = (
        None  # [n] from that one's answer to its arrival, >= 1; 0 where it follows none
    )
    scored: tuple[int, int] | None = None  # rows [first, last) count in a score; None: the middle 80 %
    notes: tuple[str, ...] = ()  # what whoever read them from a file has to say of it
    cache: dict[str, object] = field(default_factory=dict, compare=False, repr=False)  # engine's own encodings

    def __getstate__(self) -> dict[str, object]:
        """Without what the engine keeps with it: that is made again where the table arrives."""
        return {**vars(self), "cache": {}}

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.arrival_us)

    @property
    def first_arrival_us(self) -> int:
        """When the first request of all arrives; 0 without any."""
        return int(self.arrival_us[0]) if len(self) else 0

    @property
    def closed(self) -> bool:
        """Whether somebody follows somebody."""
        return self.predecessor is not None

    @property
    def opened_us(self) -> NDArray[np.int64]:
        """[n] when the session of each row begins: its own arrival, or that of the first one it follows from."""
        return np.maximum.accumulate(self.arrival_us) if self.closed else self.arrival_us

    @property
    def soonest_us(self) -> NDArray[np.int64]:
        """[n] when each comes if every answer takes no time: as much as is known of arrivals before a run."""
        if self.predecessor is None or self.think_us is None:
            return self.arrival_us
        if "soonest_us" not in self.cache:
            soonest_us, unknown = self.arrival_us.copy(), self.predecessor >= 0
            while unknown.any():
                rows = np.flatnonzero(unknown & ~unknown[self.predecessor])
                soonest_us[rows] = soonest_us[self.predecessor[rows]] + self.think_us[rows]
                unknown[rows] = False
            self.cache["soonest_us"] = soonest_us
        return self.cache["soonest_us"]  # type: ignore[return-value]

    @property
    def span_us(self) -> int:
        """From the first arrival to the last, as far as they are known before a run."""
        return int(self.soonest_us.max(initial=self.first_arrival_us)) - self.first_arrival_us

    @property
    def offered_per_s(self) -> float:
        """Requests per second over that span; in a closed loop clients that wait for answers send less."""
        return (len(self) - 1) / max(self.span_us, 1) * 1e6

    @property
    def session_rounds(self) -> NDArray[np.int64]:
        """[sessions] how many rows each has, in the order of session_names; rows without a session are in none."""
        rounds = np.bincount(self.session[self.session >= 0])
        return rounds[rounds > 0]

    @property
    def scored_rows(self) -> slice:
        """The rows that count in a score; those before fill caches and queues (default-problem.md section 2)."""
        n = len(self)
        return slice(*(self.scored or (n // 10, 9 * n // 10)))

    def draws(self, purpose: str) -> NDArray[np.float64]:
        """One number in [0, 1) a row for a purpose, [n]: the same for every candidate, independent of others.

        Made from the column `uniform`, so that every table has them, whatever it was read from.
        """
        key = f"draws/{purpose}"
        if key not in self.cache:
            self.cache[key] = draws(self.uniform, purpose)
        return self.cache[key]  # type: ignore[return-value]

    def request_id(self, row: int) -> str:
        """The name of a row in files."""
        return self.request_ids[row] if self.request_ids is not None else f"request_{row}"


def draws(uniform: NDArray[np.float64], purpose: str, first: int = 1) -> NDArray[np.float64]:
    """[n] numbers in [0, 1) for a purpose, by a hash (splitmix64, Steele et al. 2014) of `uniform` and the place.

    first: place of the first one, counted from 1.
    """
    with np.errstate(over="ignore"):
        bits = uniform.view(np.uint64) ^ np.uint64(zlib.crc32(purpose.encode()) * 0x9E3779B97F4A7C15 % 2**64)
        bits = bits + np.arange(first, first + len(bits), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
    return ((bits >> np.uint64(11)) * 2.0**-53).astype(np.float64, copy=False)
