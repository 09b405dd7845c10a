"""Mooncake's JSON lines: arrivals in ms, lengths, and a hash for each block of 512 tokens that a prompt starts.

Readers that take the times for seconds need their scale, such as time_scale=0.001.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blis.files import write_text
from blis.tables.requests import RequestTable

BLOCK_TOKENS = 512


def save_mooncake(path: str | Path, table: RequestTable, arrival_us: NDArray[np.int64] | None = None) -> int:
    """Write requests in the order of these arrivals, rounded to ms; how many of their tokens were there before.

    arrival_us: [n], those that never came (below 0) are left out; None = nothing has run them, and who follows another
    has the `delay` after its answer. Equal beginnings have equal ids.
    """
    ids = prompt_hashes(table, BLOCK_TOKENS)
    came_us, times_us = (table.opened_us, table.arrival_us) if arrival_us is None else (arrival_us, arrival_us)
    order = [row for row in np.argsort(came_us, kind="stable").tolist() if came_us[row] >= 0]
    waits = times_us < 0
    said_us = times_us if table.think_us is None else np.where(waits, table.think_us, times_us)
    milliseconds = np.rint(said_us / 1000).astype(np.int64).tolist()
    inputs, outputs, sessions = table.input_tokens.tolist(), table.output_tokens.tolist(), table.session.tolist()
    lines = []
    for row in order:
        said = {"delay" if waits[row] else "timestamp": milliseconds[row]}
        said |= {"input_length": inputs[row], "output_length": outputs[row]}
        session = {"session_id": table.session_names[sessions[row]]} if sessions[row] >= 0 else {}
        lines.append(json.dumps({**said, "hash_ids": ids[row], **session}))
    write_text(path, "\n".join(lines) + "\n")
    return _found_tokens([ids[row] for row in order], [inputs[row] for row in order])


def prompt_hashes(table: RequestTable, block_tokens: int) -> list[list[int]]:
    """Of every prompt one number for each block that it starts, counted up as they appear.

    Blocks are equal iff all tokens up to their ends are; one that a prompt ends in has as many tokens everywhere.
    """
    known: dict[tuple[int, int], int] = {}
    hashes = []
    nodes, ends, offsets = table.path_node.tolist(), table.path_end_token.tolist(), table.path_offset.tolist()
    for row, n_input in enumerate(table.input_tokens.tolist()):
        entry = offsets[row]
        found = []
        for start in range(0, n_input, block_tokens):
            end = min(start + block_tokens, n_input)
            while ends[entry] < end:
                entry += 1
            found.append(known.setdefault((nodes[entry], end), len(known)))
        hashes.append(found)
    return hashes


def _found_tokens(hashes: list[list[int]], input_tokens: list[int]) -> int:
    """How many tokens of prompts lie in blocks that a prompt before them had."""
    known: set[int] = set()
    tokens = 0
    for ids, n_input in zip(hashes, input_tokens, strict=True):
        tokens += min(sum(block in known for block in ids) * BLOCK_TOKENS, n_input)
        known.update(ids)
    return tokens
