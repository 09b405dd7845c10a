"""Files that a command line reads, and those it writes: no file may be both, and none is written twice."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from blis.cli.workload_names import named_workloads
from blis.errors import InputError
from blis.files import check_writable, unpacked_name
from blis.workload.read.told import told
from blis.workload.recorded import trace_v2
from blis.workload.recorded.beside import files_beside
from blis.yaml_strict import load_mapping

#: Options of all commands that name a file to write; whatever else is the name of a file is read.
_OUTPUTS = ("out", "results_path", "record", "trace_output", "picture", "chunks", "metrics")


def check_outputs(options: argparse.Namespace) -> None:
    """Before anything is written: raise InputError if an output would destroy an input or another output.

    Raises EngineError for an output that cannot be written.
    """
    written = list(_written(options))
    for path in written:
        check_writable(path)
    read = {path.resolve() for path in _read(options)} if written else set()
    for number, path in enumerate(written):
        place = _place(path)
        if place in read:
            raise InputError(f"{path}: would be written over by what is made of it")
        if place in map(_place, written[:number]) and (place.is_file() or not place.exists()):
            raise InputError(f"{path}: would be written twice; rows of a trace v2, NAME.yaml, go to NAME.csv")


def _written(options: argparse.Namespace) -> Iterator[Path]:
    """Every file that outputs mean: a trace v2 has its rows beside its header."""
    for name in _OUTPUTS:
        if (target := getattr(options, name, None)) and isinstance(target, str):
            yield Path(target)
            is_trace = name == "record" or getattr(options, "to", "") == "trace-v2"
            if is_trace and Path(target).suffix == ".yaml":
                yield Path(target).with_suffix(".csv")


def _place(path: Path) -> Path:
    return Path(os.path.realpath(os.path.expanduser(path)))


def _read(options: argparse.Namespace) -> Iterator[Path]:
    """Every file that is there and that inputs mean: by themselves, beside them, or by a name in them."""
    workloads = named_workloads()
    words = {word for name, value in vars(options).items() if name not in _OUTPUTS for word in _texts(value)}
    seen: set[Path] = set()
    while words:
        files = {path for word in words for path in _files(workloads.get(word) or Path(os.path.expanduser(word)))}
        yield from files - seen
        words = {word for path in files - seen for word in _named_in(path)}
        seen |= files


def _texts(value: object) -> Iterator[str]:
    """All texts in a value, and in what it holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def _files(path: Path) -> Iterator[Path]:
    """A file and what is read with it; of a folder what it has for rows."""
    if os.path.isdir(path):
        yield from (*path.glob("*.json*"), *path.glob("chunk-*"))
    elif os.path.isfile(path):
        yield path
        yield from files_beside(path)
        yield from trace_v2.files_beside(path) if _is_trace_v2(path) else ()


def _is_trace_v2(path: Path) -> bool:
    """Whether a file is a half of a trace v2."""
    with suppress(InputError):  # what cannot be read is said by who reads it
        suffix = unpacked_name(path).suffix
        return (suffix == ".csv" and "send_time_us" in told(path).names) or "trace_version" in _mapping(path)
    return False


def _named_in(path: Path) -> Iterator[str]:
    """Texts in a YAML file, some of which may name files: a trace, coefficients."""
    with suppress(InputError):
        yield from _texts(_mapping(path))


def _mapping(path: Path) -> dict[str, object]:
    return load_mapping(path) if unpacked_name(path).suffix in (".yaml", ".yml") else {}
