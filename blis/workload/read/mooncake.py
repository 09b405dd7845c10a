"""JSON lines with a hash for each block of a prompt: Mooncake's, and what others write in its layout.

kvcache-ai/Mooncake @ 3b5a5941 (FAST25-release): ms, blocks of 512 tokens. alibaba-edu/qwen-bailian-usagetraces-anon: s,
blocks of 16, and which request continues which. ai-dynamo/aiperf 0.14 reads both and needs no hashes;
ai-dynamo/dynamo calls the keys `created_time`, `input_tokens`, `output_tokens`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.chats import chats
from blis.workload.read.clock import most
from blis.workload.read.hash_blocks import HASHES, started_blocks
from blis.workload.read.json_rows import JsonRows, json_lines
from blis.workload.read.traffic import FileRows, traffic
from blis.workload.read.turns import CLOSED

KEYS = ("timestamp", "input_length", "output_length", "hash_ids")
BAILIAN_KEYS = ("chat_id", "parent_chat_id", "turn", *KEYS)
DYNAMO_KEYS = ("created_time", "input_tokens", "output_tokens", "hash_ids")


class _Layout(NamedTuple):
    """What the files of one writer are like."""

    keys: tuple[str, ...]
    time_unit: str
    block_tokens: int


class _Turns(NamedTuple):
    """Who waits for whom, as FileRows has it, and what is to be said of that."""

    sessions: Sequence[str] = ()
    follows: NDArray[np.int64] | None = None
    think_us: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


_MOONCAKE = _Layout(KEYS[:3], "ms", 512)
_BAILIAN = _Layout(KEYS[:3], "s", 16)
_DYNAMO = _Layout(DYNAMO_KEYS[:3], "ms", 512)


def load_mooncake(
    path: str | Path, time_unit: str = "", block_tokens: int | None = None, turns: str = CLOSED
) -> RequestTable:
    """Lines of `timestamp` ms, `input_length`, `output_length` and, if prompts may share something, `hash_ids`.

    One id for each block that a prompt starts, the last covering what is left of it. Prompts share as many tokens as
    their leading equal ids cover; what follows, and every output, is the request's own. Lines of one `session_id` are
    turns; where one has a `delay` (ms) it comes so long after the answer before it. Other keys are ignored.
    """
    rows = json_lines(path, KEYS[1:3])
    return _load(rows, _MOONCAKE, _delayed_turns(rows), time_unit, block_tokens, turns)


def load_dynamo(path: str | Path, time_unit: str = "", block_tokens: int | None = None) -> RequestTable:
    """The same by the names that Dynamo gives the keys, without sessions."""
    return _load(json_lines(path, DYNAMO_KEYS[:3]), _DYNAMO, _Turns(), time_unit, block_tokens, CLOSED)


def load_bailian(
    path: str | Path, time_unit: str = "", block_tokens: int | None = None, turns: str = CLOSED
) -> RequestTable:
    """The same in seconds and blocks of 16 tokens; chats with a parent before them are its next turns."""
    rows = json_lines(path, BAILIAN_KEYS[:-1])
    unit = time_unit or _BAILIAN.time_unit
    order = np.argsort(rows.times(KEYS[0], most(unit), unit), kind="stable")
    found = chats(rows.texts("chat_id"), rows.texts("parent_chat_id"), order.tolist())
    said = _Turns(found.sessions, follows=found.follows, notes=found.notes)
    return _load(rows, _BAILIAN, said, time_unit, block_tokens, turns)


def _delayed_turns(rows: JsonRows) -> _Turns:
    """Sessions, and what their turns have as `delay` (ms)."""
    sessions, delays = rows.texts("session_id"), rows.times("delay", most("ms"), "ms", blank=-1)
    delayed = delays >= 0
    alone = np.array([not name for name in sessions])
    rows.check("delay", ~(delayed & alone), lambda _: "is of a turn of a session, and the row has no session_id")
    opens = np.unique(sessions, return_index=True)[1]
    early = int(np.count_nonzero(delayed[opens]))
    notes = (f"{early} sessions begin with a delay, which is after an answer: left out",) if early else ()
    return _Turns(sessions, think_us=np.where(delayed, np.rint(delays * 1e3), -1).astype(int), notes=notes)


def _load(
    rows: JsonRows, layout: _Layout, said: _Turns, given_unit: str, block_tokens: int | None, turns: str
) -> RequestTable:
    time, inputs, outputs = layout.keys
    unit = given_unit or layout.time_unit
    input_tokens = rows.integers(inputs, 1, MAX_TOKENS)
    blocks, notes = None, _no_hashes(rows)
    if not notes:
        blocks, notes = started_blocks(rows, input_tokens, layout.block_tokens, block_tokens)
    file = FileRows(
        rows.path,
        times=_times(rows, time, unit, said, turns),
        time_unit=unit,
        unit_given=bool(given_unit),
        input_tokens=input_tokens,
        output_tokens=rows.integers(outputs, 0, MAX_TOKENS),
        sessions=said.sessions,
        hashes=blocks,
        follows=said.follows,
        think_us=said.think_us,
        turns=turns,
        notes=(*notes, *said.notes),
    )
    return traffic(file)


def _times(rows: JsonRows, key: str, unit: str, said: _Turns, turns: str) -> NDArray[Any]:
    """[n] when requests came; a turn that has a delay instead stands where the one before it does."""
    if said.think_us is None or not (said.think_us >= 0).any():
        return rows.times(key, most(unit), unit)
    times = rows.times(key, most(unit), unit, blank=-1)
    latest: dict[str, Any] = {}
    for row, session in enumerate(said.sessions):
        if times[row] < 0:
            if said.think_us[row] < 0 or session not in latest:
                rows.fail(key, row, "is missing, and there is no turn before with a delay from it")
            if turns != CLOSED:
                rows.fail(key, row, f"is missing: only turns: {CLOSED} replays a delay")
            times[row] = latest[session]
        latest[session] = times[row]
    return times


def _no_hashes(rows: JsonRows) -> tuple[str, ...]:
    """What to say of rows without hashes; nothing if one has some. Raises InputError if they are only misspelt."""
    if HASHES in rows.keys and any(ids is not None for ids in rows.values(HASHES)):
        return ()
    if HASHES not in rows.keys and (near := difflib.get_close_matches(HASHES, rows.keys, n=1, cutoff=0.75)):
        raise InputError(f"{rows.path}: {rows.names[0]}: key {HASHES!r} is missing (is it {near[0]!r}?)")
    return ("no hash_ids: prompts share nothing",)
