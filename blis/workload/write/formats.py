"""The formats that requests can be written in: what each can say of them, and what must be left out by name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np

from blis.errors import InputError, check_choice
from blis.tables.network import Network
from blis.tables.requests import RequestTable
from blis.workload.content.reuse import seen_tokens
from blis.workload.write.mooncake import BLOCK_TOKENS, save_mooncake
from blis.workload.write.prefixes import prefixes
from blis.workload.write.requests import save_requests
from blis.workload.write.trace_v2 import save_trace_v2

CLASSES, TENANTS, SESSIONS, LABELS, ADAPTERS = "classes", "tenants", "sessions", "labels", "adapters"
NETWORKS, SHARING, TURNS = "networks", "sharing", "turns"

#: What requests may have that not every format can say, and how it shows.
_PARTS: dict[str, Callable[[RequestTable], bool]] = {
    CLASSES: lambda table: any(table.slo_names),
    TENANTS: lambda table: any(table.tenant_names),
    SESSIONS: lambda table: bool((table.session >= 0).any()),
    LABELS: lambda table: table.placement is not None,
    ADAPTERS: lambda table: table.adapter is not None,
    NETWORKS: lambda table: table.origin is not None and any(one != Network() for one in table.origin.networks),
    SHARING: lambda table: not prefixes(table).complete,
    TURNS: lambda table: table.closed,
}

_IN_WORDS = {
    LABELS: "labels of instances",
    ADAPTERS: "LoRA adapters",
    NETWORKS: "networks of clients",
    SHARING: "sharing behind the common beginning of prompts",
}


class Writer(NamedTuple):
    """How requests are written to a file that ends in `suffix`, giving notes; which of the parts it can say."""

    suffix: str
    carries: tuple[str, ...]
    save: Callable[[str, RequestTable], list[str]]


def _save_requests(path: str, table: RequestTable) -> list[str]:
    save_requests(path, table)
    return []


def _save_trace_v2(path: str, table: RequestTable) -> list[str]:
    save_trace_v2(path, table)
    return read_as_turns(table)


def _save_mooncake(path: str, table: RequestTable) -> list[str]:
    found, shared = save_mooncake(path, table), int(seen_tokens(table).sum())
    times = table.arrival_us if table.think_us is None else np.maximum(table.arrival_us, table.think_us)
    rounded = int((times % 1000 != 0).sum())
    return [
        *([f"{rounded} of {len(table)} times are rounded to ms"] if rounded else ()),
        *([f"{shared} tokens of prompts are shared, {found} in blocks of {BLOCK_TOKENS}"] if found != shared else ()),
        *read_as_turns(table),
    ]


def read_as_turns(table: RequestTable) -> list[str]:
    """What to say of sessions that do not wait, in a format whose readers take them for turns."""
    if table.closed or not _PARTS[SESSIONS](table):
        return []
    return ["sessions are read as turns, each after the answer before; `turns: arrivals` keeps their arrivals"]


WRITERS = {
    "requests": Writer(".csv", (CLASSES, TENANTS, SESSIONS, LABELS, ADAPTERS), _save_requests),
    "mooncake": Writer(".jsonl", (SESSIONS, SHARING, TURNS), _save_mooncake),
    "trace-v2": Writer(".yaml", (CLASSES, TENANTS, SESSIONS), _save_trace_v2),
}


def save_as(name: str, path: str, table: RequestTable, dropped: Collection[str] = ()) -> list[str]:
    """Write requests in a format of WRITERS; what there is to say of it, a line each.

    dropped: parts that are left out because the format cannot say them. Raises InputError, naming them, for others that
    it cannot say, and for turns, which no arrival could stand for.
    """
    writer = WRITERS[name]
    for part in dropped:
        check_choice(f"part that {name} cannot say", part, _droppable(writer))
    lost = [part for part in lost_parts(name, table) if part not in dropped]
    if table.closed and not (TURNS in writer.carries and says_turns(table)):
        raise InputError(
            f"{name} cannot say who waits for whose answer here: `blis run --record` writes the times of a run, and"
            " --turns arrivals takes those of a recorded trace"
        )
    if lost:
        raise InputError(f"{name} cannot say {in_words(lost)}; --drop {','.join(lost)} leaves that out")
    return writer.save(path, table)


def lost_parts(name: str, table: RequestTable) -> list[str]:
    """What requests have that a format of WRITERS cannot say, turns aside."""
    return [part for part in _droppable(WRITERS[name]) if _PARTS[part](table)]


def in_words(parts: Collection[str]) -> str:
    """Parts as a sentence names them."""
    return ", ".join(_IN_WORDS.get(part, part) for part in parts)


def _droppable(writer: Writer) -> list[str]:
    return [part for part in _PARTS if part not in writer.carries and part != TURNS]


def says_turns(table: RequestTable) -> bool:
    """Whether everybody who waits does so for the row of the same session above, and nobody else has one there."""
    if table.predecessor is None:
        return False
    above: dict[int, int] = {}
    for row, (session, before) in enumerate(zip(table.session.tolist(), table.predecessor.tolist(), strict=True)):
        if above.get(session, -1) != before:
            return False
        if session >= 0:
            above[session] = row
    return True
