"""Requests as explicit token lists, and the identity of their KV blocks (engine.md 3 and 8.2)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from blis.tables.placement import Placement
from blis.tables.requests import RequestTable

#: What `table.draws` is asked for (docs/policies.md section 1).
PURPOSES = ("choice-1", "choice-2", "picker", "admission", "length-1", "length-2", "backoff")

STREAM = 2**32  # token number = stream * STREAM + position; no stream is that long


@dataclass(frozen=True)
class OracleRequest:
    """One request: arrival in microseconds, prompt and output as token numbers."""

    arrival_us: int
    prompt: tuple[int, ...]
    output: tuple[int, ...] = ()
    uniform: float = 0.0  # in [0, 1), breaks ties at random
    request_id: str = ""
    slo_class: str = ""
    tenant: int = 0  # number of its tenant
    session: int = -1  # number of its session, -1 without one
    predecessor: int = -1  # row that it follows, -1 = none; then its arrival is not known before
    think_us: int = 0  # from that one's answer to its arrival
    placement: Placement = field(default_factory=Placement)
    adapter: int = -1  # number of its LoRA adapter, -1 = it is for the base model
    draws: Mapping[str, float] = field(default_factory=dict, hash=False)  # purpose -> number in [0, 1)

    def cut(self, longest: int, row: int) -> OracleRequest:
        """The request with the beginning of its prompt, if that is too long; then its answer is one of its own."""
        if len(self.prompt) <= longest:
            return self
        own = -STREAM * (row + 1)
        return replace(self, prompt=self.prompt[:longest], output=tuple(range(own, own + len(self.output))))


def expand(table: RequestTable) -> list[OracleRequest]:
    """Turn a table's paths into token lists: token = (node, position in the sequence)."""
    requests = []
    numbers = {purpose: table.draws(purpose) for purpose in PURPOSES}
    for row in range(len(table)):
        tokens: list[int] = []
        for entry in range(int(table.path_offset[row]), int(table.path_offset[row + 1])):
            node, end = int(table.path_node[entry]), int(table.path_end_token[entry])
            tokens.extend(range(node * STREAM + len(tokens), node * STREAM + end))
        placement = 0 if table.placement is None else int(table.placement[row])
        prompt_tokens = int(table.input_tokens[row])
        requests.append(
            OracleRequest(
                arrival_us=int(table.arrival_us[row]),
                prompt=tuple(tokens[:prompt_tokens]),
                output=tuple(tokens[prompt_tokens:]),
                uniform=float(table.uniform[row]),
                request_id=table.request_id(row),
                slo_class=table.slo_names[table.slo_class[row]],
                tenant=int(table.tenant[row]),
                session=int(table.session[row]),
                predecessor=-1 if table.predecessor is None else int(table.predecessor[row]),
                think_us=0 if table.think_us is None else int(table.think_us[row]),
                placement=table.placements[placement],
                adapter=-1 if table.adapter is None else int(table.adapter[row]),
                draws={purpose: float(draws[row]) for purpose, draws in numbers.items()},
            )
        )
    return requests


def from_csv(path: Path) -> list[OracleRequest]:
    """Read the requests of a recorded case: a prefix from its group's stream, own prompt and output streams."""
    streams: dict[tuple[str, str], int] = {}
    tenants: dict[str, int] = {}

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
            requests.append(
                OracleRequest(
                    arrival_us=int(line["arrival_us"]),
                    prompt=prompt,
                    output=output,
                    request_id=name,
                    slo_class=line["slo_class"],
                    tenant=tenants.setdefault(line["tenant_id"], len(tenants)),
                )
            )
    return requests


class BlockKeys:
    """Content keys: equal numbers iff all tokens up to the end of the block are equal (8.2)."""

    def __init__(self, requests: Sequence[OracleRequest], block_size_tokens: int) -> None:
        """Start with no key; keys are numbered when first asked for."""
        self.block_size_tokens = block_size_tokens
        self._tokens = [request.prompt + request.output for request in requests]
        self._adapters = [request.adapter for request in requests]  # their KV is their own
        self._chains: list[list[int]] = [[] for _ in requests]
        self._numbers: dict[tuple[int, tuple[int, ...]], int] = {}

    def key(self, row: int, block: int) -> int:
        """Return the key of a row's full block: its own tokens chained to the key of the block before."""
        chain, size = self._chains[row], self.block_size_tokens
        while len(chain) <= block:
            tokens = self._tokens[row][len(chain) * size : (len(chain) + 1) * size]
            parent = chain[-1] if chain else self._adapters[row] - STREAM
            chain.append(self._numbers.setdefault((parent, tokens), len(self._numbers)))
        return chain[block]

    def shared(self, tokens: tuple[int, ...]) -> bool:
        """Whether more than one request has these tokens at its beginning."""
        return sum(other[: len(tokens)] == tokens for other in self._tokens) > 1

    def keys(self, row: int, blocks: int) -> list[int]:
        """Return the keys of a row's first blocks."""
        return [self.key(row, block) for block in range(blocks)]
