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
    """Write requests in the order of their arrivals, rounded to ms; how many of their tokens were there before.

    arrival_us: [n] of a run, -1 for those that never came; None = nothing has run them. Who waits for an answer has the
    `delay` after it, and a `timestamp` too if it came; who neither came nor waits is left out. Equal beginnings have
    equal ids.
    """
    ids = prompt_hashes(table, BLOCK_TOKENS)
    came_us = table.arrival_us if arrival_us is None else arrival_us
    stands_us = _stands_us(table, came_us)
    order = [row for row in np.argsort(stands_us, kind="stable").tolist() if stands_us[row] >= 0]
    timestamps, delays = _ms(came_us), _ms(_delays_us(table))
    inputs, outputs, sessions = table.input_tokens.tolist(), table.output_tokens.tolist(), table.session.tolist()
    lines = []
    for row in order:
        said = {"timestamp": timestamps[row]} if came_us[row] >= 0 else {}
        said |= {"delay": delays[row]} if delays[row] >= 0 else {}
        said |= {"input_length": inputs[row], "output_length": outputs[row]}
        session = {"session_id": table.session_names[sessions[row]]} if sessions[row] >= 0 else {}
        lines.append(json.dumps({**said, "hash_ids": ids[row], **session}))
    write_text(path, "\n".join(lines) + "\n")
    return _found_tokens([ids[row] for row in order], [inputs[row] for row in order])


def _stands_us(table: RequestTable, came_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] where rows stand in time: when they came, else with the one that they wait for, -1 where there is none."""
    stands = came_us.tolist()
    for row, before in enumerate([] if table.predecessor is None else table.predecessor.tolist()):
        if stands[row] < 0 <= before:
            stands[row] = stands[before]
    return np.array(stands, np.int64)


def _delays_us(table: RequestTable) -> NDArray[np.int64]:
    """[n] from the answer that a row waits for to the row, below 0 for those that wait for none."""
    if table.predecessor is None or table.think_us is None:
        return np.full(len(table), -1000)
    return np.where(table.predecessor >= 0, table.think_us, -1000)


def _ms(times_us: NDArray[np.int64]) -> list[int]:
    rounded: list[int] = np.rint(times_us / 1000).astype(np.int64).tolist()
    return rounded


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
