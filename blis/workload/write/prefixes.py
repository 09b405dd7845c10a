"""What prompts begin with in common, as formats say it that know one prefix group for a request."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable


class Prefixes(NamedTuple):
    """What groups can say of a table.

    group: [n] a number, the same for all that may share something. tokens: [n] that a prompt has in common with its
    group before somebody parts. complete: whether that is all that any request shares.
    """

    group: NDArray[np.int32]
    tokens: NDArray[np.int64]
    complete: bool

    @property
    def names(self) -> list[str]:
        """[n] the group's name, "" for those without a prefix."""
        return [
            f"prefix_{group}" if tokens else ""
            for group, tokens in zip(self.group.tolist(), self.tokens.tolist(), strict=True)
        ]


def prefixes(table: RequestTable) -> Prefixes:
    """The longest prefixes of a table that groups can say: what is shared behind where some part is not in them."""
    tree = table.tree
    shared = tree.shared >= 0
    branches = np.bincount(tree.parent[shared & (tree.parent >= 0)], minlength=len(tree.parent))
    # A node is in its group's chain as long as no other shared node parts from above it.
    chained = shared.copy()
    for node in np.flatnonzero(shared & (tree.parent >= 0)).tolist():  # parents first
        chained[node] = chained[tree.parent[node]] and branches[tree.parent[node]] == 1
    first = table.path_offset[:-1]
    tokens = np.maximum.reduceat(np.where(chained[table.path_node], table.path_end_token, 0), first)
    complete = np.array_equal(chained, shared) and bool((tokens <= table.input_tokens).all())  # no output goes on
    return Prefixes(table.path_node[first], np.minimum(tokens, table.input_tokens), complete)
