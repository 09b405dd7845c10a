"""What a file is told from: the names of its columns or keys, and files that are summaries of what is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from blis.errors import InputError
from blis.files import read_text
from blis.workload.read.servegen import is_servegen

#: Keys of results without a row for each request, and what they are.
_SUMMARIES = {
    "a result of `vllm bench serve` without its requests; write it with --save-detailed": (
        *("request_throughput", "mean_ttft_ms", "total_input_tokens", "num_prompts"),
    ),
    "a summary of inference-perf; per_request_lifecycle_metrics.json has the requests": (
        *("load_summary", "successes", "failures"),
    ),
    "a summary of AIPerf; profile_export.jsonl has the requests": (
        *("input_config", "request_throughput", "time_to_first_token", "request_count"),
    ),
}


class Told(NamedTuple):
    """json: whether it is JSON, else CSV. names: of its keys or columns. first: its first line, for errors."""

    json: bool
    names: frozenset[str]
    first: str


def told(path: str | Path) -> Told:
    """What a file looks like. Raises InputError if it is empty or cannot be read."""
    text = read_text(_sample(path))
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    if not first:
        raise InputError(f"{path}: empty file")
    if not first.startswith(("{", "[")):
        return Told(False, frozenset(cell.strip(' "') for cell in first.split(",")), first)
    # Lines are alike; of one document all keys count. Both may be cut off: the parser then says what is wrong.
    seen = first if first.startswith("{") and first.endswith("}") else text
    return Told(True, frozenset(re.findall(r'"([^"\\]*)"\s*:', seen)), first)


def _sample(path: str | Path) -> Path:
    """The file that a folder is told from: the first one of its JSON files."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        return Path(path)
    if is_servegen(folder):
        raise InputError(
            f"{path}: ServeGen says rates, not requests: `blis workload {path}` draws from it; write `servegen_data:"
            f" {{path: {path}}}` and `num_requests: 4000` into a .yaml file, which is given as workload=FILE.yaml to a"
            " search and as --workload-spec FILE.yaml to others"
        )
    files = sorted(folder.glob("*.json*"))
    if not files:
        raise InputError(f"{path}: a folder without JSON files; sessions of agents are a file each")
    return files[0]


def nearest(path: str | Path, found: Told, formats: Mapping[str, Sequence[str]]) -> str | None:
    """The format of whose columns or keys a file has most, None if that is fewer than two.

    Raises InputError for a result that has no requests, which says so by its name.
    """
    count = {name: len(found.names.intersection(columns)) for name, columns in formats.items()}
    best = max(count, key=count.__getitem__)
    if found.json and count[best] <= len(formats[best]) / 2:
        for what, keys in _SUMMARIES.items():
            if len(found.names.intersection(keys)) > len(keys) / 2:
                raise InputError(f"{path}: {what}")
    return best if count[best] >= 2 else None
