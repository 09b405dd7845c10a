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


def save_mooncake(path: str | Path, table: RequestTable, arrival_us: NDArray[np.int64]) -> None:
    """Write the requests in the order of these arrivals, [n], rounded to ms. Equal beginnings have equal ids.

    Those that never came, whose arrival is below 0, are left out.
    """
    ids = prompt_hashes(table, BLOCK_TOKENS)
    order = [row for row in np.argsort(arrival_us, kind="stable").tolist() if arrival_us[row] >= 0]
    milliseconds = np.rint(arrival_us / 1000).astype(np.int64).tolist()
    inputs, outputs, sessions = table.input_tokens.tolist(), table.output_tokens.tolist(), table.session.tolist()
    lines = []
    for row in order:
        said = {"timestamp": milliseconds[row], "input_length": inputs[row], "output_length": outputs[row]}
        session = {"session_id": table.session_names[sessions[row]]} if sessions[row] >= 0 else {}
        lines.append(json.dumps({**said, "hash_ids": ids[row], **session}))
    write_text(path, "\n".join(lines) + "\n")


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
