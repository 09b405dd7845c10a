"""Content of requests for LoRA adapters: what is computed under one is of no use under another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable
from blis.workload.content.tree import InternedContent, content_of_paths


def apart_by_adapter(
    content: InternedContent,
    adapter: NDArray[np.int32],
    input_tokens: NDArray[np.int64],
    output_tokens: NDArray[np.int64],
) -> InternedContent:
    """The content in which each node is one for each adapter of the requests that touch it; all [n], -1 = base model.

    So requests share what they have in common if they have the same adapter, too.
    """
    row = np.repeat(np.arange(len(adapter)), np.diff(content.path_offset))
    pair = content.path_node.astype(np.int64) * (int(adapter.max(initial=-1)) + 2) + adapter[row] + 1
    _, first, which = np.unique(pair, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    node = number[which.reshape(-1)]
    return content_of_paths(content.path_offset, node, content.path_end_token, input_tokens, output_tokens)


def with_adapters(table: RequestTable, adapter: NDArray[np.int32], names: Sequence[str]) -> RequestTable:
    """The table of requests for these adapters; adapter: [n] index into names, -1 = base model, at least one is not."""
    said = InternedContent(table.tree, table.path_offset, table.path_node, table.path_end_token, table.output_node)
    content = apart_by_adapter(said, adapter, table.input_tokens, table.output_tokens)
    adapter.setflags(write=False)
    return replace(table, **content._asdict(), adapter=adapter, adapter_names=tuple(names), cache={})
