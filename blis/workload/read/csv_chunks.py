"""Requests from our own CSV file, some at a time: those that `csv_requests` reads at once, however many there are.

The file is read twice: before the first request runs, all names and all beginnings that prompts share must be known.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable
from blis.tables.streams import Chunk, RequestStream
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.draw.streams import Going
from blis.workload.read.csv_requests import COLUMNS, OPTIONAL_COLUMNS, Seen, read_columns, table_of
from blis.workload.read.sheet import Sheet, sheet_parts

Pairs = NDArray[np.int64]  # [p, 2] prefix groups and tokens of them


def requests_in_chunks(path: str | Path, size: int) -> RequestStream:
    """The requests of a CSV file. size: of a chunk.

    Raises InputError as reading at once does, and for sessions. Wrong lines are found before the first request runs.
    """
    seen, pairs, before_us = Seen(), np.empty((0, 2), np.int64), 0
    ids: list[NDArray[np.int64]] = []
    for sheet in _parts(path, size):
        columns = read_columns(sheet, seen, before_us)
        before_us = int(columns["arrival_us"][-1])
        sheet.check("session_id", columns["session"] < 0, lambda _row: "is a session, which cannot be streamed")
        sheet.check("adapter", columns["adapter"] < 0, lambda _row: "is a LoRA adapter, which cannot be streamed")
        sheet.check_unique("request_id", sheet.cells["request_id"])
        ids.append(np.array([hash(name) for name in sheet.cells["request_id"]], np.int64))
        pairs = np.unique(np.concatenate([pairs, _pairs(columns)]), axis=0)
    _check_ids(path, size, np.concatenate(ids))
    return RequestStream(_patterns(pairs, seen), _chunks(path, size, seen, pairs))


def _parts(path: str | Path, size: int) -> Iterator[Sheet]:
    return sheet_parts(path, COLUMNS, OPTIONAL_COLUMNS, size)


def _pairs(columns: dict[str, NDArray[np.int64]]) -> Pairs:
    """[n, 2] of each request, (-1, 0) without a prefix."""
    prefix = columns["prefix_tokens"]
    return np.stack([np.where(prefix > 0, columns["group"], -1), prefix], axis=1)


def _check_ids(path: str | Path, size: int, hashes: NDArray[np.int64]) -> None:
    """Raise InputError for the first name that is there twice; the file is read again where two may be equal."""
    hashes.sort()
    doubtful = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    if not doubtful:
        return
    lines: dict[str, int] = {}
    for sheet in _parts(path, size):
        for row, name in enumerate(sheet.cells["request_id"]):
            if hash(name) in doubtful and lines.setdefault(name, sheet.lines[row]) != sheet.lines[row]:
                sheet.fail("request_id", row, f"is already in line {lines[name]}")


def _patterns(pairs: Pairs, seen: Seen) -> RequestTable:
    """A row a pair, and the same rows again, so that what they begin with is shared."""
    group, prefix = np.tile(pairs, (2, 1)).T
    none = np.zeros_like(prefix)
    content = intern_prefix_groups(group, prefix, prefix + 1, none)
    return assemble(content, arrival_us=none, input_tokens=prefix + 1, output_tokens=none, **seen.names())


def _chunks(path: str | Path, size: int, seen: Seen, pairs: Pairs) -> Iterator[Chunk]:
    """The rows again, with the names and beginnings of all. Ties are broken as at once."""
    first, uniform = 0, Going(0)("requests/uniform")
    keys = {pair: row for row, pair in enumerate(map(tuple, pairs.tolist()))}
    for sheet in _parts(path, size):
        columns = read_columns(sheet, seen)
        pattern = np.array([keys[pair] for pair in map(tuple, _pairs(columns).tolist())], np.int32)
        if "uniform" not in columns:
            columns["uniform"] = uniform.random(len(sheet))
        table = table_of(sheet, columns, seen)
        yield Chunk(first, table, pattern)
        first += len(sheet)
