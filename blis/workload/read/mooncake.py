"""JSON lines with a hash for each block of a prompt: Mooncake's, and what others write in its layout.

kvcache-ai/Mooncake @ 3b5a5941 (FAST25-release): ms, blocks of 512 tokens. alibaba-edu/qwen-bailian-usagetraces-anon: s,
blocks of 16, and which request continues which. ai-dynamo/aiperf 0.14 reads both and needs no hashes;
ai-dynamo/dynamo calls the keys `created_time`, `input_tokens`, `output_tokens`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.clock import most
from blis.workload.read.hash_blocks import HASHES, started_blocks
from blis.workload.read.json_rows import JsonRows, json_lines
from blis.workload.read.traffic import Said, traffic

KEYS = ("timestamp", "input_length", "output_length", "hash_ids")
BAILIAN_KEYS = ("chat_id", "parent_chat_id", "turn", *KEYS)
DYNAMO_KEYS = ("created_time", "input_tokens", "output_tokens", "hash_ids")

_MOONCAKE_TOKENS, _BAILIAN_TOKENS = 512, 16


def load_mooncake(path: str | Path, time_unit: str = "", block_tokens: int | None = None) -> RequestTable:
    """Lines of `timestamp` ms, `input_length`, `output_length` and, if prompts may share something, `hash_ids`.

    One id for each block that a prompt starts, the last covering what is left of it. Prompts share as many tokens as
    their leading equal ids cover; what follows, and every output, is the request's own. Other keys are ignored.
    """
    return _load(path, json_lines(path, KEYS[:3]), KEYS[:3], time_unit, "ms", _MOONCAKE_TOKENS, block_tokens)


def load_dynamo(path: str | Path, time_unit: str = "", block_tokens: int | None = None) -> RequestTable:
    """The same by the names that Dynamo gives the keys."""
    return _load(
        path, json_lines(path, DYNAMO_KEYS[:3]), DYNAMO_KEYS[:3], time_unit, "ms", _MOONCAKE_TOKENS, block_tokens
    )


def load_bailian(path: str | Path, time_unit: str = "", block_tokens: int | None = None) -> RequestTable:
    """The same in seconds and blocks of 16 tokens."""
    rows = json_lines(path, BAILIAN_KEYS[:-1])
    return _load(path, rows, KEYS[:3], time_unit, "s", _BAILIAN_TOKENS, block_tokens)


def _load(
    path: str | Path,
    rows: JsonRows,
    keys: Sequence[str],
    given_unit: str,
    usual_unit: str,
    usual_tokens: int,
    block_tokens: int | None,
) -> RequestTable:
    time, inputs, outputs = keys
    unit = given_unit or usual_unit
    input_tokens = rows.integers(inputs, 1, MAX_TOKENS)
    blocks, notes = None, _no_hashes(rows)
    if not notes:
        blocks, notes = started_blocks(rows, input_tokens, usual_tokens, block_tokens)
    return traffic(
        path,
        times=rows.times(time, most(unit), unit),
        time_unit=unit,
        unit_given=bool(given_unit),
        input_tokens=input_tokens,
        output_tokens=rows.integers(outputs, 0, MAX_TOKENS),
        said=Said(hashes=blocks),
        notes=notes,
    )


def _no_hashes(rows: JsonRows) -> tuple[str, ...]:
    """What to say of rows without hashes; nothing if one has some. Raises InputError if they are only misspelt."""
    present = set().union(*rows.rows)
    if HASHES in present:
        return ()
    if near := difflib.get_close_matches(HASHES, present, n=1):
        raise InputError(f"{rows.path}: {rows.names[0]}: key {HASHES!r} is missing (is it {near[0]!r}?)")
    return ("no hash_ids: prompts share nothing",)
