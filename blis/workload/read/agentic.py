"""Recorded sessions of agents: a JSON object a session, with the hashes of complete blocks of every prompt.

callanjfox/kv-cache-tester @ 19c263bd (docs/trace_replay_tester.md), and the Weka traces that inference-perf replays: a
file a session, a folder of them, or a line a session. Times are s since the session began; when it began nobody says.
Sub-agents are nested; they and their caller go on when who they wait for is answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.hash_blocks import HASHES, HashBlocks, hash_ids
from blis.workload.read.json_rows import JsonRows, json_document, json_lines
from blis.workload.read.traffic import FileRows, traffic
from blis.workload.read.turns import CLOSED

KEYS = ("block_size", "hash_id_scope", "tool_tokens", "requests", "in", "out", "hash_ids", "api_time", "think_time")

_MOST_S = 1e9
_ROUNDING_S = 1.0  # of times in the files: who came so much before an answer came after it
_SUBAGENT = "subagent"


class _Step(NamedTuple):
    """A request of a session; times count from when that began.

    answered_s: when its answer was complete, infinite if that was not recorded. follows: the step of the session that
    it waits for, -1 = none. think_s: since that one's answer.
    """

    row: dict[str, Any]
    name: str
    at_s: float
    answered_s: float
    follows: int
    think_s: float


def load_agentic(path: str | Path, turns: str = CLOSED) -> RequestTable:
    """The requests of all sessions of a file or folder, all of which begin at 0. Raises InputError."""
    sessions = list(_sessions(path))
    steps = [step for session in sessions for step in session.steps]
    rows = JsonRows(path, [step.row for step in steps], [step.name for step in steps])
    first = np.cumsum([0] + [len(session.steps) for session in sessions])[:-1]
    offset = np.repeat(first, [len(session.steps) for session in sessions])
    follows = np.array([step.follows for step in steps])
    inputs = rows.integers("in", 1, MAX_TOKENS)
    file = FileRows(
        path,
        times=np.array([step.at_s for step in steps]),
        time_unit="s",
        unit_given=True,
        input_tokens=inputs,
        output_tokens=rows.integers("out", 0, MAX_TOKENS),
        in_order=False,
        sessions=[session.name for session in sessions for _ in session.steps],
        hashes=_hashes(rows, sessions, inputs),
        ids=[f"{session.name}/{number}" for session in sessions for number in range(len(session.steps))],
        follows=np.where(follows >= 0, follows + offset, -1),
        think_us=np.rint([step.think_s * 1e6 for step in steps]).astype(np.int64),
        turns=turns,
        notes=(f"{len(sessions)} sessions, all of which begin at 0: when they began is not recorded",),
    )
    return traffic(file)


class _Session(NamedTuple):
    """name: its id. scope: of its hashes; equal ones of one scope are equal. block_tokens: of a hash."""

    name: str
    scope: str
    block_tokens: int
    steps: list[_Step]


def _sessions(path: str | Path) -> Iterator[_Session]:
    """Every session of a file or of a folder's files, in the order of their names. Raises InputError for one twice."""
    folder = Path(path).expanduser()
    first: dict[str, str] = {}
    for file in sorted(folder.glob("*.json*")) if folder.is_dir() else [Path(path)]:
        one = ".jsonl" not in file.suffixes
        for where, row in [(str(file), json_document(file))] if one else json_lines(file, ("requests",)):
            session = _session(row, where)
            if first.setdefault(session.name, where) != where:
                raise InputError(f"{where}: session {session.name!r} is already in {first[session.name]}")
            yield session


def _session(row: Any, where: str) -> _Session:
    """Raises InputError for what is no session."""
    if not isinstance(row, dict) or not isinstance(row.get("requests"), list) or not row["requests"]:
        raise InputError(f"{where}: a session with a list of requests is expected")
    size, name = row.get("block_size"), str(row.get("id") or Path(where).name)
    if type(size) is not int or size < 1:
        raise InputError(f"{where}: block_size: {size!r} is not a whole number of tokens >= 1")
    scope = "" if row.get("hash_id_scope") == "global" else name
    steps: list[_Step] = []
    _add(row["requests"], f"{name}: requests", 0.0, [], steps)
    return _Session(name, scope, size, steps)


def _add(rows: list[Any], where: str, start_s: float, waits: list[int], steps: list[_Step]) -> list[int]:
    """Append the requests of one agent, which begins when one of the steps `waits` is answered; its own steps."""
    own: list[int] = []
    answered = list(waits)  # that this agent may wait for: its own, and its sub-agents'
    for number, row in enumerate(rows):
        name = f"{where}: item {number}"
        at_s = start_s + _seconds(row, "t", name)
        if row.get("type") == _SUBAGENT:
            nested = row.get("requests") or []
            begins = at_s if nested and _seconds(nested[0], "t", name) < at_s - start_s else start_s
            answered += _add(nested, f"{name}: requests", begins, answered, steps)
            continue
        follows = _last_answered(answered, at_s, steps)
        pause = at_s - steps[follows].answered_s if follows >= 0 else 0.0
        think_s = max(pause, 0.0) if row.get("think_time") is None else _seconds(row, "think_time", name)
        answered_s = np.inf if row.get("api_time") is None else at_s + _seconds(row, "api_time", name)
        steps.append(_Step(row, name, at_s, answered_s, follows, think_s))
        own.append(len(steps) - 1)
        answered.append(len(steps) - 1)
    return own


def _last_answered(candidates: list[int], at_s: float, steps: list[_Step]) -> int:
    """Of some steps the one that was answered last before a time, -1 if none was."""
    done = [step for step in candidates if steps[step].answered_s <= at_s + _ROUNDING_S]
    return max(done, key=lambda step: (steps[step].answered_s, step), default=-1)


def _seconds(row: Any, key: str, where: str) -> float:
    value: Any = row.get(key) if isinstance(row, dict) else None
    if type(value) not in (int, float) or not 0 <= value <= _MOST_S:
        raise InputError(f"{where}: {key}: {value!r} is not a time in s >= 0")
    return float(value)


def _hashes(rows: JsonRows, sessions: list[_Session], inputs: Any) -> HashBlocks:
    """Complete blocks: what a prompt has behind them is its own."""
    sizes = {session.block_tokens for session in sessions}
    if len(sizes) > 1:
        raise InputError(f"{rows.path}: sessions with blocks of {' and '.join(map(str, sorted(sizes)))} tokens")
    size = sizes.pop()
    ids, blocks = hash_ids(rows)
    rows.check(
        HASHES, blocks * size <= inputs, lambda row: f"are more than the complete blocks of {inputs[row]} tokens"
    )
    scope = np.repeat([session.scope for session in sessions for _ in session.steps], blocks).tolist()
    number: dict[tuple[str, int], int] = {}
    return HashBlocks(
        np.array([number.setdefault(key, len(number)) for key in zip(scope, ids.tolist(), strict=True)], np.int64),
        blocks,
        size,
    )
