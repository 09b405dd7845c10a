"""Requests as explicit token lists, and the identity of their KV blocks (engine.md 3 and 8.2)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blis.requests import RequestTable

STREAM = 2**32  # token number = stream * STREAM + position; no stream is that long


@dataclass(frozen=True)
class OracleRequest:
    """One request: arrival in microseconds, prompt and output as token numbers."""

    arrival_us: int
    prompt: tuple[int, ...]
    output: tuple[int, ...] = ()
    uniform: float = 0.0  # in [0, 1), breaks ties at random
    request_id: str = ""


def expand(table: RequestTable) -> list[OracleRequest]:
    """Turn a table's paths into token lists: token = (node, position in the sequence)."""
    requests = []
    for row in range(len(table)):
        tokens: list[int] = []
        for entry in range(int(table.path_offset[row]), int(table.path_offset[row + 1])):
            node, end = int(table.path_node[entry]), int(table.path_end_token[entry])
            tokens.extend(range(node * STREAM + len(tokens), node * STREAM + end))
        prompt_tokens = int(table.input_tokens[row])
        requests.append(
            OracleRequest(
                arrival_us=int(table.arrival_us[row]),
                prompt=tuple(tokens[:prompt_tokens]),
                output=tuple(tokens[prompt_tokens:]),
                uniform=float(table.uniform[row]),
                request_id=table.request_id(row),
            )
        )
    return requests


def from_csv(path: Path) -> list[OracleRequest]:
    """Read the requests of a recorded case: a prefix from its group's stream, own prompt and output streams."""
    streams: dict[tuple[str, str], int] = {}

    def tokens(kind: str, name: str, start: int, end: int) -> tuple[int, ...]:
        stream = streams.setdefault((kind, name), len(streams)) * STREAM
        return tuple(range(stream + start, stream + end))

    requests = []
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            name, input_tokens = line["request_id"], int(line["input_tokens"])
            shared = min(int(line["prefix_tokens"] or 0), input_tokens)
            prompt = tokens("group", line["prefix_group"], 0, shared) + tokens("prompt", name, shared, input_tokens)
            output = tokens("output", name, 0, int(line["output_tokens"]))
            requests.append(OracleRequest(int(line["arrival_us"]), prompt, output, request_id=name))
    return requests


class BlockKeys:
    """Content keys: equal numbers iff all tokens up to the end of the block are equal (8.2)."""

    def __init__(self, requests: Sequence[OracleRequest], block_size_tokens: int) -> None:
        """Start with no key; keys are numbered when first asked for."""
        self.block_size_tokens = block_size_tokens
        self._tokens = [request.prompt + request.output for request in requests]
        self._chains: list[list[int]] = [[] for _ in requests]
        self._numbers: dict[tuple[int, tuple[int, ...]], int] = {}

    def key(self, row: int, block: int) -> int:
        """Return the key of a row's full block: its own tokens chained to the key of the block before."""
        chain, size = self._chains[row], self.block_size_tokens
        while len(chain) <= block:
            tokens = self._tokens[row][len(chain) * size : (len(chain) + 1) * size]
            parent = chain[-1] if chain else -1
            chain.append(self._numbers.setdefault((parent, tokens), len(self._numbers)))
        return chain[block]

    def keys(self, row: int, blocks: int) -> list[int]:
        """Return the keys of a row's first blocks."""
        return [self.key(row, block) for block in range(blocks)]
