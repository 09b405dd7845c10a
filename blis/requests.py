"""RequestTable: every request of a run as plain columns, built once and never changed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


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

    n requests; p path entries. The path of row r is path_node[path_offset[r]:path_offset[r + 1]] from
    the root on; path_end_token gives where each node ends. It covers the prompt and then the generated
    tokens, so its last end is input + output tokens; the prompt is the part below input_tokens.
    """

    arrival_us: NDArray[np.int64]  # [n] microseconds, >= 0, non-decreasing
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
    request_ids: tuple[str, ...] | None = None  # None: request_0, request_1, … in row order
    scored: tuple[int, int] | None = None  # rows [first, last) count in a score; None: the middle 80 %
    cache: dict[str, object] = field(default_factory=dict, compare=False, repr=False)  # engine's own encodings

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.arrival_us)

    @property
    def scored_rows(self) -> slice:
        """The rows that count in a score; those before fill caches and queues (default-problem.md section 2)."""
        n = len(self)
        return slice(*(self.scored or (n // 10, 9 * n // 10)))

    def request_id(self, row: int) -> str:
        """The name of a row in files."""
        return self.request_ids[row] if self.request_ids is not None else f"request_{row}"
