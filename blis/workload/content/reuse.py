"""How much of the prompts was there before: the most that any prefix cache could save.

Worked out from the request table alone, request by request, so that the simulator can be checked against it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.errors import check_integer
from blis.tables.requests import RequestTable


def seen_tokens(table: RequestTable) -> NDArray[np.int64]:
    """[n] leading tokens of each prompt that some earlier row had, as prompt or as stored output.

    The last token that a request generates is never stored.
    """
    nodes, ends = table.path_node.tolist(), table.path_end_token.tolist()
    offsets = table.path_offset.tolist()
    inputs, outputs = table.input_tokens.tolist(), table.output_tokens.tolist()
    stored: dict[int, int] = {}  # node -> where the longest sequence through it stops
    seen = np.zeros(len(table), np.int64)
    for row, n_input in enumerate(inputs):
        path = range(offsets[row], offsets[row + 1])
        for p in path:
            depth = stored.get(nodes[p], 0)
            seen[row] = max(seen[row], min(depth, n_input))
            if depth < ends[p]:
                break
        total = n_input + max(outputs[row] - 1, 0)
        for p in path:
            stored[nodes[p]] = max(stored.get(nodes[p], 0), min(ends[p], total))
    return seen


def ideal_hits(table: RequestTable, block_tokens: int) -> tuple[int, int]:
    """(blocks found, blocks looked up) over all full prompt blocks, with an endless cache shared by all requests.

    At least one token of every prompt is computed, so a prompt of I tokens finds at most (I - 1) // block_tokens
    blocks. A single instance that never evicts and admits in the order of the table counts exactly this
    (`lookup_hit_blocks`, `lookup_blocks`) as long as no prompt continues another request's output.
    """
    check_integer("block_tokens", block_tokens, 1, 2**20)
    usable = np.minimum(seen_tokens(table), table.input_tokens - 1)
    return int((usable // block_tokens).sum()), int((table.input_tokens // block_tokens).sum())


def ideal_hit_rate(table: RequestTable, block_tokens: int) -> float:
    """Share of the full prompt blocks that an endless cache would find; 0 if there are none."""
    found, looked_up = ideal_hits(table, block_tokens)
    return found / looked_up if looked_up else 0.0
