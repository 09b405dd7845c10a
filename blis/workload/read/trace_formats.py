"""The formats of recorded traffic: each a parser from a file to a RequestTable, named in `FORMATS`.

Rows that cannot be simulated are errors, and what is left out, sorted or shifted is said in the table's notes: a trace
with holes is another trace.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from blis import plugins
from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.read import agentic, lengths, measured, mooncake
from blis.workload.read.csv_requests import COLUMNS, load_requests
from blis.workload.read.token_lists import COLUMNS as TOKEN_COLUMNS
from blis.workload.read.token_lists import is_token_lists, load_token_lists
from blis.workload.read.told import nearest, told
from blis.workload.recorded import trace_v2
from blis.workload.recorded.read import JSON_LOGS


class Format(NamedTuple):
    """One layout of files, told from others by its `columns`; `parse` turns a file into requests.

    takes: keys of a trace's specification that `parse` takes by name, for what files of this layout leave open.
    """

    what: str
    columns: tuple[str, ...]  # or keys
    json: bool  # else CSV with a header
    parse: Callable[..., RequestTable]
    takes: tuple[str, ...] = ()


#: Ours by name, and those that installed packages bring.
FORMATS = plugins.Named[Format]("format", plugins.FORMATS)
_TURNS = ("turns",)
_BLOCKS = ("time_unit", "block_tokens")
_ALL = _BLOCKS + _TURNS
for _name, _format in {
    "mooncake": Format("JSON lines in ms, hashes of blocks", mooncake.KEYS, True, mooncake.load_mooncake, _ALL),
    "bailian": Format("the same in s, and chats", mooncake.BAILIAN_KEYS, True, mooncake.load_bailian, _ALL),
    "dynamo": Format("the same by Dynamo's names", mooncake.DYNAMO_KEYS, True, mooncake.load_dynamo, _BLOCKS),
    "agentic": Format("sessions of agents, a file each", agentic.KEYS, True, agentic.load_agentic, _TURNS),
    "azure": Format("CSV with wall times", lengths.AZURE_COLUMNS, False, lengths.load_azure),
    "compact": Format("CSV of Vidur, in s", lengths.COMPACT_COLUMNS, False, lengths.load_compact, ("time_unit",)),
    "burstgpt": Format(
        "CSV of BurstGPT, in s", lengths.BURSTGPT_COLUMNS, False, lengths.load_burstgpt, ("time_unit", "turns")
    ),
    "splitwise": Format(
        "CSV of splitwise-sim, in s", lengths.SPLITWISE_COLUMNS, False, lengths.load_splitwise, ("time_unit",)
    ),
    **{
        name: Format(what, JSON_LOGS[name][0], True, partial(measured.requests_of, JSON_LOGS[name][1]), _TURNS)
        for name, what in {
            "request-log": "request log of an engine",
            "vllm-bench": "detailed result of `vllm bench serve`",
            "guidellm": "result of guidellm",
            "aiperf": "profile_export.jsonl of AIPerf",
            "genai-perf": "profile_export.json of genai-perf",
            "inference-perf": "per_request_lifecycle_metrics.json",
        }.items()
    },
    "trace-v2": Format("rows of a trace v2", trace_v2.TOLD_BY, False, trace_v2.load_replay, _TURNS),
    "requests": Format("this program's own CSV", COLUMNS, False, load_requests, _TURNS),
    "token-lists": Format("the original's CSV of token lists", TOKEN_COLUMNS, False, load_token_lists, ("time_unit",)),
}.items():
    FORMATS.register(_name)(_format)


def detect_format(path: str | Path) -> str:
    """The name of the format whose columns or keys the file's first line has most of.

    Token lists are told by their cells. Raises InputError if the file is empty or its first line has fewer than two of
    any format's.
    """
    found = told(path)
    if not found.json and is_token_lists(path):
        return "token-lists"
    best = nearest(path, found, {name: each.columns for name, each in FORMATS.items() if each.json == found.json})
    if best is None:
        known = ", ".join(FORMATS)
        raise InputError(
            f"{path}: line 1: {found.first[:60]!r} is of no known format ({known}); `blis traces` says more"
        )
    return best
