"""ServeGen's directories: of every client (a chunk) its rate, burstiness and lengths, window by window.

`chunk-<id>-trace.csv` has rows `start_s, rate, cv, pattern, …`, `chunk-<id>-dataset.json` histograms of lengths by
windows of time. Source: workload-and-calibration.md section 13.
"""

from __future__ import annotations

import ast
import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from blis.errors import InputError
from blis.files import read_text

WINDOW_S = 600.0  # the length of a chunk's only row
_FILE = re.compile(r"chunk-(.+)-(trace\.csv|dataset\.json)(?:\.gz|\.zst)?")
_TRACE, _DATASET = "trace.csv", "dataset.json"

Bins = dict[str, float]  # token count -> weight


class Segment(NamedTuple):
    """A client during one window: times in seconds of the data."""

    chunk: str
    start_s: float
    end_s: float
    rate: float  # requests per second, > 0
    process: str
    cv: float
    input_bins: Bins
    output_bins: Bins


class ServeGen(NamedTuple):
    """What a directory says: its segments, by chunk and time, and how many rows of its traces are none."""

    segments: tuple[Segment, ...]
    skipped_rows: int


class _Row(NamedTuple):
    start_s: float
    rate: float
    cv: float
    pattern: str


def read_servegen(path: str, span_start_s: int = 0, span_end_s: float = math.inf) -> ServeGen:
    """The segments that start in [span_start_s, span_end_s).

    Raises InputError without trace files, without a client that sends, and for histograms that cannot be read.
    """
    segments: list[Segment] = []
    skipped = 0
    for chunk, trace, dataset in client_files(path):
        rows, bad = _rows(trace)
        skipped += bad
        ends = [row.start_s for row in rows[1:]]
        ends.append(rows[-1].start_s + (rows[-1].start_s - rows[-2].start_s if len(rows) > 1 else WINDOW_S))
        active = [
            (row, end)
            for row, end in zip(rows, ends, strict=True)
            if row.rate > 0 and end > row.start_s >= span_start_s and row.start_s < span_end_s
        ]
        if active:
            lengths = _Lengths(dataset)
            for row, end in active:
                end = min(end, span_end_s)
                segments.append(
                    Segment(chunk, row.start_s, end, row.rate, row.pattern, row.cv, *lengths.at(row.start_s))
                )
    if not segments:
        raise InputError(f"{path}: no client sends anything in that span")
    return ServeGen(tuple(segments), skipped)


def is_servegen(folder: Path) -> bool:
    """Whether a folder holds a client of ServeGen's."""
    return any(map(_FILE.fullmatch, (file.name for file in folder.glob("chunk-*"))))


class ClientFiles(NamedTuple):
    """A client: its id, and where its rates and its lengths are."""

    chunk: str
    trace: Path
    dataset: Path


def client_files(path: str) -> list[ClientFiles]:
    """The files of every client, in the order of their numbers, packed ones too.

    Raises InputError if there is none, or a client has only one of them, or one of them twice.
    """
    folder = Path(path).expanduser()
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.glob("chunk-*")):
        if match := _FILE.fullmatch(file.name):
            files = found.setdefault(match[1], {})
            if match[2] in files:
                raise InputError(f"{file}: {files[match[2]].name} beside it says the same of chunk {match[1]}")
            files[match[2]] = file
    if not found:
        raise InputError(f"{path}: no chunk-<id>-{_TRACE} of ServeGen in this folder")
    for chunk, files in found.items():
        for missing in {_TRACE, _DATASET} - set(files):
            raise InputError(f"{next(iter(files.values()))}: chunk-{chunk}-{missing} is missing beside it")
    ordered = sorted(found, key=lambda chunk: (0, int(chunk)) if chunk.isdecimal() else (1, 0))
    return [ClientFiles(chunk, found[chunk][_TRACE], found[chunk][_DATASET]) for chunk in ordered]


def _rows(file: Path) -> tuple[list[_Row], int]:
    """The rows in the order of time, and how many lines are no rows, such as a header."""
    rows, skipped = [], 0
    for line in filter(str.strip, read_text(file).splitlines()):
        cells = [cell.strip() for cell in line.split(",")]
        try:
            start_s, rate, cv = (float(cell) for cell in cells[:3])
            rows.append(_Row(start_s, rate, cv, cells[3].lower()))
        except (ValueError, IndexError):
            skipped += 1
    if not rows:
        raise InputError(f"{file}: no row of start, rate, cv and pattern")
    return sorted(rows), skipped


class _Lengths:
    """The histograms of one client by windows of time; each is read once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            windows = json.loads(read_text(file))
        except json.JSONDecodeError as error:
            raise InputError(f"{file}: line {error.lineno}: {error.msg}") from None
        self._windows = sorted(self._usable(windows))
        self._read: dict[float, tuple[Bins, Bins]] = {}

    def at(self, time_s: float) -> tuple[Bins, Bins]:
        """Of prompts and outputs, in the window that holds this time."""
        place = bisect_right(self._windows, (time_s, "￿", ""))
        if place == 0:
            raise InputError(f"{self._file}: no lengths for the window of {time_s:g} s")
        start_s, prompts, outputs = self._windows[place - 1]
        if start_s not in self._read:
            self._read[start_s] = (self._bins(prompts), self._bins(outputs))
        return self._read[start_s]

    def _usable(self, windows: object) -> Iterator[tuple[float, str, str]]:
        """(start, prompts, outputs) of the windows that have a time and both histograms."""
        for key, window in windows.items() if isinstance(windows, dict) else ():
            texts = [
                window.get(name) if isinstance(window, dict) else None for name in ("input_tokens", "output_tokens")
            ]
            prompts, outputs = (text.strip() if isinstance(text, str) else "" for text in texts)
            try:
                start_s = float(key)
            except ValueError:
                continue
            if prompts and outputs:
                yield start_s, prompts, outputs

    def _bins(self, text: str) -> Bins:
        """A histogram from the text of a Python dictionary."""
        try:
            pairs = ast.literal_eval(text)
            found = {str(int(tokens)): float(weight) for tokens, weight in pairs.items()}
        except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError, OverflowError):
            raise InputError(f"{self._file}: not a dictionary of lengths: {text[:40]!r}") from None
        if not found:
            raise InputError(f"{self._file}: an empty dictionary of lengths")
        if "0" in found:  # a request has a token at least
            found["1"] = found.get("1", 0.0) + found.pop("0")
        return found
